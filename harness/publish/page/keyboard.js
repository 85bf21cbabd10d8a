/* Walking through the matrix by key, and pointing at its tiles. */

function withCell(target, found, none) {
  const tile = target.closest(".tile[data-cell]");
  if (tile) found(Number(tile.dataset.cell), tile);
  else if (none) none();
}

function focusTile(tile) {
  if (grid.focus) grid.focus.tabIndex = -1;
  grid.focus = tile;
  tile.tabIndex = 0;
  tile.focus();
  tile.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const STEPS_OF_KEYS = {
  ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], PageDown: [8, 0], PageUp: [-8, 0],
};

function walk(event) {
  if (!event.target.dataset.place) return;
  const start = Number(event.target.dataset.place);
  const target = event.key in STEPS_OF_KEYS ? step(start, ...STEPS_OF_KEYS[event.key])
    : event.key === "Home" ? end(start, event.ctrlKey, 1) : event.key === "End" ? end(start, event.ctrlKey, -1) : null;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(grid.cells[start], event.shiftKey, true);
  } else if (target !== null) {
    event.preventDefault();
    focusTile(tileAt(target));
  }
}

/** The next tile with a cell in a direction; the same one where there is none. */
function step(start, rows, columns) {
  const height = grid.cells.length / grid.width;
  const clamp = (value) => Math.min(height - 1, Math.max(0, value));
  let row = Math.floor(start / grid.width);
  let column = start % grid.width;
  const single = Math.sign(rows);
  row = Math.abs(rows) > 1 ? clamp(row + rows) - single : row;
  for (;;) {
    row += single;
    column += columns;
    if (row < 0 || row >= height || column < 0 || column >= grid.width) return start;
    if (grid.cells[row * grid.width + column] >= 0) return row * grid.width + column;
  }
}

function end(start, whole, direction) {
  const first = whole ? 0 : Math.floor(start / grid.width) * grid.width;
  const last = whole ? grid.cells.length - 1 : first + grid.width - 1;
  for (let place = direction > 0 ? first : last; place >= first && place <= last; place += direction) {
    if (grid.cells[place] >= 0) return place;
  }
  return start;
}

function showHint(cell, tile) {
  const hint = document.getElementById("hint");
  const name = className(cell);
  hint.replaceChildren(
    html("b", {}, name === UNSTABLE ? "unstable: its own runs differ" : name ? `class ${name}` : statusWords(cell)),
    name && name !== UNSTABLE && whereOf(name) ? html("p", {}, shorten(whereOf(name), 120)) : "",
    html("dl", {}, settingsOf(cell).map(([key, value]) => [html("dt", {}, key), html("dd", {}, value)])),
    reasonOf(cell) ? html("p", {}, shorten(reasonOf(cell), 160)) : "",
    name ? html("p", {}, `loss ${number(cells().loss[cell], 9)}`) : "");
  hint.hidden = false;
  const box = tile.getBoundingClientRect();
  const below = box.bottom + hint.offsetHeight + 12 < window.innerHeight;
  hint.style.left = `${Math.max(6, Math.min(box.left, document.documentElement.clientWidth - hint.offsetWidth - 6))}px`;
  hint.style.top = `${below ? box.bottom + 6 : box.top - hint.offsetHeight - 6}px`;
}

function hideHint() { document.getElementById("hint").hidden = true; }

function shorten(text, length) { return text.length > length ? `${text.slice(0, length - 1)}…` : text; }

/** Mark the open cells; the second of two has another outline. */
function markOpen() {
  for (const tile of document.querySelectorAll("#matrix .open")) tile.classList.remove("open", "second");
  for (const [cell, look] of [[view.cell, ["open"]], [view.pair, ["open", "second"]]]) {
    const found = cell === null ? -1 : grid.cells.indexOf(cell);
    if (found >= 0) tileAt(found).classList.add(...look);
  }
}
