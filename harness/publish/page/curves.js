/* Figure 3: learning curves of the classes, and what is left when the baseline's is taken away. */

/** The histories that have a curve in the matrix that is shown: several epochs, of some class. */
function historyNames() { return curveNames(workload().curves.lines.filter(isShown)); }

function curveNames(lines) {
  const named = lines.flatMap(({ history }) => Object.keys(history).filter((name) => history[name].length > 1));
  return [...new Set(named)].sort((a, b) => (b === "loss") - (a === "loss") || (a < b ? -1 : 1));
}

function numbersOf(values) { return (values || []).map((value) => (typeof value === "number" ? value : null)); }

function drawLosses() {
  const names = historyNames();
  document.getElementById("loss-title").closest("section").hidden = !names.length;
  if (!names.length) {
    for (const id of ["loss-controls", "curves", "zoom"]) place(id);
    return;
  }
  if (!names.includes(view.history)) [view.history] = names;
  place("loss-controls", html("div", { class: "row" },
    names.length > 1 && choice("Show", names.map((name) => [name, name.replace(/_/g, " ")]), view.history, (value) => { view.history = value; drawLosses(); remember(); }),
    baselineChoice()));
  const curves = workload().curves.lines.filter(isShown).map((line) => ({ ...line, values: numbersOf(line.history[view.history]) }));
  const base = baselineCurve(curves);
  drawCurves("curves", curves, linear(curves), `${view.history} per epoch`);
  const without = base ? curves.map((line) => ({ ...line, values: line.values.map((value, i) => minus(value, base.values[i])) })) : [];
  drawCurves("zoom", without, logarithmic(without), `${view.history}: distance from that of ${pointLabel(view.baseline)}`);
  place("curves-caption", curves.length ? curvesCaption(curves) : "");
  place("zoom-caption", base ? `How far each is from that of ${pointLabel(view.baseline)}, epoch by epoch, on a logarithmic scale; on the line “equal” it is the same to the last bit.` : `There is no curve of ${pointLabel(view.baseline)} among these to subtract.`);
}

function curvesCaption(curves) {
  const unstable = curves.some((line) => line.class === UNSTABLE) ? "; dashed: single runs of unstable cells" : "";
  const more = workload().curves.left_out ? ` ${workload().curves.left_out} more curves are left out here; the records have them.` : "";
  return `${view.history.replace(/_/g, " ")} after each epoch, one line per class in the matrix that is shown${unstable}.${more}`;
}

/** Whether a curve is of the matrix that is shown. */
function isShown({ class: name, cell }) {
  const matrix = shownMatrix();
  if (matrix === null || matrixOf(cell) === matrix) return true;
  const found = workload().classes.find((each) => each.name === name);
  return name !== UNSTABLE && matrix in found.where;
}

function baselineCurve(curves) {
  const point = workload().distances.points[view.baseline];
  if (!point) return curves[0];
  return curves.find((line) => (point.cell === null ? line.class === point.class : line.cell === point.cell));
}

function minus(value, other) {
  return value === null || other === null || other === undefined ? null : Math.abs(value - other);
}

const CURVES = { height: 300, right: PLOT.right + 34 };

/** A scale from the smallest to the largest value, with its marks. */
function linear(curves) {
  const known = curves.flatMap((line) => line.values).filter((value) => value !== null);
  let [low, high] = [Math.min(...known), Math.max(...known)];
  if (low === high) [low, high] = [low - Math.abs(low || 1) * 0.5, high + Math.abs(high || 1) * 0.5];
  const bottom = CURVES.height - PLOT.bottom;
  const at = (value) => bottom - ((value - low) / (high - low)) * (bottom - PLOT.top);
  const unit = tickUnit(low, high);
  const marks = (width) => ticks(low, high).flatMap((value) => [lineAt(PLOT.left, at(value), width - CURVES.right, at(value), value === 0 ? "axis" : "faint"),
    text(PLOT.left - 6, at(value) + 4, tickText(value, unit), { class: "tick", "text-anchor": "end" })]);
  return { at, marks };
}

/** A logarithmic scale above a line for what is equal. */
function logarithmic(curves) {
  const sizes = curves.flatMap((line) => line.values).filter((value) => value > 0);
  const zero = CURVES.height - PLOT.bottom - 6;
  const scale = sizes.length ? logScale(sizes, PLOT.top, zero - 24) : null;
  const marks = (width) => [lineAt(PLOT.left, zero, width - CURVES.right, zero, "axis"), text(PLOT.left - 8, zero + 4, "equal", { class: "tick", "text-anchor": "end" }),
    ...(scale ? scale.marks(PLOT.left, width - CURVES.right) : [])];
  return { at: (value) => (value === 0 ? zero : scale.at(value)), marks };
}

function drawCurves(id, curves, scale, label) {
  if (!curves.some((line) => line.values.some((value) => value !== null))) return place(id, html("p", { class: "fine" }, "Nothing to draw."));
  const width = roomIn(id);
  const room = width - PLOT.left - CURVES.right;
  const epochs = Math.max(2, ...curves.map((line) => line.values.length));
  const x = (i) => PLOT.left + (i / (epochs - 1)) * room;
  const plot = frame(width, CURVES.height, label);
  const marked = ticks(1, epochs, Math.min(epochs - 1, 8)).filter(Number.isInteger);
  plot.append(...scale.marks(width), ...marked.map((i) => text(x(i - 1), CURVES.height - PLOT.bottom + 16, String(i), { class: "tick", "text-anchor": "middle" })));
  plot.append(text(PLOT.left + room / 2, CURVES.height - 3, "epoch", { class: "tick", "text-anchor": "middle" }));
  plot.append(...[...curves].reverse().flatMap((line) => curve(line, x, scale.at)), ...lineNames(curves, x, scale.at));
  return place(id, plot);
}

function curve({ class: name, values, cell }, x, y) {
  const points = values.map((value, i) => (value === null ? null : [x(i), y(value)])).filter(Boolean);
  const path = points.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  return [svg("g", { class: `curve ${colourOfClass(name)}`, click: (event) => choose(cell, event.shiftKey) },
    svg("path", { d: path }), points.map(([cx, cy]) => svg("circle", { cx, cy, r: points.length > 1 ? 2.2 : 4 })), svg("title", {}, name === UNSTABLE ? `unstable cell ${cell + 1}` : `class ${name}`))];
}

/** The letters at the ends of the lines, moved apart; letters of lines that end alike share a place. */
function lineNames(curves, x, y) {
  const ends = new Map();
  for (const { class: name, values } of curves) {
    const last = values.length - 1;
    if (last < 0 || values[last] === null || name === UNSTABLE) continue;
    const height = Math.round(y(values[last]) / 11);
    const found = ends.get(height) || { x: x(last), y: y(values[last]), names: [] };
    if (!found.names.includes(name)) found.names.push(name);
    ends.set(height, found);
  }
  return [...ends.values()].map((end) => text(end.x + 6, end.y + 4, end.names.join("").length > 4 ? `${end.names[0]}…` : end.names.join(""), { class: "line-name" }));
}
