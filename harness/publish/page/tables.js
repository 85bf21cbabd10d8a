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

function sortBy(table, column) {
  const head = table.tHead.rows[0].cells[column];
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: sortKey(row, column) }));
  rows.sort((a, b) => (down ? -1 : 1) * compareKeys(a.key, b.key));
  table.tBodies[0].append(...rows.map(({ row }) => row));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = html("button", { type: "button", class: "sort", click: () => sortBy(table, column) }, head.textContent);
    head.replaceChildren(button);
  });
}

/** A search above a table, which leaves the rows that have all words. */
function makeSearchable(table) {
  const count = html("span", { class: "fine", role: "status" });
  const search = html("input", { type: "search", placeholder: "search this table…", "aria-label": `Search ${table.closest("[aria-label]").getAttribute("aria-label")}`, input: () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${counted(rows.length, "row")}` : "";
  } });
  table.closest(".scroll").before(html("div", { class: "row controls" }, search, count));
}

for (const table of document.querySelectorAll("table.sortable")) {
  makeSortable(table);
  makeSearchable(table);
}
