/* The data of the page, and the files that are loaded on demand. */

const DATA = JSON.parse(document.getElementById("data").textContent);
const NARROW = window.matchMedia("(max-width: 640px)");
const UNSTABLE = "unstable";

function workload() { return DATA.workloads[view.workload]; }
function cells() { return workload().cells; }

/** The main status of a cell: the one that most of its runs have. */
function statusOf(cell) { return DATA.statuses[cells().status[cell][0]]; }
function isMixed(cell) { return cells().status[cell].length > 2; }

/** Its class by name: a letter, `unstable`, or "" where it has no weights. */
function className(cell) {
  const place = cells().class[cell];
  return place < 0 ? "" : workload().classes[place].name;
}

function matrixOf(cell) { return textAt(cells().matrix, cell); }
function machineOf(cell) { return textAt(cells().machine, cell); }

function textAt({ texts, codes }, cell) { return texts[codes[cell]]; }

/** The name of a cell among all results, as addresses have it. */
function fullName(cell) { return `${matrixOf(cell)}/${machineOf(cell)}/${cells().id[cell]}`; }

/** The cell of a full name, null where this workload has none. */
function cellNamed(name) {
  workload().byName ??= new Map(cells().id.map((_, cell) => [fullName(cell), cell]));
  return workload().byName.get(name) ?? null;
}

/** The axis of a name, by its place; -1 where cells do not differ in it. */
function axisNamed(name) { return workload().axes.findIndex((axis) => axis.name === name); }

/** What a class is: the settings that its cells have and no others, in the matrix that is shown. */
function whereOf(name) {
  const found = workload().classes.find((one) => one.name === name)?.where ?? {};
  const shown = shownMatrix();
  return Object.entries(found).filter(([matrix, words]) => words && (shown === null || matrix === shown))
    .map(([matrix, words]) => (shown === null ? `${matrix}: ${words}` : words)).join("; ");
}

function reasonOf(cell) { return textAt(cells().reason, cell); }
function differingOf(cell) { return textAt(cells().differing, cell); }

function statusWords(cell) {
  const counts = cells().status[cell];
  const words = [];
  for (let i = 0; i < counts.length; i += 2) {
    words.push(`${counts.length > 2 ? counts[i + 1] + " " : ""}${DATA.statuses[counts[i]].replace(/_/g, " ")}`);
  }
  return words.join(", ");
}

/** The settings of a cell that vary, as `name=value` parts. */
function settingsOf(cell) {
  return workload().axes.map((axis, place) => [axis.name, axis.values[cells().codes[place][cell]]]);
}

/** What is said about a cell in a line: for hints and for those who listen. */
function sentenceOf(cell) {
  const name = className(cell);
  const head = name === UNSTABLE ? "unstable, its own runs differ"
    : name ? `class ${name}, ${cells().verdict[cell]}` : statusWords(cell);
  const parts = [head, ...settingsOf(cell).map(([key, value]) => `${key} ${value}`)];
  if (name && isMixed(cell)) parts.push(statusWords(cell));
  if (cells().emulated[cell]) parts.push("emulated hardware");
  return parts.join(", ");
}

/* Distances: pairs by their two points. */

const PAIR = {};

function distancesReady() {
  const { columns, points, pairs } = workload().distances;
  if (workload().pairOf) return;
  columns.forEach((name, place) => { PAIR[name] = place + 2; });
  workload().pairOf = new Map(pairs.map((pair) => [pair[0] * points.length + pair[1], pair]));
  workload().pointOfClass = new Map();
  workload().pointOfCell = new Map();
  points.forEach((point, place) => {
    if (point.cell === null) workload().pointOfClass.set(point.class, place);
    else workload().pointOfCell.set(point.cell, place);
  });
}

function pointOf(cell) {
  const name = className(cell);
  const found = name === UNSTABLE ? workload().pointOfCell.get(cell) : workload().pointOfClass.get(name);
  return found === undefined ? null : found;
}

function pointName(point) {
  const found = workload().distances.points[point];
  return found.cell === null ? found.class : `≠${found.cell + 1}`;
}

/** One size of the difference of two points: 0 for the same, null where it is not known. */
function apart(one, other, measure) {
  if (one === null || other === null) return null;
  if (one === other) return 0;
  const pair = pairOf(one, other);
  if (!pair) return null;
  const value = pair[PAIR[measure]];
  return value === null ? null : Math.abs(value);
}

function pairOf(one, other) {
  const count = workload().distances.points.length;
  return workload().pairOf.get(Math.min(one, other) * count + Math.max(one, other));
}

/* Files beside the page. A script tag works from a folder, where fetching does not. */

const promised = new Map();
const waiting = new Map();

function harnessData(name, value) { waiting.get(name)?.(value); }

/** The content of a file beside the page: loaded once, however often and whenever it is asked for. */
function load(name) {
  if (!promised.has(name)) promised.set(name, new Promise((resolve, reject) => {
    waiting.set(name, resolve);
    const script = html("script", { src: `data/${encodeURIComponent(name)}.js` });
    script.onerror = () => reject(new Error(`data/${name}.js is not beside this page`));
    document.head.append(script);
  }));
  return promised.get(name);
}
