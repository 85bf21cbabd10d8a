/* The data of the page, what the reader has chosen, and the files that are loaded on demand. */

const DATA = JSON.parse(document.getElementById("data").textContent);
const NARROW = window.matchMedia("(max-width: 640px)");
const UNSTABLE = "unstable";

/** What the reader has chosen. `baseline` is a point of the workload's distances. */
const view = {
  workload: 0, rows: [], columns: [], colour: "class", baseline: 0, measure: "relative_l2",
  over: "", history: "", keep: { axes: [], classes: new Set(), statuses: new Set(), text: "" },
  cell: null,
};

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

function reasonOf(cell) { return cells().reason.texts[cells().reason.codes[cell]]; }
function differingOf(cell) { return cells().differing.texts[cells().differing.codes[cell]]; }

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

const loaded = new Map();
const waiting = new Map();

function harnessData(name, value) {
  loaded.set(name, value);
  waiting.get(name)?.(value);
}

function load(name) {
  if (loaded.has(name)) return Promise.resolve(loaded.get(name));
  return new Promise((resolve, reject) => {
    waiting.set(name, resolve);
    const script = html("script", { src: `data/${encodeURIComponent(name)}.js` });
    script.onerror = () => reject(new Error(`data/${name}.js is not beside this page`));
    document.head.append(script);
  });
}
