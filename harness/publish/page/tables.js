/* Tables that sort and search: those marked `sortable`. Their rows are in the page; none is made here. */

/** What a cell of a table is sorted by: in a column of numbers its number, else its text. */
function sortKey(row, column) {
  const cell = row.cells[column];
  const text = cell.textContent.trim();
  const value = parseFloat(text.replace(/,/g, "").replace("−", "-"));
  return cell.classList.contains("number") && Number.isFinite(value) ? value : text;
}

function compareKeys(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  const plainly = a < b ? -1 : Number(a > b);
  const both = (form) => form.test(a) && form.test(b);
  // Classes by their length first: Z stands before AA. Digests are no numbers, whatever they look like.
  if (both(/^[A-Z]+$/)) return a.length - b.length || plainly;
  return both(/^[0-9a-f]{8,}$/) ? plainly : a.localeCompare(b, "en", { numeric: true });
}

/** The rows of each table as the page brought them. */
const asGiven = new Map();

function headsOf(table) { return [...table.tHead.rows[0].cells]; }

/** Sort and search the tables of the workload as the view says. */
function drawTables() {
  for (const table of asGiven.keys()) {
    if (table.closest("[data-workload]").dataset.workload !== workload().name) continue;
    sortTable(table);
    searchTable(table);
  }
}

function sortTable(table) {
  const down = view.sort.startsWith("-");
  const column = headsOf(table).findIndex((head) => head.textContent === view.sort.replace(/^-/, ""));
  headsOf(table).forEach((head) => head.removeAttribute("aria-sort"));
  const rows = asGiven.get(table);
  if (column < 0) return table.tBodies[0].append(...rows);
  headsOf(table)[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const keyed = rows.map((row) => ({ row, key: sortKey(row, column) }));
  keyed.sort((a, b) => (down ? -1 : 1) * compareKeys(a.key, b.key));
  table.tBodies[0].append(...keyed.map(({ row }) => row));
}

/** Leave the rows that have all words. */
function searchTable(table) {
  const [search, count] = table.closest(".scroll").previousElementSibling.children;
  const words = view.find.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = asGiven.get(table);
  for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
  if (search.value !== view.find) search.value = view.find;
  count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${counted(rows.length, "row")}` : "";
}

function makeSortable(table) {
  for (const head of headsOf(table)) {
    const name = head.textContent;
    head.replaceChildren(html("button", { type: "button", class: "sort", click: () => {
      view.sort = view.sort === name ? `-${name}` : name;
      drawTables();
      remember();
    } }, name));
  }
}

function makeSearchable(table) {
  const search = html("input", { type: "search", placeholder: "search this table…", "aria-label": `Search ${table.closest("[aria-label]").getAttribute("aria-label")}`, input: () => {
    view.find = search.value;
    drawTables();
    remember("find");
  } });
  table.closest(".scroll").before(html("div", { class: "row controls" }, search, html("span", { class: "fine", role: "status" })));
}

for (const table of document.querySelectorAll("table.sortable")) {
  asGiven.set(table, [...table.tBodies[0].rows]);
  makeSortable(table);
  makeSearchable(table);
}
