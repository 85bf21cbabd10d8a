/* Which axes go down and which across: chosen well at first, then by the reader. */

/**
 * A first arrangement that is about as wide as high; on a narrow screen few columns. It depends on
 * the matrix only: filters leave rows and columns where they are.
 */
function arrange() {
  const axes = workload().axes;
  const sizes = axisSizes();
  const widest = NARROW.matches ? 8 : 22;
  const bySize = axes.map((_, place) => place)
    .sort((a, b) => sizes[b] - sizes[a]);
  const rows = [];
  const columns = [];
  let down = 1;
  let across = 1;
  for (const place of bySize) {
    const size = sizes[place];
    if (across * size <= widest && across <= down * 2) {
      columns.push(place);
      across *= size;
    } else {
      rows.push(place);
      down *= size;
    }
  }
  view.rows = rows.sort((a, b) => a - b);
  view.columns = columns.sort((a, b) => a - b);
}

/** How many values each axis has in the matrix that is shown. */
function axisSizes() {
  const matrix = shownMatrix();
  workload().sizes ??= new Map();
  if (!workload().sizes.has(matrix)) workload().sizes.set(matrix, workload().axes.map((_, place) => new Set(cells().codes[place].filter((_, cell) => matrix === null || matrixOf(cell) === matrix)).size));
  return workload().sizes.get(matrix);
}

/** The axis with most values. */
function widestAxis() {
  const sizes = axisSizes();
  return sizes.length ? sizes.indexOf(Math.max(...sizes)) : "";
}

function axisControls() {
  return html("div", { class: "arrangement" },
    lane("Rows", view.rows, view.columns),
    lane("Columns", view.columns, view.rows));
}

function lane(label, mine, other) {
  return html("div", { class: "lane", role: "group", "aria-label": label },
    html("span", { class: "lane-name" }, label),
    mine.some(hasSeveral) ? mine.map((axis, place) => hasSeveral(axis) && chip(axis, place, label, mine, other))
      : html("span", { class: "fine" }, "none"));
}

/** Whether an axis has several values among what passes the filters. */
function hasSeveral(axis) {
  const keep = view.keep.axes[axis];
  return keep.size !== 1 && varying([axis], shownCells()).length > 0;
}

function chip(axis, place, label, mine, other) {
  const { name, with: followers, sentence } = workload().axes[axis];
  const target = label === "Rows" ? "columns" : "rows";
  const text = followers.length ? `${name} (with ${followers.join(", ")})` : name;
  return html("span", { class: "chip", title: sentence },
    place > 0 && html("button", {
      type: "button", "aria-label": `${name}: one place outward`, "data-focus": `out-${axis}`,
      click: () => move(() => { mine.splice(place, 1); mine.splice(place - 1, 0, axis); }, `out-${axis}`, `to-${axis}`),
    }, "‹"),
    html("button", {
      type: "button", "aria-label": `${text}: move to the ${target}`, "data-focus": `to-${axis}`,
      click: () => move(() => { mine.splice(place, 1); other.push(axis); }, `to-${axis}`),
    }, text));
}

function move(change, ...focus) {
  change();
  view.arranged = true;
  drawControls();
  drawMatrix();
  remember();
  focusOn("matrix-controls", ...focus);
}

/** Focus again on what a redrawing has replaced. */
function focusOn(id, ...names) {
  for (const name of names) {
    const found = document.querySelector(`#${id} [data-focus="${CSS.escape(name)}"]`);
    if (found) return found.focus();
  }
  return undefined;
}
