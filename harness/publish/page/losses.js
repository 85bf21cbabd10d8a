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
  drawCurves("curves", curves, `${view.history} per epoch`);
  const without = curves.map((line) => ({ ...line, values: line.values.map((value, i) => (value === null || base?.values[i] === undefined || base.values[i] === null ? null : value - base.values[i])) }));
  drawCurves("zoom", without, `${view.history} minus that of ${pointLabel(view.baseline)}`);
  const more = workload().curves.left_out ? ` ${workload().curves.left_out} more curves are left out here; the records have them.` : "";
  place("curves-caption", `${view.history.replace(/_/g, " ")} after each epoch, one line per class; dashed: single runs of unstable cells.${more}`);
  place("zoom-caption", base ? `The same, minus the curve of ${pointLabel(view.baseline)}: curves that seem to be one above are apart by this much. Where a line ends at zero, it is the same to the last bit.` : `There is no curve of ${pointLabel(view.baseline)} to subtract.`);
}

function baselineCurve(curves) {
  const point = workload().distances.points[view.baseline];
  if (!point) return curves[0];
  return curves.find((line) => (point.cell === null ? line.class === point.class : line.cell === point.cell));
}

function drawCurves(id, curves, label) {
  const known = curves.flatMap((line) => line.values).filter((value) => value !== null);
  if (!known.length) return place(id, html("p", { class: "fine" }, "Nothing to draw."));
  const width = roomIn(id);
  const height = 300;
  const right = PLOT.right + 22;
  let [low, high] = [Math.min(...known), Math.max(...known)];
  if (low === high) [low, high] = [low - Math.abs(low || 1) * 0.5, high + Math.abs(high || 1) * 0.5];
  const epochs = Math.max(...curves.map((line) => line.values.length));
  const x = (i, line) => PLOT.left + (epochs > 1 ? i / (epochs - 1) : (curves.indexOf(line) + 0.5) / curves.length) * (width - PLOT.left - right);
  const y = (value) => height - PLOT.bottom - ((value - low) / (high - low)) * (height - PLOT.bottom - PLOT.top);
  const plot = frame(width, height, label);
  for (const value of ticks(low, high)) plot.append(lineAt(PLOT.left, y(value), width - right, y(value), value === 0 ? "axis" : "faint"), text(PLOT.left - 6, y(value) + 4, number(value), { class: "tick", "text-anchor": "end" }));
  if (epochs > 1) for (const i of ticks(1, epochs, Math.min(epochs - 1, 8)).filter(Number.isInteger)) plot.append(text(x(i - 1), height - PLOT.bottom + 16, String(i), { class: "tick", "text-anchor": "middle" }));
  else plot.append(...curves.map((line) => text(x(0, line), height - PLOT.bottom + 16, curves.length > 30 || line.class === UNSTABLE ? "" : line.class, { class: "tick", "text-anchor": "middle" })));
  plot.append(text((PLOT.left + width - right) / 2, height - 3, epochs > 1 ? "epoch" : "class, after the only epoch", { class: "tick", "text-anchor": "middle" }));
  plot.append(...[...curves].reverse().flatMap((line) => curve(line, (i) => x(i, line), y)), ...(epochs > 1 ? lineNames(curves, x, y) : []));
  return place(id, plot);
}

function curve({ class: name, values, cell }, x, y) {
  const points = values.map((value, i) => (value === null ? null : [x(i), y(value)])).filter(Boolean);
  const path = points.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  return [svg("g", { class: `curve ${colourOfClass(name)}`, click: () => openStory(cell) },
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
