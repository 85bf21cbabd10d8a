/* The panel beside the matrix: one cell, or two side by side. The matrix stays where it is. */

/** Open a cell; as the `second` beside the one that is open, if there is one. */
function choose(cell, second = false, focus = false) {
  const beside = (second || view.picking) && view.cell !== null && view.cell !== cell;
  view.picking = false;
  if (beside) view.pair = cell;
  else Object.assign(view, { cell, pair: null });
  showDetails(focus);
  remember();
}

/** Show what `view` says is open. Files are loaded for it, so what was asked last counts. */
async function showDetails(focus = false) {
  hideHint();
  markOpen();
  const aside = document.getElementById("cell-details");
  const { cell, pair } = view;
  const asked = [view.workload, cell, pair, view.baseline].join();
  aside.dataset.asked = asked;
  if (cell === null) return hidePanel(aside);
  try {
    const contents = await Promise.all([load("shared"), ...[cell, pair].filter((each) => each !== null).map(contentOf)]);
    if (aside.dataset.asked !== asked) return undefined;
    aside.replaceChildren(...(pair === null ? detailsOf(cell, ...contents) : comparisonOf(cell, pair, ...contents)).flat(Infinity).filter(Boolean));
  } catch (error) {
    aside.replaceChildren(...heading(cell).flat(), html("p", {}, `The details cannot be read: ${error.message}. Open the page in the folder it was published in.`));
  }
  showPanel(aside, focus);
  return pair === null ? tensorTable(cell) : fillComparison(cell, pair);
}

async function contentOf(cell) {
  const place = workload().first + cell;
  const shard = await load(`cells-${Math.floor(place / DATA.shard)}`);
  return shard[place % DATA.shard];
}

function showPanel(aside, focus) {
  aside.hidden = false;
  aside.scrollTop = 0;
  aside.classList.toggle("two", view.pair !== null);
  document.body.classList.add("with-details");
  makeRoom();
  document.querySelector("#matrix .open.second, #matrix .open")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (focus) aside.querySelector(".close").focus({ preventScroll: true });
}

/**
 * The matrix, and what is below it, becomes as much narrower as the panel covers of it, and scrolls.
 * Nothing above the matrix changes, so that it stays where it is.
 */
function makeRoom() {
  const aside = document.getElementById("cell-details");
  const beside = !aside.hidden && !NARROW.matches;
  const left = beside ? aside.getBoundingClientRect().left - 12 : Infinity;
  for (const each of [document.getElementById("matrix"), ...document.querySelectorAll("main > section, .numbers, footer")]) {
    each.style.marginRight = `${Math.max(0, each.parentElement.getBoundingClientRect().right - left)}px`;
  }
  later(() => { drawDistances(); drawLosses(); });
}

function hidePanel(aside) {
  aside.hidden = true;
  document.body.classList.remove("with-details");
  makeRoom();
}

function closeDetails() {
  const aside = document.getElementById("cell-details");
  if (view.cell === null) return;
  const back = aside.contains(document.activeElement);
  Object.assign(view, { cell: null, pair: null, picking: false });
  markOpen();
  hidePanel(aside);
  remember();
  if (back && grid.focus) grid.focus.focus();
}

/** Wait for the second cell, which the reader chooses in the matrix; for those without a Shift key. */
function pickSecond(waiting) {
  view.picking = waiting;
  document.getElementById("picking").textContent = waiting ? "Choose the second cell in Figure 1; Escape ends this." : "";
  document.body.classList.toggle("picking", waiting);
  if (waiting) document.querySelector("#matrix .tile.open")?.focus();
}
