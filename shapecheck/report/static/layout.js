// What is to be seen of the network, given which blocks are open, and where dagre puts it.
"use strict";
const Layout = (() => {
  const element = document.getElementById("data");
  const data = element ? JSON.parse(element.textContent) : { nodes: [], groups: [], order: [], lines: [] };
  const groups = [{ label: "", parent: -1, open: true }, ...data.groups];
  const open = new Set([0]);
  groups.forEach((group, n) => { if (group.open) open.add(n); });
  const children = groups.map(() => []);
  const counts = groups.map(() => 0);
  groups.forEach((group, n) => { if (n) children[group.parent].push(n); });
  data.nodes.forEach((node) => { for (let g = node.g; g >= 0; g = groups[g].parent) counts[g] += 1; });
  const worst = groups.map(() => null);
  const rank = { error: 3, warning: 2, note: 1 };
  data.nodes.forEach((node) => {
    for (let g = node.g; node.v && g > 0; g = groups[g].parent) {
      if ((rank[node.v] || 0) > (rank[worst[g]] || 0)) worst[g] = node.v;
    }
  });

  const sizes = (shape) => (shape ? (shape.length > 1 ? shape.slice(1) : shape).join("×") : "?");

  // The outermost closed group that a node is in, or the node itself.
  function seen(n) {
    let shown = "n" + n;
    for (let g = data.nodes[n].g; g > 0; g = groups[g].parent) if (!open.has(g)) shown = "g" + g;
    return shown;
  }

  const width = (text, size) => text.length * size * 0.6;

  function box(id) {
    const n = Number(id.slice(1));
    if (id[0] === "g") {
      const group = groups[n];
      const text = "▸ " + clip(group.label), under = counts[n] + " layers";
      return { id, text, under, folded: true, severity: worst[n],
        width: Math.max(width(text, 13), width(under, 11)) + 30, height: 46 };
    }
    const node = data.nodes[n];
    const text = (node.v ? { error: "✗ ", warning: "! ", note: "i " }[node.v] : "") +
      (node.i.length > 1 ? "◆ " : "") + clip(node.n.split(".").pop());
    const under = node.o + (node.x.length ? " → " + clip(node.x.join(", ")) : "");
    return { id, text, under, node, merge: node.i.length > 1, severity: node.v,
      width: Math.max(width(text, 13), width(under, 11)) + 22, height: 42 };
  }

  const clip = (text) => (text.length > 28 ? text.slice(0, 27) + "…" : text);

  function compute() {
    const graph = new dagre.graphlib.Graph({ compound: true });
    graph.setGraph({ rankdir: "TB", nodesep: 26, ranksep: 34, edgesep: 14, marginx: 10, marginy: 10 });
    const at = data.nodes.map((_, n) => seen(n));
    const boxes = new Map(), edges = new Map(), clusters = new Set();
    for (const n of data.order) {
      const id = at[n];
      if (boxes.has(id)) continue;
      const shown = box(id);
      boxes.set(id, shown);
      graph.setNode(id, shown);
      let g = id[0] === "g" ? groups[Number(id.slice(1))].parent : data.nodes[n].g;
      for (let child = id; g > 0; g = groups[g].parent) {
        const parent = "c" + g;
        if (!clusters.has(g)) { clusters.add(g); graph.setNode(parent, { id: parent, cluster: g }); }
        graph.setParent(child, parent);
        child = parent;
      }
    }
    for (const n of data.order) {
      const node = data.nodes[n];
      const both = [...node.i.map((i) => [i, false]), ...node.r.map((i) => [i, true])];
      for (const [i, only] of both) {
        if (at[i] === at[n]) continue;
        const key = at[i] + ">" + at[n], label = sizes(data.nodes[i].s);
        if (edges.has(key)) { const edge = edges.get(key); edge.only = edge.only && only; continue; }
        const edge = { from: at[i], to: at[n], label, only, unknown: !data.nodes[i].s,
          width: width(label, 11) + 4, height: 14, labelpos: "c" };
        edges.set(key, edge);
        graph.setEdge(at[i], at[n], edge);
      }
    }
    dagre.layout(graph);
    for (const edge of edges.values()) edge.skip = !edge.only && merges(edge.to, edges) && spans(edge, boxes);
    const frames = [...clusters].map((g) => ({ ...graph.node("c" + g), group: g, label: groups[g].label }));
    frames.sort((a, b) => b.width * b.height - a.width * a.height);
    const { width: w, height: h } = graph.graph();
    return { boxes: [...boxes.values()], edges: [...edges.values()], frames, width: w, height: h };
  }

  const merges = (id, edges) => [...edges.values()].filter((edge) => edge.to === id && !edge.only).length > 1;

  // An edge is a skip where something else stands between its ends.
  const spans = (edge, boxes) => Math.abs(boxes.get(edge.to).y - boxes.get(edge.from).y) > 150;

  const parentOf = (id) => (id[0] === "g" ? groups[Number(id.slice(1))].parent : data.nodes[Number(id.slice(1))].g);

  // How many boxes there would be if a group were opened as well.
  function shown() {
    let total = 0;
    const nodesIn = groups.map(() => 0);
    data.nodes.forEach((node) => { nodesIn[node.g] += 1; });
    const visit = (g) => {
      total += nodesIn[g];
      for (const child of children[g]) if (open.has(child)) visit(child); else total += 1;
    };
    visit(0);
    return total;
  }

  function reveal(n) {
    for (let g = data.nodes[n].g; g > 0; g = groups[g].parent) open.add(g);
  }

  return { data, groups, children, open, compute, parentOf, reveal, shown, seen, sizes };
})();
