/* Choosing a workload, drawing all of it, and the beginning. */

/** What fits across a sheet of A4, in CSS pixels. */
const PAPER = 660;

function drawWorkloads() {
  place("workloads", DATA.workloads.map((one, place) => html("button", {
    type: "button", "aria-current": place === view.workload ? "true" : false,
    click: () => openWorkload(place),
  }, one.name)));
}

/** Go to a workload, as it was left. How its cells are coloured stays as it is. */
function openWorkload(place) {
  const { colour, measure } = view;
  if (views[place]) view = views[place];
  else readAddress(`#workload=${coded(DATA.workloads[place].name)}`);
  Object.assign(view, { colour, measure });
  drawAll();
  showDetails();
  remember();
}

function drawAll() {
  distancesReady();
  drawWorkloads();
  drawControls();
  drawMatrix();
  showTables();
  later(() => { drawDistances(); drawLosses(); });
}

/** After the matrix is on the screen. */
function later(work) { requestAnimationFrame(() => setTimeout(work)); }

/** Of what the page says of every workload and matrix, show what belongs to those on the screen. */
function showTables() {
  const matrix = shownMatrix();
  for (const each of document.querySelectorAll("main [data-workload]")) {
    const own = each.dataset.workload === workload().name;
    each.classList.toggle("other", !own || (matrix !== null && "matrix" in each.dataset && each.dataset.matrix !== matrix));
  }
  for (const article of document.querySelectorAll(".findings article")) showFindings(article, matrix);
  drawTables();
}

/** Every workload says its finding, of the matrix that is shown if it has that one. */
function showFindings(article, matrix) {
  const present = DATA.workloads.find((each) => each.name === article.dataset.of);
  const shown = present.cells.matrix.texts.includes(matrix) ? matrix : present.matrix;
  article.classList.toggle("current", present === workload());
  for (const part of article.querySelectorAll("[data-matrix]")) {
    part.classList.toggle("other", !(matrix === null && present === workload()) && part.dataset.matrix !== shown);
  }
}

/** Show what the address says; draw again only what it changes. */
function followAddress(focus = false) {
  const before = view?.workload;
  readAddress(window.location.hash);
  const asked = addressOf(false);
  if (asked !== drawn || before !== view.workload) drawAll();
  drawn = asked;
  showDetails(focus);
}

window.addEventListener("hashchange", () => {
  if (addressOf() === window.location.hash) return;
  lastKind = "";
  followAddress(document.activeElement?.matches("main a[href^='#']"));
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("figures").focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  hideHint();
  if (view.picking) pickSecond(false);
  else closeDetails();
});
window.addEventListener("scroll", hideHint, { passive: true });
/** Turning a telephone arranges anew what the reader has not arranged, and keeps the rest. */
NARROW.addEventListener("change", () => {
  if (!view.arranged) arrange();
  drawControls();
  drawMatrix();
});
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
  resized = setTimeout(makeRoom, 150);
});
if (DATA.workloads.length) followAddress();
