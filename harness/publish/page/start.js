/* Choosing a workload, the page's address, and the beginning. */

/** What fits across a sheet of A4, in CSS pixels. */
const PAPER = 660;

function drawWorkloads() {
  const tabs = DATA.workloads.map((one, place) => html("button", {
    type: "button", "aria-current": place === view.workload ? "true" : false,
    click: () => choose(place),
  }, one.name, html("small", {}, counted(one.cells.id.length, "cell"))));
  place("workloads", tabs);
}

function choose(chosen) {
  closeDetails();
  view.workload = chosen;
  view.baseline = 0;
  distancesReady();
  clearFilters();
  keepFirstMatrix();
  arrange();
  view.over = widestAxis();
  drawWorkloads();
  drawControls();
  drawMatrix();
  showTables();
  later(() => { drawDistances(); drawLosses(); });
  setAddress();
}

/** Cells of two matrices rarely make one grid: begin with the first. The line above it says so. */
function keepFirstMatrix() {
  const place = workload().axes.findIndex((axis) => axis.name === "matrix");
  if (place >= 0) view.keep.axes[place].add(cells().codes[place][0]);
}

function widestAxis() {
  const chosen = shownCells();
  const sizes = workload().axes.map((_, place) => new Set(chosen.map((cell) => cells().codes[place][cell])).size);
  return sizes.length ? sizes.indexOf(Math.max(...sizes)) : "";
}

/** After the matrix is on the screen. */
function later(work) { requestAnimationFrame(() => setTimeout(work)); }

function showTables() {
  for (const section of document.querySelectorAll("section.classes")) {
    section.classList.toggle("other", section.dataset.workload !== workload().name);
  }
}

function setAddress() {
  const parts = new URLSearchParams({ workload: workload().name });
  if (view.cell !== null) parts.set("cell", cells().id[view.cell]);
  replaceAddress(`#${parts}`);
}

function replaceAddress(address) {
  try { window.history.replaceState(null, "", address); } catch { /* Some browsers refuse it for files. */ }
}

function begin() {
  const asked = askedFor();
  const found = DATA.workloads.findIndex((one) => one.name === asked.get("workload"));
  choose(Math.max(0, found));
  openAsked(asked);
}

function askedFor() { return new URLSearchParams(window.location.hash.slice(1)); }

/** Open the cell that an address names; of several machines, on the one that it names. */
function openAsked(asked, focus = false) {
  const machines = cells().machine;
  const cell = cells().id.findIndex((id, place) => id === asked.get("cell")
    && (!asked.has("machine") || !machines.length || machines[place] === asked.get("machine")));
  if (cell >= 0) openDetails(cell, focus);
}

/** A link to a cell of this page was followed. */
window.addEventListener("hashchange", () => {
  const asked = askedFor();
  const found = DATA.workloads.findIndex((one) => one.name === asked.get("workload"));
  if (found < 0) return;
  if (found !== view.workload) choose(found);
  openAsked(asked, true);
});

document.addEventListener("keydown", (event) => { if (event.key === "Escape") { hideHint(); closeDetails(); } });
window.addEventListener("scroll", hideHint, { passive: true });
NARROW.addEventListener("change", () => choose(view.workload));
/** Paper does not scroll: a matrix that is wider becomes smaller. */
window.addEventListener("beforeprint", () => {
  fillAll();
  const table = document.querySelector("#matrix .grid");
  if (table) table.style.zoom = Math.min(1, PAPER / table.scrollWidth);
});
window.addEventListener("afterprint", () => document.querySelector("#matrix .grid")?.style.removeProperty("zoom"));
let resized = 0;
window.addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => { drawDistances(); drawLosses(); }, 150);
});
if (DATA.workloads.length) begin();
