/* What the drawings share: scales, axes, frames. */

const PLOT = { left: 76, right: 14, top: 12, bottom: 34 };

function frame(width, height, label) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "plot" });
}

/** How wide a plot may be: what its column has, within reason. */
function roomIn(id) {
  return Math.max(300, Math.min(1100, document.getElementById(id).clientWidth || 520));
}

/** The step of some five round values between two numbers. */
function tickUnit(low, high, wanted = 5) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
}

/** Round values between two numbers, some five of them. */
function ticks(low, high, wanted = 5) {
  if (!(high > low)) return [low];
  const unit = tickUnit(low, high, wanted);
  const found = [];
  for (let value = Math.ceil(low / unit) * unit; value <= high + unit * 1e-9; value += unit) found.push(Math.abs(value) < unit * 1e-9 ? 0 : value);
  return found;
}

/** A value of an axis with as many digits as tell it from the next one. */
function tickText(value, unit) {
  if (value === 0) return "0";
  const digits = Math.max(1, Math.floor(Math.log10(Math.abs(value)) + 1e-9) - Math.floor(Math.log10(unit) + 1e-9) + 1);
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-4 ? value.toExponential(digits - 1).replace("e+", "e") : value.toFixed(Math.max(0, -Math.floor(Math.log10(unit) + 1e-9)));
  return text.replace(/-/g, "−");
}

function text(x, y, content, attributes = {}) { return svg("text", { x, y, ...attributes }, content); }

function lineAt(x1, y1, x2, y2, look) { return svg("line", { x1, y1, x2, y2, class: look }); }

function powerLabel(x, y, power) {
  return svg("text", { x, y, class: "tick", "text-anchor": "end" }, "10", svg("tspan", { dy: -4, "font-size": "8" }, String(power).replace("-", "−")));
}

/**
 * A logarithmic scale over these sizes, from `bottom` up to `top`, with its marks: powers of ten,
 * and where they are too few round values between them.
 */
function logScale(sizes, top, bottom) {
  const logs = sizes.map(Math.log10);
  const margin = Math.max(0.12, (Math.max(...logs) - Math.min(...logs)) * 0.06);
  const [low, high] = [Math.min(...logs) - margin, Math.max(...logs) + margin];
  const at = (size) => bottom - ((Math.log10(size) - low) / (high - low)) * (bottom - top);
  const most = Math.max(2, Math.floor((bottom - top) / 26));
  return { at, marks: (left, right) => logMarks(low, high, most).flatMap((mark) => [
    lineAt(left, at(mark.value), right, at(mark.value), "faint"),
    mark.power === null ? text(left - 8, at(mark.value) + 4, number(mark.value, 2), { class: "tick", "text-anchor": "end" }) : powerLabel(left - 8, at(mark.value) + 4, mark.power)]) };
}

function logMarks(low, high, most) {
  const powers = whole(Math.ceil(low), Math.floor(high));
  if (powers.length > 1) {
    const every = Math.ceil(powers.length / most);
    return powers.filter((_, i) => i % every === 0).map((power) => ({ value: 10 ** power, power }));
  }
  const steps = [[1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]].map((factors) => whole(Math.floor(low), Math.ceil(high))
    .flatMap((power) => factors.map((factor) => factor * 10 ** power)).filter((value) => Math.log10(value) >= low && Math.log10(value) <= high));
  const found = steps.find((values) => values.length > 1) || [10 ** ((low + high) / 2)];
  return found.slice(0, most).map((value) => ({ value, power: null }));
}

/** Whole numbers from one to another. */
function whole(from, to) { return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i); }
