/* Figure 1: the matrix. A grid to walk with the arrow keys; one tile per cell, none dropped. */

/**
 * What is on the screen; `rows` and `columns` are the axes that have several values there. Of many
 * lines only those near the window have tiles: `tiles` has holes, `cells` has none.
 */
const grid = { tiles: [], cells: [], lines: [], edges: [], rows: [], columns: [], width: 0, focus: null };
const FIRST_LINES = 40;
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) fillLine(Number(target.dataset.row));
}, { rootMargin: "1500px 0px" });


function drawControls() {
  const colours = [["class", "class of equal weights"], ["distance", "distance from the baseline"], ["init", "initial weights"]];
  place("matrix-controls", axisControls(),
    html("div", { class: "row" },
      matrixChoice(), choice("Colour", colours, view.colour, (value) => { view.colour = value; recolour(); }),
      baselineChoice(), ...filterControls()));
}

/** Where several matrices were published: which one to show. */
function matrixChoice() {
  const place = workload().axes.findIndex((axis) => axis.name === "matrix");
  if (place < 0) return null;
  const chosen = view.keep.axes[place].size === 1 ? [...view.keep.axes[place]][0] : "";
  const options = [...workload().axes[place].values.entries(), ["", "all together"]];
  return choice("Matrix", options, chosen, (value) => chooseMatrix(place, value));
}

function chooseMatrix(place, value) {
  view.keep.axes[place] = new Set(value === "" ? [] : [Number(value)]);
  arrange();
  view.over = widestAxis();
  drawControls();
  drawMatrix();
  drawDistances();
}

function baselineChoice() {
  const points = workload().distances.points;
  if (!points.length) return null;
  const options = points.map((_, point) => [point, pointLabel(point)]);
  return choice("Baseline", options, view.baseline, (value) => {
    view.baseline = Number(value);
    drawControls();
    recolour();
    drawDistances();
    drawLosses();
    if (view.cell !== null) openDetails(view.cell);
  });
}

function pointLabel(point) {
  const { cell } = workload().distances.points[point];
  return cell === null ? `class ${pointName(point)}` : `unstable cell ${cell + 1}, first run`;
}

function drawMatrix() {
  const chosen = shownCells();
  grid.rows = varying(view.rows, chosen);
  grid.columns = varying(view.columns, chosen);
  const down = keysOf(grid.rows, chosen);
  const across = keysOf(grid.columns, chosen);
  grid.width = across.length;
  near.disconnect();
  grid.tiles = [];
  grid.lines = [];
  const table = html("div", {
    role: "grid", class: "grid", "aria-labelledby": "matrix-title",
    "aria-rowcount": down.length + grid.columns.length, "aria-colcount": across.length + 1,
  }, html("div", { role: "rowgroup", class: "top" }, columnHeads(across), rowNames()), rowsOf(down, across, chosen));
  table.classList.toggle("stacked", NARROW.matches && grid.rows.length > 1);
  table.style.setProperty("--tile", `${tileWidth(across)}px`);
  headWidths().forEach((width, level) => table.style.setProperty(`--head${level}`, `${width}px`));
  table.addEventListener("keydown", walk);
  table.addEventListener("click", (event) => withCell(event.target, (cell, tile) => { focusTile(tile); openDetails(cell); }));
  table.addEventListener("pointerover", (event) => withCell(event.target, showHint, hideHint));
  table.addEventListener("pointerleave", hideHint);
  table.addEventListener("focusin", (event) => withCell(event.target, (cell, tile) => tile.setAttribute("aria-label", sentenceOf(cell))));
  place("matrix", chosen.length ? table : html("p", { class: "fine" }, "No cell passes the filter."));
  grid.focus = grid.tiles.find((tile) => tile && tile.dataset.cell) || null;
  if (grid.focus) grid.focus.tabIndex = 0;
  drawLegend();
  tellShown(chosen.length);
  captionMatrix();
  markOpen();
}

function varying(axes, chosen) {
  return axes.filter((axis) => chosen.some((cell) => cells().codes[axis][cell] !== cells().codes[axis][chosen[0]]));
}

/** The different combinations of some axes among these cells, in order. */
function keysOf(axes, chosen) {
  const codes = axes.map((axis) => cells().codes[axis]);
  const sizes = axes.map((axis) => workload().axes[axis].values.length);
  const seen = new Map();
  for (const cell of chosen) {
    let key = 0;
    for (let level = 0; level < axes.length; level += 1) key = key * sizes[level] + codes[level][cell];
    if (!seen.has(key)) seen.set(key, codes.map((column) => column[cell]));
  }
  return [...seen].sort((a, b) => a[0] - b[0]).map(([key, values]) => ({ key, values }));
}

function keyOf(axes, cell) {
  return axes.reduce((key, axis) => key * workload().axes[axis].values.length + cells().codes[axis][cell], 0);
}

function columnHeads(across) {
  return grid.columns.map((axis, level) => {
    const heads = spans(across, level).map(({ value, start, count }) => {
      const head = html("div", { role: "columnheader", class: `head${edgeOf(across, start)}`, title: valueOf(axis, value) },
        html("span", {}, valueOf(axis, value)));
      head.style.width = `calc(${count} * var(--tile) + ${6 * gapsIn(across, start, count)}px)`;
      return head;
    });
    const last = level === grid.columns.length - 1;
    return html("div", { role: "row", class: `heads${last && isUpright(across) ? " upright" : ""}` },
      html("div", { role: "columnheader", class: "corner" }, html("span", {}, workload().axes[axis].name)), heads);
  });
}

/** The names of the axes that go down, over their values. */
function rowNames() {
  const names = grid.rows.map((axis, level) => {
    const name = html("span", {}, workload().axes[axis].name);
    name.style.width = `var(--head${level})`;
    return name;
  });
  return names.length > 0 && html("div", { role: "row", class: "heads names" }, html("div", { role: "columnheader", class: "side" }, names));
}

/** Neighbours that share their outer values stand under one head. */
function spans(keys, level) {
  const found = [];
  let before = null;
  keys.forEach(({ values }, start) => {
    const path = values.slice(0, level + 1).join();
    if (path === before) found[found.length - 1].count += 1;
    else found.push({ value: values[level], start, count: 1 });
    before = path;
  });
  return found;
}

function gapsIn(keys, start, count) {
  return keys.slice(start + 1, start + count).filter((_, i) => edgeOf(keys, start + 1 + i)).length;
}

function rowsOf(down, across, chosen) {
  const columnAt = new Map(across.map(({ key }, place) => [key, place]));
  const rowAt = new Map(down.map(({ key }, place) => [key, place]));
  const width = across.length;
  const places = new Array(width * down.length).fill(-1);
  for (const cell of chosen) {
    places[rowAt.get(keyOf(grid.rows, cell)) * width + columnAt.get(keyOf(grid.columns, cell))] = cell;
  }
  grid.cells = places;
  grid.edges = across.map((_, column) => edgeOf(across, column));
  grid.lines = down.map(({ values }, row) => html("div", { role: "row", class: `line${edgeOf(down, row)}`, "data-row": row, "aria-rowindex": row + 1 }, rowHead(values)));
  grid.lines.forEach((line, row) => (row < FIRST_LINES ? fillLine(row) : near.observe(line)));
  return grid.lines;
}

/** Give a line its tiles, once. */
function fillLine(row) {
  const start = row * grid.width;
  if (start in grid.tiles) return;
  near.unobserve(grid.lines[row]);
  for (let place = start; place < start + grid.width; place += 1) {
    grid.tiles[place] = tileElement(grid.cells[place], grid.edges[place - start]);
    grid.tiles[place].dataset.place = place;
    grid.lines[row].append(grid.tiles[place]);
  }
}

function fillAll() { grid.lines.forEach((_, row) => fillLine(row)); }

function tileAt(place) {
  fillLine(Math.floor(place / grid.width));
  return grid.tiles[place];
}

/** A gap before a new outer group, the wider the further out. */
function edgeOf(keys, place) {
  if (place === 0) return "";
  const a = keys[place - 1].values;
  const b = keys[place].values;
  const level = b.findIndex((value, i) => value !== a[i]);
  return level < b.length - 1 ? " gap" : "";
}

function rowHead(values) {
  const heads = values.map((value, level) => {
    const text = valueOf(grid.rows[level], value);
    const head = html("span", { title: `${workload().axes[grid.rows[level]].name} ${text}` }, text);
    head.style.width = `var(--head${level})`;
    return head;
  });
  return html("div", { role: "rowheader", class: "side" }, heads);
}

function valueOf(axis, code) { return workload().axes[axis].values[code]; }

function tileElement(cell, edge) {
  const tile = document.createElement("div");
  tile.setAttribute("role", "gridcell");
  tile.className = `tile none${edge}`;
  if (cell >= 0) {
    const { text, look } = tileOf(cell);
    tile.className = `tile ${look}${edge}`;
    tile.dataset.edge = edge;
    tile.dataset.cell = cell;
    tile.textContent = text;
    tile.tabIndex = -1;
  }
  return tile;
}

function recolour() {
  grid.tiles.forEach((tile, place) => {
    const cell = grid.cells[place];
    if (cell < 0) return;
    const look = `tile ${tileOf(cell).look}${tile.dataset.edge}`;
    if (tile.className !== look) tile.className = look;
  });
  captionMatrix();
  markOpen();
}

function tileWidth(across) {
  if (isUpright(across)) return 28;
  const needed = grid.columns.map((axis, level) => {
    const narrowest = Math.min(...spans(across, level).map(({ count }) => count));
    return (longest(axis) * 6.4 + 8) / narrowest;
  });
  return Math.min(60, Math.max(30, ...needed));
}

/** Whether the innermost heads stand upright, because they are many or long. */
function isUpright(across) {
  const inner = grid.columns[grid.columns.length - 1];
  return inner !== undefined && longest(inner) > 2 && (across.length > 14 || longest(inner) > 8 || NARROW.matches);
}

function longest(axis) {
  return axis === undefined ? 0 : Math.max(...workload().axes[axis].values.map((value) => value.length));
}

function headWidths() {
  return grid.rows.map((axis) => Math.min(NARROW.matches ? 88 : 150, Math.max(longest(axis), workload().axes[axis].name.length * 0.9) * 6.8 + 12));
}

function captionMatrix() {
  const names = (axes) => axes.map((axis) => workload().axes[axis].name).join(" × ") || "all cells";
  const legend = { class: "Equal letters are equal bits.", init: "Letters are the classes; the colour is that of the initial weights: another colour is another start.", distance: distanceWords() }[view.colour];
  const rows = `${grid.rows.length ? `Rows: ${names(grid.rows)}. ` : ""}${grid.columns.length ? `Columns: ${names(grid.columns)}.` : ""}`;
  place("matrix-caption", `${rows} ${legend} Point at a tile for its settings; click, or press Enter, for its details.`);
}

function distanceWords() {
  const [low, high] = span();
  return `The stronger the colour, the larger the ${MEASURES[view.measure].toLowerCase()} from ${pointLabel(view.baseline)}, 10^${low} to 10^${high}; outlined: the same bits.`.replace(/\^-/g, "^−");
}

/* Walking and pointing. */

function withCell(target, found, none) {
  const tile = target.closest(".tile[data-cell]");
  if (tile) found(Number(tile.dataset.cell), tile);
  else if (none) none();
}

function focusTile(tile) {
  if (grid.focus) grid.focus.tabIndex = -1;
  grid.focus = tile;
  tile.tabIndex = 0;
  tile.focus();
  tile.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const STEPS_OF_KEYS = {
  ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], PageDown: [8, 0], PageUp: [-8, 0],
};

function walk(event) {
  if (!event.target.dataset.place) return;
  const start = Number(event.target.dataset.place);
  const target = event.key in STEPS_OF_KEYS ? step(start, ...STEPS_OF_KEYS[event.key])
    : event.key === "Home" ? end(start, event.ctrlKey, 1) : event.key === "End" ? end(start, event.ctrlKey, -1) : null;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    openDetails(grid.cells[start], true);
  } else if (target !== null) {
    event.preventDefault();
    focusTile(tileAt(target));
  }
}

/** The next tile with a cell in a direction; the same one where there is none. */
function step(start, rows, columns) {
  const height = grid.cells.length / grid.width;
  const clamp = (value) => Math.min(height - 1, Math.max(0, value));
  let row = Math.floor(start / grid.width);
  let column = start % grid.width;
  const single = Math.sign(rows);
  row = Math.abs(rows) > 1 ? clamp(row + rows) - single : row;
  for (;;) {
    row += single;
    column += columns;
    if (row < 0 || row >= height || column < 0 || column >= grid.width) return start;
    if (grid.cells[row * grid.width + column] >= 0) return row * grid.width + column;
  }
}

function end(start, whole, direction) {
  const first = whole ? 0 : Math.floor(start / grid.width) * grid.width;
  const last = whole ? grid.cells.length - 1 : first + grid.width - 1;
  for (let place = direction > 0 ? first : last; place >= first && place <= last; place += direction) {
    if (grid.cells[place] >= 0) return place;
  }
  return start;
}

function showHint(cell, tile) {
  const hint = document.getElementById("hint");
  const name = className(cell);
  hint.replaceChildren(
    html("b", {}, name === UNSTABLE ? "unstable" : name ? `class ${name}` : statusWords(cell)),
    html("dl", {}, settingsOf(cell).map(([key, value]) => [html("dt", {}, key), html("dd", {}, value)])),
    reasonOf(cell) ? html("p", {}, shorten(reasonOf(cell), 160)) : "",
    name ? html("p", {}, `loss ${number(cells().loss[cell], 9)}`) : "");
  hint.hidden = false;
  const box = tile.getBoundingClientRect();
  const below = box.bottom + hint.offsetHeight + 12 < window.innerHeight;
  hint.style.left = `${Math.max(6, Math.min(box.left, document.documentElement.clientWidth - hint.offsetWidth - 6))}px`;
  hint.style.top = `${below ? box.bottom + 6 : box.top - hint.offsetHeight - 6}px`;
}

function hideHint() { document.getElementById("hint").hidden = true; }

function shorten(text, length) { return text.length > length ? `${text.slice(0, length - 1)}…` : text; }

function markOpen() {
  for (const tile of document.querySelectorAll(".tile.open")) tile.classList.remove("open");
  const place = view.cell === null ? -1 : grid.cells.indexOf(view.cell);
  if (place >= 0) tileAt(place).classList.add("open");
}
