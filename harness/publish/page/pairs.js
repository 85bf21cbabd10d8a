/* Figure 2, right: how far each class is from each. */

function drawPairs() {
  const { points, pairs, note } = workload().distances;
  const paired = new Set(pairs.flatMap((pair) => (pair[0] > 0 || points.length === 2 ? [pair[0], pair[1], 0] : [])));
  const present = new Set([...shownCells().map(pointOf), view.baseline]);
  const names = points.map((_, point) => point).filter((point) => paired.has(point) && present.has(point));
  place("pairs-caption", names.length < 2 ? "" : pairsCaption(names, note));
  if (names.length < 2) return place("pairs", html("p", { class: "fine" }, whyNoPairs(points, pairs)));
  const head = html("tr", {}, html("td", {}), names.map((point) => html("th", { scope: "col" }, pointName(point))));
  const rows = names.map((one) => html("tr", {}, html("th", { scope: "row", class: colourOfClass(points[one].class) }, pointName(one)), names.map((other) => pairCell(one, other))));
  return place("pairs", html("table", { class: "pairs" }, html("caption", { class: "hidden" }, `${MEASURES[view.measure]} of each class from each`), html("thead", {}, head), html("tbody", {}, rows)));
}

function whyNoPairs(points, pairs) {
  if (pairs.length) return "One class only is shown: nothing is apart.";
  return points.length === 1 ? "One class only: nothing is apart." : "No distances are known: the weights were not beside the records.";
}

function pairsCaption(names, note) {
  const shown = names.flatMap((one) => names.map((other) => pairOf(one, other)));
  const starts = shown.some((pair) => pair && isOtherStart(pair)) ? "° They began with other weights. " : "";
  const unstable = names.some((point) => workload().distances.points[point].cell !== null) ? "≠ and a number: the first run of that unstable cell. " : "";
  return `${MEASURES[view.measure]} of each class from each (the stronger the colour, the further). ${starts}${unstable}${note}`;
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
