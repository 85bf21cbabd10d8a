/* Figure 3: learning curves of the classes, and what is left when the baseline's is taken away. */

function drawLosses() {
  const { lines } = workload().curves;
  document.getElementById("loss-title").closest("section").hidden = !lines.length;
  if (!lines.length) return;
  const names = [...new Set(lines.flatMap((line) => Object.keys(line.history)))].sort((a, b) => (b === "loss") - (a === "loss") || (a < b ? -1 : 1));
  if (!names.includes(view.history)) [view.history] = names;
  place("loss-controls", html("div", { class: "row" },
    names.length > 1 && choice("Show", names.map((name) => [name, name.replace(/_/g, " ")]), view.history, (value) => { view.history = value; drawLosses(); }),
    baselineChoice()));
  const curves = lines.map((line) => ({ ...line, values: (line.history[view.history] || []).map((value) => (typeof value === "number" ? value : null)) }));
  const base = baselineCurve(curves);
  drawCurves("curves", curves, linear(curves), `${view.history} per epoch`);
  const without = curves.map((line) => ({ ...line, values: line.values.map((value, i) => minus(value, base?.values[i])) }));
  drawCurves("zoom", without, logarithmic(without), `${view.history}: distance from that of ${pointLabel(view.baseline)}`);
  const more = workload().curves.left_out ? ` ${workload().curves.left_out} more curves are left out here; the records have them.` : "";
  const single = curves.every((line) => line.values.length < 2);
  const words = single ? "after the only epoch, one dot per class" : "after each epoch, one line per class; dashed: single runs of unstable cells";
  place("curves-caption", `${view.history.replace(/_/g, " ")} ${words}.${more}`);
  place("zoom-caption", base ? `How far each is from that of ${pointLabel(view.baseline)}, epoch by epoch, on a logarithmic scale; on the line “equal” it is the same to the last bit.` : `There is no curve of ${pointLabel(view.baseline)} to subtract.`);
}

function baselineCurve(curves) {
  const point = workload().distances.points[view.baseline];
  if (!point) return curves[0];
  return curves.find((line) => (point.cell === null ? line.class === point.class : line.cell === point.cell));
}

function minus(value, other) {
  return value === null || other === null || other === undefined ? null : Math.abs(value - other);
}

const CURVES = { height: 300, right: PLOT.right + 30 };

/** A scale from the smallest to the largest value, with its marks. */
function linear(curves) {
  const known = curves.flatMap((line) => line.values).filter((value) => value !== null);
  let [low, high] = [Math.min(...known), Math.max(...known)];
  if (low === high) [low, high] = [low - Math.abs(low || 1) * 0.5, high + Math.abs(high || 1) * 0.5];
  const bottom = CURVES.height - PLOT.bottom;
  const at = (value) => bottom - ((value - low) / (high - low)) * (bottom - PLOT.top);
  const marks = (width) => ticks(low, high).flatMap((value) => [lineAt(PLOT.left, at(value), width - CURVES.right, at(value), value === 0 ? "axis" : "faint"),
    text(PLOT.left - 6, at(value) + 4, number(value, 5), { class: "tick", "text-anchor": "end" })]);
  return { at, marks };
}

/** A logarithmic scale above a line for what is equal. */
function logarithmic(curves) {
  const sizes = curves.flatMap((line) => line.values).filter((value) => value > 0).map(Math.log10);
  const low = sizes.length ? Math.floor(Math.min(...sizes)) : 0;
  const high = sizes.length ? Math.max(low + 1, Math.ceil(Math.max(...sizes))) : 1;
  const zero = CURVES.height - PLOT.bottom - 6;
  const at = (value) => (value === 0 ? zero : zero - 24 - ((Math.log10(value) - low) / (high - low)) * (zero - 24 - PLOT.top));
  const every = Math.max(1, Math.ceil((high - low) / 7));
  const powers = sizes.length ? Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => low + i * every) : [];
  const marks = (width) => [lineAt(PLOT.left, zero, width - CURVES.right, zero, "axis"), text(PLOT.left - 8, zero + 4, "equal", { class: "tick", "text-anchor": "end" }),
    ...powers.flatMap((power) => [lineAt(PLOT.left, at(10 ** power), width - CURVES.right, at(10 ** power), "faint"), powerLabel(PLOT.left - 8, at(10 ** power) + 4, power)])];
  return { at, marks };
}

function drawCurves(id, curves, scale, label) {
  if (!curves.some((line) => line.values.some((value) => value !== null))) return place(id, html("p", { class: "fine" }, "Nothing to draw."));
  const width = roomIn(id);
  const room = width - PLOT.left - CURVES.right;
  const epochs = Math.max(...curves.map((line) => line.values.length));
  const x = (i, line) => PLOT.left + (epochs > 1 ? i / (epochs - 1) : (curves.indexOf(line) + 0.5) / curves.length) * room;
  const plot = frame(width, CURVES.height, label);
  plot.append(...scale.marks(width), ...epochMarks(curves, epochs, x));
  plot.append(text(PLOT.left + room / 2, CURVES.height - 3, epochs > 1 ? "epoch" : "class, after the only epoch", { class: "tick", "text-anchor": "middle" }));
  plot.append(...[...curves].reverse().flatMap((line) => curve(line, (i) => x(i, line), scale.at)), ...(epochs > 1 ? lineNames(curves, x, scale.at) : []));
  return place(id, plot);
}

function epochMarks(curves, epochs, x) {
  const at = (place, name) => text(place, CURVES.height - PLOT.bottom + 16, name, { class: "tick", "text-anchor": "middle" });
  if (epochs > 1) return ticks(1, epochs, Math.min(epochs - 1, 8)).filter(Number.isInteger).map((i) => at(x(i - 1), String(i)));
  return curves.length > 30 ? [] : curves.map((line) => at(x(0, line), line.class === UNSTABLE ? "≠" : line.class));
}

function curve({ class: name, values, cell }, x, y) {
  const points = values.map((value, i) => (value === null ? null : [x(i), y(value)])).filter(Boolean);
  const path = points.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  return [svg("g", { class: `curve ${colourOfClass(name)}`, click: () => openDetails(cell) },
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
  return [...ends.values()].map((end) => text(end.x + 6, end.y + 4, end.names.length > 3 ? `${end.names[0]}…` : end.names.join(""), { class: "line-name" }));
}
