/* Two cells side by side: what was asked and found, where they parted, tensors and curves. */

function comparisonOf(cell, other, shared, content, theirs) {
  const sides = [[cell, content], [other, theirs]].map(([place, its]) => sideOf(place, its, shared));
  return [
    pairHeading(cell, other),
    html("p", { class: "verdict", id: "pair-verdict" }, pairVerdict(sides)),
    html("p", { class: "beside" }, html("button", { type: "button", click: swap }, "Swap"), " ",
      html("button", { type: "button", click: () => choose(cell) }, "First only"), " ", html("button", { type: "button", click: () => choose(other) }, "Second only")),
    settingsBeside(sides),
    resultsBeside(sides),
    html("section", {}, html("h3", {}, "Weights, tensor by tensor"), html("div", { id: "pair-tensors" }, tensorsBeside(sides, new Map()))),
    curvesBeside(sides),
    packagesBeside(sides),
  ];
}

const VERSIONS = ["python", "tensorflow", "numpy", "keras"];

/** All that is known of one side; `record` is null where nothing ran. */
function sideOf(cell, content, shared) {
  const runs = runsOf(content, shared);
  const record = firstRecord(content, runs);
  const run = runs.find((each) => each.weights_sha256) || runs[0] || {};
  const environment = record ? shared.environments[record.environment] : { packages: {} };
  const versions = VERSIONS.filter((name) => environment[name]).map((name) => [name, [name, environment[name], null]]);
  const settings = new Map([...versions, ...(record ? record.settings.map((place) => [shared.settings[place][0], shared.settings[place]]) : [])]);
  const history = record && record.history !== null ? shared.histories[record.history] : {};
  return {
    cell, content, run, record, settings, history,
    tensors: record && record.tensors !== null ? shared.tensors[record.tensors] : [],
    environment,
  };
}

function pairHeading(cell, other) {
  return [closeButton(), html("h2", { id: "cell-details-title" }, html("span", { class: "hidden" }, "Two cells side by side: "),
    [cell, other].map((each, i) => html("span", { class: "side-name" }, tileIn(each), " ", html("span", { class: "id" }, i ? html("span", { class: "hidden" }, " and ") : "", broken(cells().id[each])), severalMachines(cell, other) && html("small", {}, machineOf(each)))))];
}

function severalMachines(cell, other) { return machineOf(cell) !== machineOf(other); }

function swap() {
  [view.cell, view.pair] = [view.pair, view.cell];
  showDetails();
  remember();
}

/* Where they parted. */

function pairVerdict([one, other]) {
  const missing = [one, other].filter((side) => !className(side.cell));
  if (missing.length) return `Not comparable: ${missing.map((side) => `${cells().id[side.cell]} has no weights (${statusWords(side.cell)})`).join("; ")}.`;
  const unstable = [one, other].some((side) => className(side.cell) === UNSTABLE);
  if (one.run.weights_sha256 === other.run.weights_sha256) return `The same bits${unstable ? " in these two runs, of which at least one is of an unstable cell" : ""}.`;
  const note = unstable ? " Of an unstable cell this is its first completed run." : "";
  const pair = pairOfCells(one.cell, other.cell);
  if (!pair) return `Other bits; ${plainOrigin(one, other)}.${note}`;
  return `Other bits: relative L2 ${number(pair[PAIR.relative_l2])}${timesOneBit(one.cell, other.cell, pair)}, ${pair[PAIR.differing].toLocaleString("en")} of ${pair[PAIR.elements].toLocaleString("en")} weights differ. Where it began: ${pair[PAIR.origin] || "not known"}.${pair[PAIR.churn] === null ? "" : ` ${churnName()}: ${number(pair[PAIR.churn])}.`}${note}`;
}

/** How many times as far apart as one flipped bit leads from either cell; "" where no cell shows that. */
function timesOneBit(one, other, pair) {
  const ends = [one, other].map(pointOf);
  const nudge = workload().distances.nudges.find(([cell, l2]) => l2 && ends.includes(pointOf(cell)));
  return nudge ? ` (${number(pair[PAIR.relative_l2] / nudge[1])} times one flipped bit)` : "";
}

/** The sizes of the difference of two cells: that of their classes, if these were compared. */
function pairOfCells(cell, other) {
  const [one, two] = [pointOf(cell), pointOf(other)];
  return one === null || two === null || one === two ? null : pairOf(one, two) || null;
}

/** What is known without a comparison of traces: nothing is read from digests alone. */
function plainOrigin({ run: one }, { run: other }) {
  if (one.data_sha256 !== other.data_sha256) return "they had other data";
  if (one.init_sha256 && other.init_sha256 && one.init_sha256 !== other.init_sha256) return "where it began is undecided: other initial weights, not compared step by step";
  return "where it began is undecided: the same data, not compared step by step";
}

/* Settings, results, packages: what differs first. */

function settingsBeside([one, other]) {
  const names = [...new Set([...one.settings.keys(), ...other.settings.keys()])];
  const rows = names.map((name) => [name, ...[one, other].map((side) => settingWords(side.settings.get(name)))]);
  return html("section", {}, html("h3", {}, "Settings"), besideTable(["setting", "first", "second"], rows, "setting"));
}

function settingWords(setting) {
  if (!setting) return "not recorded";
  const [, asked, found] = setting;
  if (asked === "—") return found ?? "unknown";
  return found === null || found === asked ? asked : `${asked} (found ${found})`;
}

/** Rows that differ, and those that do not behind a fold. */
function besideTable(head, rows, noun) {
  const [unlike, alike] = [true, false].map((differs) => rows.filter(([, a, b]) => (a !== b) === differs));
  const drawn = (which, look) => table(head, which.map(([name, ...values]) => html("tr", { class: look }, html("th", { scope: "row" }, name), cellsOf(values))));
  return [unlike.length ? drawn(unlike, "varied") : html("p", { class: "fine" }, `No ${noun} differs.`),
    alike.length > 0 && html("details", {}, html("summary", {}, `${counted(alike.length, noun)} alike`), drawn(alike, ""))];
}

function resultsBeside([one, other]) {
  const metric = workload().metric.replace(/_/g, " ") || "metric";
  const exact = (value) => (value === null || value === undefined ? "" : String(value));
  const rows = [["loss", exact(one.run.loss), exact(other.run.loss)], [metric, exact(one.run.value), exact(other.run.value)],
    ...Object.entries(HASHES).filter(([key]) => one.run[key] || other.run[key]).map(([key, name]) => [name, ...[one, other].map((side) => (side.run[key] || "").slice(0, 16))])];
  return html("section", {}, html("h3", {}, "Results"), besideTable(["result", "first", "second"], rows, "result"));
}

function packagesBeside([one, other]) {
  const names = [...new Set([...Object.keys(one.environment.packages), ...Object.keys(other.environment.packages)])].sort();
  const rows = names.map((name) => [name, ...[one, other].map((side) => side.environment.packages[name] || "not installed")]);
  return rows.length > 0 && html("section", {}, html("h3", {}, "Packages"), besideTable(["package", "first", "second"], rows, "package"));
}

/* Tensors by their digests, with sizes where the classes were compared; and the curves. */

function tensorsBeside([one, other], sizes) {
  if (!one.tensors.length || !other.tensors.length) return html("p", { class: "fine" }, "There are no weights on both sides.");
  const theirs = new Map(other.tensors.map((tensor) => [tensor[0], tensor]));
  const names = [...new Set([...one.tensors, ...other.tensors].map(([name]) => name))];
  const ours = new Map(one.tensors.map((tensor) => [tensor[0], tensor]));
  const rows = names.map((name) => tensorRow(name, ours.get(name), theirs.get(name), sizes.get(name)));
  return table(["tensor", "shape", "at the start", "at the end", "relative L2", "largest ULP"], rows);
}

function tensorRow(name, ours, theirs, size) {
  const [, shape] = ours || theirs;
  const alike = (place) => (!ours || !theirs ? "on one side only" : !ours[place] || !theirs[place] ? "not known" : ours[place] === theirs[place] ? "equal" : "other bits");
  const end = alike(4);
  const [l2, ulp] = size ? [size[2], size[3]] : [null, null];
  return html("tr", { class: end === "equal" ? "" : "varied" }, html("th", { scope: "row" }, name),
    cellsOf([`(${shape.join(", ")})`, alike(3), end, l2 === null ? "" : number(l2), ulp === null ? "" : number(ulp)]));
}

function curvesBeside([one, other]) {
  return curveNames([one, other]).length > 0 && html("section", {}, html("h3", {}, "Learning curves"), html("div", { class: "pair" }, html("div", { id: "pair-curves" }), html("div", { id: "pair-zoom" })), html("p", { class: "caption", id: "pair-caption" }));
}

/** What needs another file, or its place on the screen. */
async function fillComparison(cell, other) {
  const [shared, ...contents] = await Promise.all([load("shared"), contentOf(cell), contentOf(other)]);
  const sides = [cell, other].map((each, i) => sideOf(each, contents[i], shared));
  if (document.getElementById("pair-curves")) drawPairCurves(sides);
  const pair = pairOfCells(cell, other);
  if (!pair) return;
  const rows = await tensorsOf(pair);
  const target = document.getElementById("pair-tensors");
  if (target && view.cell === cell && view.pair === other) target.replaceChildren(tensorsBeside(sides, new Map(rows.map((row) => [row[0], row]))));
}

function drawPairCurves(sides) {
  const names = curveNames(sides);
  const name = names.find((each) => each === view.history) || names[0];
  const lines = sides.map(({ cell, history }) => ({ class: className(cell), cell, values: numbersOf(history[name]) }));
  const difference = [{ ...lines[1], values: lines[1].values.map((value, i) => minus(value, lines[0].values[i])) }];
  drawCurves("pair-curves", lines, linear(lines), `${name} of both, per epoch`);
  drawCurves("pair-zoom", difference, logarithmic(difference), `difference of ${name}, per epoch`);
  place("pair-caption", `${name.replace(/_/g, " ")} of both after each epoch, and how far apart they are; on the line “equal” they are the same to the last bit.`);
}
