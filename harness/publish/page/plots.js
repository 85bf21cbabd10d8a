/* What the drawings share: scales, axes, frames. */

const PLOT = { left: 62, right: 14, top: 12, bottom: 34 };

function frame(width, height, label) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "plot" });
}

/** How wide a plot may be: what its column has, within reason. */
function roomIn(id) {
  return Math.max(300, Math.min(620, document.getElementById(id).clientWidth || 520));
}

/** Round values between two numbers, some five of them. */
function ticks(low, high, wanted = 5) {
  if (!(high > low)) return [low];
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const found = [];
  for (let value = Math.ceil(low / unit) * unit; value <= high + unit * 1e-9; value += unit) found.push(Math.abs(value) < unit * 1e-9 ? 0 : value);
  return found;
}

function text(x, y, content, attributes = {}) { return svg("text", { x, y, ...attributes }, content); }

function lineAt(x1, y1, x2, y2, look) { return svg("line", { x1, y1, x2, y2, class: look }); }

function powerLabel(x, y, power) {
  return svg("text", { x, y, class: "tick", "text-anchor": "end" }, "10", svg("tspan", { dy: -4, "font-size": "8" }, String(power).replace("-", "−")));
}
