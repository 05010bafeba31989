// The layer table: sorting and filtering.
"use strict";
const Table = (() => {
  const table = document.querySelector("table.layers");
  const MOST = 400;
  let everything = false;
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent;
    const numbers = text.match(/\d+/g);
    return cell.dataset.v !== undefined ? (numbers ? numbers.reduce((a, b) => a * Number(b), 1) : -1) : text.trim();
  };

  function sort(column) {
    const head = table.tHead.rows[0].cells[column];
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [value(row, column), Number(row.dataset.n), row]);
    const order = new Intl.Collator(undefined, { numeric: true });
    keyed.sort((a, b) => {
      const way = typeof a[0] === "number" && typeof b[0] === "number" ? a[0] - b[0] : order.compare(a[0], b[0]);
      return (down ? -way : way) || a[1] - b[1];
    });
    body.replaceChildren(...keyed.map(([, , row]) => row));
    limit();
  }

  // Rows beyond the first are laid out only when they are asked for.
  function limit() {
    let count = 0;
    for (const row of table.tBodies[0].rows) {
      if (!row.hidden) count += 1;
      row.classList.toggle("later", !everything && count > MOST);
    }
    return count;
  }

  function filter() {
    const text = document.getElementById("filter").value.trim().toLowerCase();
    const op = document.getElementById("op").value;
    const wrong = document.getElementById("wrong").checked;
    for (const row of table.tBodies[0].rows) {
      const cells = row.cells;
      const words = [1, 2, 3, 4].map((n) => cells[n].textContent).join(" ").toLowerCase();
      const kept = words.includes(text) && (!op || cells[2].textContent === op) && (!wrong || row.dataset.wrong !== undefined);
      row.hidden = !kept;
    }
    const count = limit();
    document.getElementById("shown").textContent = `${count} of ${table.tBodies[0].rows.length} shown`;
  }

  function start() {
    if (!table) return;
    table.tHead.querySelectorAll("th").forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => sort(column));
    });
    for (const id of ["filter", "op", "wrong"]) document.getElementById(id).addEventListener("input", filter);
    const all = document.getElementById("all");
    if (all) all.addEventListener("click", () => { everything = true; limit(); all.remove(); });
    table.tBodies[0].addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      Graph.showLayer(Number(link.closest("tr").dataset.n));
    });
  }
  return { start };
})();
