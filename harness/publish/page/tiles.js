/* How a cell looks: letter or mark, colour, hatching. No two states differ by colour alone. */

const MARKS = {
  completed: "?", unsupported: "⊘", failed: "✕", timeout: "◔", out_of_memory: "▲", killed: "†",
  invalid: "!", unavailable: "–", excluded: "∅", pending: "…",
};
const COLOURS = 16;
/** How often the colours are used again, each time with another bar at the edge of the tile. */
const ROUNDS = 4;
const STEPS = 8;

const colours = new Map([[UNSTABLE, UNSTABLE]]);

function colourOfClass(name) {
  if (!colours.has(name)) colours.set(name, newColour(name));
  return colours.get(name);
}

function newColour(name) {
  let place = 0;
  for (const sign of name) place = place * 26 + sign.charCodeAt(0) - 64;
  const round = Math.floor((place - 1) / COLOURS);
  if (round >= ROUNDS) return "kmore";
  return `k${(place - 1) % COLOURS}${round ? ` bar${round}` : ""}`;
}

/** What stands in the tile of a cell, and its CSS classes. */
function tileOf(cell) {
  const name = className(cell);
  const flags = (cells().emulated[cell] ? " emulated" : "") + (name && isMixed(cell) ? " mixed" : "")
    + (cells().verdict[cell] === "untested" && name ? " once" : "");
  if (!name) return { text: MARKS[statusOf(cell)] || "?", look: `s-${statusOf(cell)}${flags}` };
  const text = name === UNSTABLE ? "≠" : name;
  return { text, look: colouring[view.colour](cell, name) + (name === UNSTABLE ? " hatched" : "") + flags };
}

const colouring = {
  class: (cell, name) => colourOfClass(name),
  init: (cell) => (cells().init[cell] ? colourOfClass(cells().init[cell].toUpperCase()) : UNSTABLE),
  distance: (cell) => stepOf(apart(view.baseline, pointOf(cell), view.measure)),
};

/** A size as one of a few shades on a logarithmic scale over what the workload shows. */
function stepOf(size) {
  if (size === null) return "unknown";
  if (size === 0) return "same";
  const [low, high] = span();
  const share = high > low ? (Math.log10(size) - low) / (high - low) : 0.5;
  return `d${Math.min(STEPS - 1, Math.max(0, Math.floor(share * STEPS)))}`;
}

/** The logarithms between which the sizes of the workload lie, for one measure. */
function span() {
  workload().spans ??= {};
  return (workload().spans[view.measure] ??= spanOf(sizesOf(view.measure)));
}

function sizesOf(measure) {
  return workload().distances.pairs.map((pair) => Math.abs(pair[PAIR[measure]] || 0)).filter((size) => size > 0);
}

function spanOf(sizes) {
  const logs = sizes.map(Math.log10);
  return logs.length ? [Math.min(...logs), Math.max(...logs)] : [0, 1];
}

/** Classes and statuses with their numbers of cells: the numbers add up to the cells there are. */
function drawLegend() {
  const groups = new Map();
  for (const cell of shownCells(false)) {
    const name = className(cell);
    const key = name ? `class ${name}` : `status ${statusOf(cell)}`;
    const group = groups.get(key) || { name, status: statusOf(cell), count: 0, cell };
    group.count += 1;
    groups.set(key, group);
  }
  const order = workload().classes.map((one) => `class ${one.name}`)
    .concat(DATA.statuses.map((status) => `status ${status}`));
  const found = order.filter((key) => groups.has(key)).map((key) => groups.get(key));
  const many = found.length > 40;
  place("legend", (many ? found.filter((one, i) => i < 32 || !one.name || one.name === UNSTABLE) : found).map(entry),
    many && html("span", { class: "fine" }, `and ${found.filter((one, i) => i >= 32 && one.name && one.name !== UNSTABLE).length} smaller classes`));
}

function entry({ name, status, count }) {
  const keep = name ? view.keep.classes : view.keep.statuses;
  const key = name || status;
  const look = name ? colourOfClass(name) + (name === UNSTABLE ? " hatched" : "") : `s-${status}`;
  const text = name && name !== UNSTABLE ? "" : key.replace(/_/g, " ");
  return html("button", {
    type: "button", "aria-pressed": keep.has(key) ? "true" : "false", "data-focus": key, title: whereOf(name),
    "aria-label": `${name && name !== UNSTABLE ? "class " : ""}${key}, ${counted(count, "cell")}`,
    click: () => {
      if (!keep.delete(key)) keep.add(key);
      drawMatrix();
      drawDistances();
      remember();
      focusOn("legend", key);
    },
  }, html("i", { class: `tile ${look}`, "aria-hidden": "true" }, name ? (name === UNSTABLE ? "≠" : name) : MARKS[status]),
  text && html("span", {}, text), html("small", {}, String(count)));
}
