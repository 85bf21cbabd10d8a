/* What the reader leaves out: by value, by class or status, by text. Nothing is lost in silence. */

/** The numbers of the cells that pass; of every class and status where `whole` is false. */
function shownCells(whole = true) {
  const { axes, classes, statuses, text } = view.keep;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (let cell = 0; cell < cells().id.length; cell += 1) {
    const name = className(cell);
    const byClass = !whole || (!classes.size && !statuses.size)
      ? true : name ? classes.has(name) : statuses.has(statusOf(cell));
    const byAxis = axes.every((codes, place) => !codes.size || codes.has(cells().codes[place][cell]));
    if (byClass && byAxis && words.every((word) => textOf(cell).includes(word))) found.push(cell);
  }
  return found;
}

function textOf(cell) {
  return `${cells().id[cell]} ${reasonOf(cell)} ${machineOf(cell)} ${cells().verdict[cell]} ${statusWords(cell)}`.toLowerCase();
}

/** Axes that have a choice of their own beside the filters. */
function isChoice(place) { return ["matrix", "machine"].includes(workload().axes[place].name); }

function clearFilters() {
  view.keep = {
    axes: workload().axes.map(() => new Set()), classes: new Set(), statuses: new Set(), text: "",
  };
}

function isFiltered() {
  const { axes, classes, statuses, text } = view.keep;
  const isKept = (codes, place) => codes.size && workload().axes[place].name !== "matrix";
  return Boolean(text || classes.size || statuses.size || axes.some(isKept));
}

function filterControls() {
  let timer = 0;
  const search = html("input", {
    type: "search", value: view.keep.text, placeholder: "text in id, reason, machine…", "aria-label": "Text in id, reason or machine",
    input: () => {
      clearTimeout(timer);
      timer = setTimeout(() => { view.keep.text = search.value; drawMatrix(); drawDistances(); remember("search"); }, 120);
    },
  });
  const chosen = view.keep.axes.filter((codes, place) => codes.size && !isChoice(place)).length;
  const panel = html("details", { class: "filters", open: view.filtersOpen },
    html("summary", {}, chosen ? `Filter (${counted(chosen, "axis", "axes")})` : "Filter"),
    html("div", { class: "filter-axes" }, workload().axes.map((axis, place) => !isChoice(place) && axisFilter(axis, place))));
  panel.addEventListener("toggle", () => { view.filtersOpen = panel.open; });
  return [search, panel];
}

function axisFilter(axis, place) {
  const keep = view.keep.axes[place];
  return html("fieldset", {}, html("legend", {}, axis.name),
    axis.values.map((value, code) => html("button", {
      type: "button", class: "value", "aria-pressed": keep.has(code) ? "true" : "false", "data-focus": `${place}=${code}`,
      click: () => {
        if (!keep.delete(code)) keep.add(code);
        drawControls();
        drawMatrix();
        drawDistances();
        remember();
        focusOn("matrix-controls", `${place}=${code}`);
      },
    }, value)));
}

/** How many cells are shown, and of a single class what it is. */
function tellShown(count) {
  const matrix = shownMatrix();
  const all = matrix === null ? cells().id.length : cells().id.filter((_, cell) => matrixOf(cell) === matrix).length;
  const [name, ...others] = view.keep.classes;
  const words = name && !others.length && !view.keep.statuses.size ? whereOf(name) : "";
  const line = place("shown", isFiltered() ? `Showing ${count.toLocaleString("en")} of ${counted(all, "cell")}. ` : `${counted(all, "cell")}. `,
    words && html("span", {}, "Class ", html("b", {}, name), ` is: ${words}. `));
  if (isFiltered()) {
    line.append(html("button", {
      type: "button", class: "plain",
      click: showEverything,
    }, "Show all"));
  }
}

/** Every cell of the matrix that is shown. */
function showEverything() {
  const place = axisNamed("matrix");
  const matrix = place < 0 ? new Set() : view.keep.axes[place];
  clearFilters();
  if (place >= 0) view.keep.axes[place] = matrix;
  drawKept();
}

/** Draw what the filters leave. */
function drawKept() {
  if (!view.arranged) arrange();
  drawControls();
  drawMatrix();
  showTables();
  later(() => { drawDistances(); drawLosses(); });
  remember();
}
