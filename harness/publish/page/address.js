/* What the reader has chosen, and the address that says it: every view can be linked and gone back to. */

/** The matrix of a view in which cells of all matrices stand together. */
const TOGETHER = "*";
const ADDRESS_DEFAULTS = { colour: "class", measure: "relative_l2" };

/** What is on the screen: one of `views`, which keeps what was chosen for each workload. */
let view = null;
const views = [];

/**
 * A workload as it is opened. `rows` and `columns` are axes, chosen by the reader if `arranged`;
 * `baseline` is a point of the workload's distances; `cell` and `pair` are open side by side. Tables
 * are sorted by the column `sort`, downwards where it begins with "-", and show rows that have `find`.
 */
function freshView(place) {
  const before = view || ADDRESS_DEFAULTS;
  return {
    workload: place, rows: [], columns: [], arranged: false, colour: before.colour, baseline: 0, measure: before.measure,
    over: "", history: "", sort: "", find: "", keep: { axes: [], classes: new Set(), statuses: new Set(), text: "" },
    cell: null, pair: null, picking: false, filtersOpen: false,
  };
}

/** The only matrix that is shown, null where several are. */
function shownMatrix() {
  const { texts } = cells().matrix;
  if (texts.length === 1) return texts[0];
  const place = axisNamed("matrix");
  const kept = place < 0 ? new Set() : view.keep.axes[place];
  return kept.size === 1 ? workload().axes[place].values[[...kept][0]] : null;
}

/* Writing: only what is not as it was at first. */

/** The address of the view; without the open cells where it is not to be `whole`. */
function addressOf(whole = true) {
  const { axes } = workload();
  const names = (places) => places.map((place) => axes[place].name);
  const parts = [["workload", workload().name], ...keptAxes()];
  if (view.arranged) parts.push(["rows", listed(names(view.rows))], ["columns", listed(names(view.columns))]);
  for (const [name, usual] of Object.entries(ADDRESS_DEFAULTS)) if (view[name] !== usual) parts.push([name, view[name]]);
  if (view.keep.classes.size) parts.push(["class", listed([...view.keep.classes])]);
  if (view.keep.statuses.size) parts.push(["status", listed([...view.keep.statuses])]);
  if (view.keep.text) parts.push(["search", coded(view.keep.text)]);
  if (view.baseline) parts.push(["baseline", coded(baselineName())]);
  if (view.over !== widestAxis()) parts.push(["over", coded(axes[view.over].name)]);
  if (historyNames().indexOf(view.history) > 0) parts.push(["show", coded(view.history)]);
  for (const name of ["sort", "find"]) if (view[name]) parts.push([name, coded(view[name])]);
  if (whole && view.cell !== null) parts.push(["cell", coded(fullName(view.cell))]);
  if (whole && view.pair !== null) parts.push(["pair", coded(fullName(view.pair))]);
  return `#${parts.map((part) => part.join("=")).join("&")}`;
}

/** The values that filters leave; of the matrix only where it is not the one shown at first. */
function keptAxes() {
  return workload().axes.flatMap(({ name, values }, place) => {
    const kept = listed([...view.keep.axes[place]].sort((a, b) => a - b).map((code) => values[code]));
    if (name === "matrix") return kept === listed([workload().matrix]) ? [] : [["matrix", kept || TOGETHER]];
    return kept ? [[name === "machine" ? name : `only.${coded(name)}`, kept]] : [];
  });
}

function baselineName() {
  const { cell, class: name } = workload().distances.points[view.baseline];
  return cell === null ? name : fullName(cell);
}

function coded(text) { return encodeURIComponent(text).replace(/%(2F|2C|3D|3A)/g, decodeURIComponent); }
function listed(names) { return names.map(encodeURIComponent).join(","); }

/* Reading: what an address does not say is as it was at first. */

/** The parts of an address, as they are written. */
function partsOf(address) {
  const parts = address.replace(/^#/, "").split("&").filter((part) => part.includes("="));
  return new Map(parts.map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]));
}

function decoded(text) { try { return decodeURIComponent(text); } catch { return text; } }
function valueIn(parts, name) { return parts.has(name) ? decoded(parts.get(name)) : null; }
function valuesIn(parts, name) { return parts.get(name) ? parts.get(name).split(",").map(decoded) : []; }

/** Make what an address asks for the view. Names that are not known here are passed over. */
function readAddress(address) {
  const parts = partsOf(address);
  const asked = DATA.workloads.findIndex((each) => each.name === valueIn(parts, "workload"));
  view = { ...freshView(asked < 0 ? firstWorkload() : asked), ...ADDRESS_DEFAULTS };
  views[view.workload] = view;
  distancesReady();
  if (Object.hasOwn(colouring, valueIn(parts, "colour") ?? "")) view.colour = valueIn(parts, "colour");
  if (Object.hasOwn(MEASURES, valueIn(parts, "measure") ?? "")) view.measure = valueIn(parts, "measure");
  for (const name of ["cell", "pair"]) view[name] = parts.has(name) ? cellNamed(valueIn(parts, name)) : null;
  readFilters(parts);
  readAxes(parts);
  view.history = valueIn(parts, "show") ?? "";
  for (const name of ["sort", "find"]) view[name] = valueIn(parts, name) ?? "";
  view.baseline = Math.max(0, pointNamed(valueIn(parts, "baseline")));
}

function readFilters(parts) {
  clearFilters();
  const { axes, classes, statuses } = view.keep;
  workload().axes.forEach(({ name, values }, place) => {
    const key = name === "matrix" || name === "machine" ? name : `only.${coded(name)}`;
    for (const value of valuesIn(parts, key)) if (values.includes(value)) axes[place].add(values.indexOf(value));
  });
  if (!parts.has("matrix")) keepMatrix();
  valuesIn(parts, "class").forEach((name) => classes.add(name));
  valuesIn(parts, "status").forEach((name) => statuses.add(name));
  view.keep.text = valueIn(parts, "search") ?? "";
}

/** Cells of two matrices rarely make one grid: show that of the open cells, or the one with most runs. */
function keepMatrix() {
  const place = axisNamed("matrix");
  if (place < 0) return;
  const open = new Set([view.cell, view.pair].filter((cell) => cell !== null).map(matrixOf));
  if (open.size > 1) return;
  view.keep.axes[place].add(workload().axes[place].values.indexOf(open.size ? [...open][0] : workload().matrix));
}

function readAxes(parts) {
  const [rows, columns] = ["rows", "columns"].map((name) => valuesIn(parts, name).map(axisNamed).filter((place) => place >= 0));
  const whole = new Set([...rows, ...columns]);
  view.arranged = whole.size === rows.length + columns.length && whole.size === workload().axes.length && parts.has("rows");
  if (view.arranged) Object.assign(view, { rows, columns });
  else arrange();
  const over = axisNamed(valueIn(parts, "over"));
  view.over = over < 0 ? widestAxis() : over;
}

function pointNamed(name) {
  return workload().distances.points.findIndex(({ cell, class: its }) => (cell === null ? its : fullName(cell)) === name);
}

/** The workload to begin with: one that the matrix with most completed runs has. */
function firstWorkload() {
  return Math.max(0, DATA.workloads.findIndex((each) => each.cells.matrix.texts.includes(DATA.matrix)));
}

/* The browser's history: one entry for each choice, and one for a whole search. */

let lastKind = "";
/** The address of what is drawn, but for the open cells. */
let drawn = null;

/** Put what is on the screen into the address. Choices of one `kind` in a row are one step back. */
function remember(kind = "") {
  const address = addressOf();
  drawn = addressOf(false);
  if (address === window.location.hash) return;
  const act = kind && kind === lastKind ? "replaceState" : "pushState";
  lastKind = kind;
  try { window.history[act](null, "", address); } catch { window.location.hash = address; /* Some browsers refuse it for files. */ }
}
