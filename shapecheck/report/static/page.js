// What remains: the theme, and findings that lead to the graph.
"use strict";
Graph.start();
Table.start();
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
document.querySelectorAll("button.show").forEach((button) => button.addEventListener("click", () => {
  const n = Layout.data.nodes.findIndex((node) => node.n === button.dataset.layer);
  if (n < 0) return;
  Graph.showLayer(n);
  document.getElementById("graph").scrollIntoView();
  document.getElementById("canvas").focus({ preventScroll: true });
}));
document.documentElement.dataset.ready = "true";
