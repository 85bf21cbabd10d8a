/* Figure 2, left: how far apart cells are, over a setting. */

const MEASURES = {
  relative_l2: "Relative L2 distance of the weights", max_ulp: "Largest ULP distance", max_abs: "Largest absolute difference",
  churn: "Changed predictions", metric: "Difference of the metric",
};

function churnName() {
  return workload().metric === "accuracy" ? "Share of predictions whose class changed" : "Largest difference of a forecast";
}

/** Words within a sentence: names that are written large stay so. */
function lowered(words) { return words.charAt(0).toLowerCase() + words.slice(1); }

function drawDistances() {
  MEASURES.churn = churnName();
  const { points } = workload().distances;
  document.getElementById("distance-title").closest("section").hidden = !points.length;
  if (!points.length) return;
  place("distance-controls", html("div", { class: "row" },
    choice("Measure", Object.entries(MEASURES), view.measure, (value) => { view.measure = value; drawDistances(); recolour(); remember(); }),
    baselineChoice(),
    workload().axes.length > 0 && choice("Over", workload().axes.map((axis, i) => [i, axis.name]), view.over, (value) => { view.over = Number(value); drawDistances(); remember(); })));
  drawDots();
  drawPairs();
}

/** The size of a group's difference from the baseline; null where there is none. */
function sizeOf({ point }) { return typeof point === "number" ? apart(view.baseline, point, view.measure) : null; }

/** Cells by the value of one axis and their point, so that thousands of equal ones are one dot. */
function dotGroups() {
  const axis = cells().codes[view.over] || new Array(cells().id.length).fill(0);
  const groups = new Map();
  for (const cell of shownCells()) {
    const point = pointOf(cell);
    const name = className(cell);
    const key = `${axis[cell]} ${name ? point ?? "unknown" : statusOf(cell)}`;
    const group = groups.get(key) || { value: axis[cell], point, count: 0, cell, name, band: bandOf(name, point) };
    group.count += 1;
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Where a group stands: another start is another training, and what no trace shows is neither that nor arithmetic. */
function bandOf(name, point) {
  if (!name) return "none";
  const size = sizeOf({ point });
  if (size === null) return "unknown";
  if (size === 0) return "equal";
  const origin = pairOf(point, view.baseline)[PAIR.origin];
  if (/^(undecided|$)/.test(origin)) return "undecided";
  return origin.startsWith("other arithmetic") ? "arithmetic" : "start";
}

/** What moving one weight by one ULP leads to: from the baseline's class, else from any that was tried. */
function nudgeSizes() {
  const { nudges } = workload().distances;
  const own = nudges.filter(([cell]) => pointOf(cell) === view.baseline);
  return (own.length ? own : nudges).map((nudge) => Math.abs(nudge[PAIR[view.measure] - 1] ?? 0)).filter((size) => size > 0);
}

const SIZED = { start: "began otherwise", undecided: "undecided", arithmetic: "same start" };
const BAND_HEIGHT = 92;

/** The bands from top to bottom: their names, their lines, and the height of each group. */
function dotBands(groups, height) {
  const nudges = nudgeSizes();
  const shelves = ["equal", "unknown", "none"].filter((band) => band === "equal" || groups.some((group) => group.band === band));
  const shelf = Object.fromEntries(shelves.map((band, i) => [band, height - 12 - (shelves.length - 1 - i) * 24]));
  const sizes = Object.fromEntries(Object.keys(SIZED).map((band) => [band, groups.filter((group) => group.band === band).map(sizeOf)]));
  const nudged = ["undecided", "arithmetic"].filter((band) => sizes[band].length);
  if (!nudged.length && nudges.length) nudged.push("arithmetic");
  for (const band of nudged) sizes[band].push(...nudges);
  const used = Object.keys(SIZED).filter((band) => sizes[band].length);
  const sized = used.map((band, i) => bandAt(band, sizes[band], PLOT.top + i * BAND_HEIGHT, i === used.length - 1 ? shelf.equal - 24 : null));
  return { shelf, nudges, nudged, sized, scales: Object.fromEntries(sized.map((each) => [each.band, each.scale])) };
}

/** One band from its top on; the last one ends at `floor`, which is null for the others. */
function bandAt(band, sizes, top, floor) {
  const isFirst = top === PLOT.top;
  const isNamed = !isFirst || band !== "arithmetic";
  const start = top + (isNamed ? (isFirst ? 16 : 18) : 4);
  return { band, top, isNamed, isFirst, scale: logScale(sizes, start, floor ?? top + BAND_HEIGHT - 18) };
}

function bandMarks(bands, right) {
  const names = { equal: "equal", unknown: "unknown", none: "no weights" };
  const found = Object.entries(bands.shelf).map(([band, y]) => text(PLOT.left - 8, y + 4, names[band], { class: "tick", "text-anchor": "end" }));
  found.push(lineAt(PLOT.left, bands.shelf.equal, right, bands.shelf.equal, "axis"));
  for (const each of bands.sized) {
    found.push(...each.scale.marks(PLOT.left, right));
    if (!each.isFirst) found.push(lineAt(PLOT.left, each.top, right, each.top, "axis divide"));
    if (each.isNamed) found.push(text(PLOT.left + 2, each.top + (each.isFirst ? 2 : 14), SIZED[each.band], { class: "tick band" }));
  }
  const heights = [...new Set(bands.nudged.flatMap((band) => bands.nudges.map((size) => Math.round(bands.scales[band].at(size)))))];
  heights.forEach((y, i) => found.push(lineAt(PLOT.left, y, right, y, "nudge"), i === 0 && text(right, y - 4, "one weight nudged by one ULP", { class: "tick", "text-anchor": "end" })));
  return found.filter(Boolean);
}

function drawDots() {
  const axis = workload().axes[view.over] || { name: "", values: [""] };
  const groups = dotGroups();
  const used = [...new Set(groups.map((group) => group.value))].sort((a, b) => a - b);
  const names = used.map((code) => shorten(axis.values[code], 34));
  const longest = Math.max(0, ...names.map((name) => name.length));
  const room = roomIn("dots");
  const labelled = longest * 6.2 + 6;
  const upright = labelled > (room - PLOT.left - PLOT.right) / used.length;
  const foot = upright ? 18 + longest * 4.8 : 30;
  const height = 340 + foot;
  const bands = dotBands(groups, height - foot);
  const columns = dotColumns(groups, used, (group) => bands.shelf[group.band] ?? bands.scales[group.band].at(sizeOf(group)), room, upright ? 26 : labelled);
  const plot = frame(columns.right + PLOT.right, height, `${MEASURES[view.measure]} from ${pointLabel(view.baseline)} over ${axis.name}`);
  plot.append(...bandMarks(bands, columns.right));
  used.forEach((code, i) => plot.append(lineAt(columns.middles[i], PLOT.top, columns.middles[i], height - foot - 2, "faint"), upright
    ? text(columns.middles[i], height - foot + 12, names[i], { class: "tick", "text-anchor": "end", transform: `rotate(-50 ${columns.middles[i]} ${height - foot + 10})` })
    : text(columns.middles[i], height - foot + 16, names[i], { class: "tick", "text-anchor": "middle" })));
  plot.append(...columns.dots.map(dotElement));
  place("dots", plot);
  place("dots-caption", dotsCaption(axis, bands));
}

function dotsCaption(axis, bands) {
  const words = [`${MEASURES[view.measure]} from ${pointLabel(view.baseline)}, for every cell shown in Figure 1${axis.name ? `, over ${axis.name}` : ""}. A dot is a class at one value; the larger, the more cells.`];
  if (bands.scales.start) words.push("Began otherwise: trainings with another start, regime, data order, data or random numbers; that is no difference of arithmetic.");
  if (bands.scales.undecided) words.push("Undecided: no trace shows where these began to differ.");
  if (bands.nudges.length) words.push("Dashed: what one weight moved by the least possible step becomes.");
  return words.join(" ");
}

/** The dots in their columns: those that would cover each other stand side by side, and make room. */
function dotColumns(groups, used, heightOf, room, least) {
  const largest = Math.max(...groups.map((group) => group.count));
  const columns = used.map((code) => swarm(groups.filter((group) => group.value === code)
    .map((group) => ({ ...group, y: heightOf(group), r: 7 + (largest > 1 ? 4.5 * Math.sqrt(group.count / largest) : 0) }))));
  const needed = columns.map((dots) => Math.max(least, 6 + 2 * Math.max(...dots.map((dot) => Math.abs(dot.shift) + dot.r))));
  const spare = Math.max(0, room - PLOT.left - PLOT.right - needed.reduce((sum, width) => sum + width, 0)) / used.length;
  let right = PLOT.left;
  const middles = needed.map((width) => { right += width + spare; return right - (width + spare) / 2; });
  return { middles, right, dots: columns.flatMap((dots, i) => dots.map((dot) => ({ ...dot, x: middles[i] + dot.shift }))) };
}

/** Each dot as near to the middle of its column as those before it allow. */
function swarm(dots) {
  const placed = [];
  for (const dot of dots.sort((a, b) => b.count - a.count)) {
    const near = placed.filter((other) => Math.abs(other.y - dot.y) < other.r + dot.r);
    const isFree = (shift) => near.every((other) => Math.hypot(other.shift - shift, other.y - dot.y) >= (other.r + dot.r) * 0.95);
    let shift = 0;
    for (let step = 1; !isFree(shift); step += 1) shift = Math.ceil(step / 2) * 7 * (step % 2 ? 1 : -1);
    placed.push({ ...dot, shift });
  }
  return placed;
}

function dotElement(dot) {
  const { name, count, cell, r, x, y } = dot;
  const { text: mark, look } = tileOf(cell);
  const size = sizeOf(dot);
  const title = `${name === UNSTABLE ? "an unstable cell" : name ? `class ${name}` : statusWords(cell)}, ${counted(count, "cell")}${size === null ? "" : `: ${number(size)}`}`;
  return svg("g", { class: `dot ${name ? colourOfClass(name) : look}`, click: (event) => choose(cell, event.shiftKey) },
    svg("circle", { cx: x, cy: y, r }), text(x, y + 3.5, mark, { "text-anchor": "middle" }), svg("title", {}, title));
}
