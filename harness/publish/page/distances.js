/* Figure 2: how far apart cells and classes are, over a setting and each from each. */

const MEASURES = {
  relative_l2: "Relative L2 distance of the weights", max_ulp: "Largest ULP distance", max_abs: "Largest absolute difference",
  churn: "Changed predictions", metric: "Difference of the metric",
};

function churnName() {
  return workload().metric === "accuracy" ? "Share of predictions whose class changed" : "Largest difference of a forecast";
}

function drawDistances() {
  MEASURES.churn = churnName();
  const { points } = workload().distances;
  document.getElementById("distance-title").closest("section").hidden = !points.length;
  if (!points.length) return;
  place("distance-controls", html("div", { class: "row" },
    choice("Measure", Object.entries(MEASURES), view.measure, (value) => { view.measure = value; drawDistances(); recolour(); }),
    baselineChoice(),
    workload().axes.length > 0 && choice("Over", workload().axes.map((axis, i) => [i, axis.name]), view.over, (value) => { view.over = Number(value); drawDistances(); })));
  drawDots();
  drawPairs();
}

/** Cells by the value of one axis and their point, so that thousands of equal ones are one dot. */
function dotGroups() {
  const axis = cells().codes[view.over] || new Array(cells().id.length).fill(0);
  const groups = new Map();
  for (const cell of shownCells()) {
    const point = pointOf(cell);
    const name = className(cell);
    const kind = !name ? "none" : point === null ? "unknown" : point;
    const key = `${axis[cell]} ${kind === "none" ? statusOf(cell) : kind}`;
    const group = groups.get(key) || { value: axis[cell], kind, count: 0, cell, name };
    group.count += 1;
    groups.set(key, group);
  }
  return [...groups.values()];
}

function drawDots() {
  const axis = workload().axes[view.over] || { name: "", values: [""] };
  const groups = dotGroups();
  const used = [...new Set(groups.map((group) => group.value))].sort((a, b) => a - b);
  const width = Math.max(roomIn("dots"), PLOT.left + PLOT.right + used.length * 26);
  const long = Math.max(...used.map((code) => axis.values[code].length)) * 6.2 > (width - 80) / used.length;
  const foot = long ? Math.min(130, 14 + Math.max(...used.map((code) => axis.values[code].length)) * 5.6) : 30;
  const height = 330 + foot;
  const y = dotScale(height - foot, groups);
  const x = (code) => PLOT.left + ((used.indexOf(code) + 0.5) * (width - PLOT.left - PLOT.right)) / used.length;
  const plot = frame(width, height, `${MEASURES[view.measure]} from ${pointLabel(view.baseline)} over ${axis.name}`);
  plot.append(...y.marks(width));
  for (const code of used) {
    plot.append(lineAt(x(code), PLOT.top, x(code), y.floor, "faint"), long
      ? text(x(code), height - foot + 12, axis.values[code], { class: "tick", "text-anchor": "end", transform: `rotate(-50 ${x(code)} ${height - foot + 10})` })
      : text(x(code), height - foot + 16, axis.values[code], { class: "tick", "text-anchor": "middle" }));
  }
  plot.append(...placeDots(groups, x, y, (width - PLOT.left - PLOT.right) / used.length));
  place("dots", plot);
  place("dots-caption", `${MEASURES[view.measure]} from ${pointLabel(view.baseline)}, for every cell shown in Figure 1, over ${axis.name || "nothing"}. A dot is a class at one value; the larger, the more cells.`);
}

/** A logarithmic scale above a line for `same bits`; what has no place on it stands on lines below. */
function dotScale(bottom, groups) {
  const sizes = groups.filter((group) => typeof group.kind === "number").map((group) => apart(view.baseline, group.kind, view.measure)).filter((size) => size > 0);
  const low = sizes.length ? Math.floor(Math.log10(Math.min(...sizes))) : 0;
  const high = sizes.length ? Math.max(low + 1, Math.ceil(Math.log10(Math.max(...sizes)))) : 1;
  const rows = ["none", "unknown"].filter((kind) => groups.some((group) => group.kind === kind || (kind === "unknown" && typeof group.kind === "number" && apart(view.baseline, group.kind, view.measure) === null)));
  const shelf = Object.fromEntries(rows.map((kind, i) => [kind, bottom - 12 - i * 24]));
  const zero = bottom - 12 - rows.length * 24;
  const base = zero - 26;
  const at = (size) => base - ((Math.log10(size) - low) / (high - low)) * (base - PLOT.top - 8);
  const of = (group) => {
    if (group.kind === "none") return shelf.none;
    const size = group.kind === "unknown" ? null : apart(view.baseline, group.kind, view.measure);
    return size === null ? shelf.unknown : size === 0 ? zero : at(size);
  };
  const names = { none: "no weights", unknown: "unknown" };
  const marks = (width) => {
    const found = [lineAt(PLOT.left, zero, width - PLOT.right, zero, "axis"), text(PLOT.left - 8, zero + 4, "equal", { class: "tick", "text-anchor": "end" })];
    for (const kind of rows) found.push(text(PLOT.left - 8, shelf[kind] + 4, names[kind], { class: "tick", "text-anchor": "end" }));
    const every = Math.max(1, Math.ceil((high - low) / 8));
    for (let power = low; sizes.length && power <= high; power += every) found.push(lineAt(PLOT.left, at(10 ** power), width - PLOT.right, at(10 ** power), "faint"), powerLabel(PLOT.left - 8, at(10 ** power) + 4, power));
    return found;
  };
  return { of, marks, floor: bottom - 2 };
}

/** The dots; those that would cover each other stand side by side. */
function placeDots(groups, x, y, room) {
  const placed = [];
  const largest = Math.max(...groups.map((group) => group.count));
  return groups.map((group) => ({ ...group, r: 6.5 + 5.5 * Math.sqrt(group.count / largest) * (largest > 1 ? 1 : 0), y: y.of(group) }))
    .sort((a, b) => a.value - b.value || b.count - a.count).map((dot) => {
      const tries = [0, 1, -1, 2, -2, 3, -3, 4, -4].map((i) => i * 13).filter((shift) => Math.abs(shift) + 6 < Math.max(room / 2, 7));
      const shift = tries.find((candidate) => placed.every((other) => other.value !== dot.value || Math.hypot(other.shift - candidate, other.y - dot.y) > (other.r + dot.r) * 0.86)) ?? 0;
      placed.push({ ...dot, shift });
      return dotElement(dot, x(dot.value) + shift);
    });
}

function dotElement({ kind, name, count, cell, r, y }, x) {
  const size = typeof kind === "number" ? apart(view.baseline, kind, view.measure) : null;
  const { text: mark, look } = tileOf(cell);
  const colour = name ? colourOfClass(name) : look;
  const title = `${name === UNSTABLE ? "an unstable cell" : name ? `class ${name}` : statusWords(cell)}, ${counted(count, "cell")}${size === null ? "" : `: ${number(size)}`}`;
  return svg("g", { class: `dot ${colour}`, click: () => openDetails(cell) },
    svg("circle", { cx: x, cy: y, r }), text(x, y + 3.5, mark, { "text-anchor": "middle" }), svg("title", {}, title));
}

function drawPairs() {
  const { points, pairs, note } = workload().distances;
  const paired = new Set(pairs.flatMap((pair) => (pair[0] > 0 || points.length === 2 ? [pair[0], pair[1], 0] : [])));
  const present = new Set([...shownCells().map(pointOf), view.baseline]);
  const names = points.map((_, point) => point).filter((point) => paired.has(point) && present.has(point));
  if (names.length < 2) return place("pairs", html("p", { class: "fine" }, pairs.length ? "One class only is shown: nothing is apart." : points.length === 1 ? "One class only: nothing is apart." : "No distances are known: the weights were not beside the records."));
  const head = html("tr", {}, html("td", {}), names.map((point) => html("th", { scope: "col" }, pointName(point))));
  const rows = names.map((one) => html("tr", {}, html("th", { scope: "row", class: colourOfClass(points[one].class) }, pointName(one)), names.map((other) => pairCell(one, other))));
  const table = html("table", { class: "pairs" }, html("caption", { class: "hidden" }, `${MEASURES[view.measure]} of each class from each`), html("thead", {}, head), html("tbody", {}, rows));
  const starts = pairs.some(isOtherStart);
  place("pairs-caption", `${MEASURES[view.measure]} of each class from each (the stronger the colour, the further). ${starts ? "° They began with other weights. " : ""}${names.some((point) => points[point].cell !== null) ? "≠ and a number: the first run of that unstable cell. " : ""}${note}`);
  return place("pairs", table);
}

function pairCell(one, other) {
  if (one === other) return html("td", { class: "same" }, "·");
  const size = apart(one, other, view.measure);
  const pair = pairOf(one, other);
  const value = size === null ? "?" : size === 0 ? "0" : size >= 0.01 && size < 1000 ? String(Number(size.toPrecision(2))) : size.toExponential(0).replace("e+", "e").replace("-", "−");
  return html("td", { class: stepOf(size), title: `${pointLabel(one)} – ${pointLabel(other)}: ${number(size)}${pair && pair[PAIR.origin] ? `, ${pair[PAIR.origin]}` : ""}` }, value + (pair && isOtherStart(pair) ? "°" : ""));
}

function isOtherStart(pair) {
  return pair[PAIR.origin].startsWith("other start");
}
