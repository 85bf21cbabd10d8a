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
  const colours = [["class", "equal weights"], ["distance", "distance from baseline"], ["init", "initial weights"]];
  const folded = html("details", { class: "folded", open: !NARROW.matches || view.controlsOpen }, html("summary", {}, "Matrix, colour, rows, filters"),
    html("div", { class: "row" },
      matrixChoice(), machineChoice(),
      choice("Colour", colours, view.colour, (value) => { view.colour = value; recolour(); remember(); }),
      baselineChoice(), ...filterControls()),
    axisControls());
  folded.addEventListener("toggle", () => { if (NARROW.matches) view.controlsOpen = folded.open; });
  place("matrix-controls", folded);
}

/** Where several matrices were published: which one to show. */
function matrixChoice() { return keptChoice("Matrix", axisNamed("matrix"), "all together", (value) => value); }

/** Where a matrix ran on several machines: one of them, or all of them side by side. */
function machineChoice() {
  return keptChoice("Machine", axisNamed("machine"), "side by side", (value) => `${DATA.machines[value] ?? ""} · ${value}`);
}

function keptChoice(label, place, together, words) {
  if (place < 0) return null;
  const kept = view.keep.axes[place];
  const chosen = kept.size === 1 ? [...kept][0] : "";
  const options = [...workload().axes[place].values.entries()].filter(([code]) => isPresent(place, code));
  if (options.length < 2) return null;
  return choice(label, [...options.map(([code, value]) => [code, words(value)]), ["", together]], chosen, (value) => keepOnly(place, value));
}

/** Whether a value of an axis is there in the matrix that is shown. */
function isPresent(place, code) {
  const matrix = shownMatrix();
  if (workload().axes[place].name === "matrix" || matrix === null) return true;
  workload().present ??= new Map();
  const key = `${place} ${matrix}`;
  if (!workload().present.has(key)) workload().present.set(key, new Set(cells().codes[place].filter((_, cell) => matrixOf(cell) === matrix)));
  return workload().present.get(key).has(code);
}

function keepOnly(place, value) {
  view.keep.axes[place] = new Set(value === "" ? [] : [Number(value)]);
  if (workload().axes[place].name === "matrix") view.keep.axes.forEach((codes, other) => { if (other !== place) codes.clear(); });
  view.over = widestAxis();
  drawKept();
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
    showDetails();
    remember();
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
  table.classList.toggle("stacked", isStacked());
  table.style.setProperty("--tile", `${tileWidth(across)}px`);
  headWidths().forEach((width, level) => table.style.setProperty(`--head${level}`, `${width}px`));
  table.addEventListener("keydown", walk);
  table.addEventListener("click", (event) => withCell(event.target, (cell, tile) => { focusTile(tile); choose(cell, event.shiftKey); }));
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

/** Whether the heads of rows stand above their tiles. */
function isStacked() {
  return NARROW.matches && grid.rows.length > 1;
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
      const head = html("div", { role: "columnheader", class: `head${edgeOf(across, start)}`, title: titleOf(axis, value) },
        html("span", {}, valueOf(axis, value)));
      head.style.width = `calc(${count} * var(--tile) + ${6 * gapsIn(across, start, count)}px)`;
      return head;
    });
    return html("div", { role: "row", class: `heads${isUpright(across, level) ? " upright" : ""}` },
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
    const head = html("span", { title: `${workload().axes[grid.rows[level]].name} ${titleOf(grid.rows[level], value)}` }, text);
    head.style.width = `var(--head${level})`;
    return head;
  });
  return html("div", { role: "rowheader", class: "side" }, heads);
}

/** A value as heads have it: of machines only what tells their names apart. */
function valueOf(axis, code) {
  const { name, values } = workload().axes[axis];
  if (name !== "machine") return values[code];
  const names = values.filter((_, other) => isPresent(axis, other));
  const kinds = new Set(names.map(kindOf));
  return names.length > 1 && kinds.size === names.length ? kindOf(values[code]) : values[code].slice(sharedStart(names));
}

/** The microarchitecture, which the name of a machine begins with. */
function kindOf(machine) {
  return machine.split("-", 1)[0];
}

/** The value whole, and of a machine what it is. */
function titleOf(axis, code) {
  const { name, values } = workload().axes[axis];
  return name === "machine" ? `${values[code]}: ${DATA.machines[values[code]] ?? ""}` : values[code];
}

/** How many signs at the start several names share, up to a hyphen. */
function sharedStart(names) {
  if (names.length < 2) return 0;
  let end = 0;
  while (names.every((name) => name[end] === names[0][end] && end < name.length)) end += 1;
  return names[0].lastIndexOf("-", end - 1) + 1;
}

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

/** As wide as heads need, and no wider than lets a matrix be seen whole, where it can be. */
function tileWidth(across) {
  const needed = Math.min(60, Math.max(...grid.columns.map((_, level) => neededWidth(across, level)), 30));
  const room = Math.floor(roomFor(across) / across.length);
  if (grid.columns.length && (needed > room || isCrowded(across))) return Math.min(isCrowded(across) ? 28 : 60, Math.max(21, room));
  return needed;
}

function roomFor(across) {
  const beside = isStacked() ? [] : headWidths();
  const heads = beside.reduce((sum, width) => sum + width, 14) + gapsIn(across, 0, across.length) * 6;
  return document.getElementById("matrix").clientWidth - heads;
}

/** The width of a tile at which the heads of a level are whole when they lie. */
function neededWidth(across, level) {
  return Math.max(...spans(across, level).map(({ value, count }) => (valueOf(grid.columns[level], value).length * 6.8 + 8) / count));
}

/** Whether the innermost heads stand because they are many or long. */
function isCrowded(across) {
  const inner = longest(grid.columns[grid.columns.length - 1]);
  return inner > 2 && (across.length > 14 || inner > 8 || NARROW.matches);
}

/** Whether the heads of a level stand upright, because they would be cut. */
function isUpright(across, level) {
  const innermost = level === grid.columns.length - 1;
  return (innermost && isCrowded(across)) || neededWidth(across, level) > tileWidth(across);
}

function longest(axis) {
  return axis === undefined ? 0 : Math.max(...workload().axes[axis].values.map((_, code) => (isPresent(axis, code) ? valueOf(axis, code).length : 0)));
}

function headWidths() {
  return grid.rows.map((axis) => Math.min(NARROW.matches ? 88 : 210, Math.max(longest(axis), workload().axes[axis].name.length) * 7 + 14));
}

function captionMatrix() {
  const names = (axes) => axes.map((axis) => workload().axes[axis].name).join(" × ") || "all cells";
  const legend = { class: "Equal letters are equal bits.", init: "Letters are the classes; the colour is that of the initial weights: another colour is another start.", distance: distanceWords() }[view.colour];
  const rows = `${grid.rows.length ? `Rows: ${names(grid.rows)}. ` : ""}${grid.columns.length ? `Columns: ${names(grid.columns)}.` : ""}`;
  place("matrix-caption", `${rows} ${legend} Point at a tile for its settings; click, or press Enter, for its details. Shift and click, or Shift and Enter, on a second one puts the two side by side.`);
}

function distanceWords() {
  const sizes = sizesOf(view.measure);
  const largest = `the larger the ${lowered(MEASURES[view.measure])} from ${pointLabel(view.baseline)}`;
  const range = sizes.length ? `, ${number(Math.min(...sizes), 2)} to ${number(Math.max(...sizes), 2)} between any two` : "";
  return `The stronger the colour, ${largest}${range}; outlined: the same bits.`;
}
