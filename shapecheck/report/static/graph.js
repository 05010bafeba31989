// Drawing the graph, choosing and folding, searching.
"use strict";
const Graph = (() => {
  const canvas = document.getElementById("canvas");
  const details = document.getElementById("details");
  const { data, groups, open } = Layout;
  const MOST = 400; // boxes that dagre lays out while one waits
  const HEAD = 12; // room for a frame's name
  let drawn = null, active = null;

  function make(tag, attributes, parent, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  }

  function draw(keep) {
    drawn = Layout.compute();
    const svg = make("svg", { width: "100%", height: "100%", "aria-hidden": "false" });
    const head = make("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9,
      markerUnits: "userSpaceOnUse",
      orient: "auto" }, make("defs", {}, svg));
    make("path", { d: "M0 0L8 4L0 8z", class: "head" }, head);
    const view = make("g", { id: "viewport" }, svg);
    for (const frame of drawn.frames) drawFrame(frame, view);
    for (const edge of drawn.edges) drawEdge(edge, view);
    for (const box of drawn.boxes) drawBox(box, view);
    canvas.replaceChildren(svg);
    View.resize(drawn.width, drawn.height);
    if (keep) activate(keep, true); else View.fit(false);
  }

  function drawFrame(frame, view) {
    const g = make("g", { class: "frame", "data-group": frame.group }, view);
    const left = frame.x - frame.width / 2, top = frame.y - frame.height / 2 - HEAD;
    make("rect", { x: left, y: top, width: frame.width, height: frame.height + HEAD, rx: 8 }, g);
    make("text", { x: left + 8, y: top + 14 }, g, "▾ " + frame.label);
  }

  function drawEdge(edge, view) {
    const kind = "edge" + (edge.skip ? " skip" : "") + (edge.only ? " only" : "") + (edge.unknown ? " unknown" : "");
    const p = edge.points;
    let d = `M${p[0].x} ${p[0].y}`;
    for (let n = 1; n < p.length - 1; n++) {
      const next = p[n + 1], last = n === p.length - 2;
      d += `Q${p[n].x} ${p[n].y} ${last ? next.x : (p[n].x + next.x) / 2} ${last ? next.y : (p[n].y + next.y) / 2}`;
    }
    if (p.length === 2) d += `L${p[1].x} ${p[1].y}`;
    make("path", { d, class: kind, "marker-end": "url(#arrow)" }, view);
    make("rect", { x: edge.x - edge.width / 2, y: edge.y - 7, width: edge.width, height: 14, rx: 3, class: "plate" }, view);
    make("text", { x: edge.x, y: edge.y + 4, class: "size" }, view, edge.label);
  }

  function drawBox(box, view) {
    const kind = ["box", box.folded ? "folded" : "", box.merge ? "merge" : "", box.severity || "",
      box.node && box.node.o === "input" ? "input" : "", box.node && box.node.x.length ? "output" : ""].join(" ");
    const g = make("g", { class: kind, id: "box-" + box.id, "data-id": box.id, role: "img", "aria-label": spoken(box),
      transform: `translate(${box.x - box.width / 2} ${box.y - box.height / 2})` }, view);
    if (box.folded) make("rect", { x: 4, y: 4, width: box.width, height: box.height, rx: 6, class: "under" }, g);
    make("rect", { width: box.width, height: box.height, rx: box.node && box.node.o === "input" ? 20 : 6 }, g);
    make("text", { x: box.width / 2, y: 18, class: "name" }, g, box.text);
    make("text", { x: box.width / 2, y: 34, class: "op" }, g, box.under);
    make("title", {}, g, spoken(box));
  }

  function spoken(box) {
    const wrong = box.severity ? `, ${box.severity}` : "";
    if (box.folded) return `${groups[Number(box.id.slice(1))].name}, folded, ${box.under}${wrong}`;
    return `${box.node.n}, ${box.node.o}, ${box.node.s ? box.node.s.join(" × ") : "shape unknown"}${wrong}`;
  }

  const find = (id) => drawn.boxes.find((box) => box.id === id);

  function activate(id, centre) {
    const box = find(id);
    if (!box) return;
    active = id;
    canvas.querySelectorAll(".active").forEach((one) => one.classList.remove("active"));
    document.getElementById("box-" + id).classList.add("active");
    canvas.setAttribute("aria-activedescendant", "box-" + id);
    if (centre) View.show(box); else View.keepInView(box);
  }

  function toggle(group) {
    const wasOpen = open.has(group);
    if (wasOpen) open.delete(group); else open.add(group);
    if (wasOpen) return draw("g" + group);
    const inside = data.order.map(Layout.seen).find((id) => Layout.parentOf(id) === group);
    return draw(inside);
  }

  function choose(id) {
    if (id[0] === "g") return toggle(Number(id.slice(1)));
    activate(id);
    return describe(Number(id.slice(1)));
  }

  function describe(n) {
    const node = data.nodes[n];
    details.replaceChildren();
    const put = (tag, text, parent, kind) => {
      const element = document.createElement(tag);
      element.textContent = text;
      if (kind) element.className = kind;
      (parent || details).append(element);
      return element;
    };
    put("h3", node.n);
    if (node.t) put("p", "✗ " + node.t, details, "wrong");
    const list = put("dl", "");
    const inputs = node.i.map((i) => `${data.nodes[i].n} [${(data.nodes[i].s || ["unknown"]).join(", ")}]`);
    for (const [term, text] of [["Op", node.o], ["Reads", inputs.join("; ")], ["Output", node.s ? `[${node.s.join(", ")}]` : "unknown"],
      ["Parameters", node.p], ["Multiply-adds", node.m], ["Memory", node.b], ["Line", String(node.l)],
      ["Second witness", node.j]]) {
      if (text && text !== "0") { put("dt", term, list); put("dd", text, list); }
    }
    if (node.f === null) {
      if (node.w) put("p", `This page has no room for its picture: shapecheck figure FILE ${node.n}`, details, "hint");
      return;
    }
    put("pre", data.lines[node.f].join("\n"), details).tabIndex = 0;
    const svg = document.getElementById("figure-" + node.f).content.firstElementChild.cloneNode(true);
    const pause = put("button", "Pause");
    pause.type = "button";
    const holder = put("div", "", details, "picture");
    holder.append(svg);
    if (!svg.querySelector("animateTransform") || matchMedia("(prefers-reduced-motion: reduce)").matches) pause.remove();
    pause.addEventListener("click", () => {
      const paused = svg.animationsPaused();
      if (paused) svg.unpauseAnimations(); else svg.pauseAnimations();
      pause.textContent = paused ? "Pause" : "Play";
    });
  }

  function showLayer(n) {
    if (!canvas) return;
    Layout.reveal(n);
    draw("n" + n);
    describe(n);
  }

  function step(key) {
    if (!active) return activate(drawn.boxes[0].id);
    const here = find(active) || drawn.boxes[0];
    const near = drawn.edges.filter((edge) => (key === "ArrowDown" ? edge.from : edge.to) === here.id)
      .map((edge) => find(key === "ArrowDown" ? edge.to : edge.from));
    const [dx, dy] = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
    const ahead = (key === "ArrowDown" || key === "ArrowUp") && near.length ? near :
      drawn.boxes.filter((box) => (box.x - here.x) * dx + (box.y - here.y) * dy > 1);
    const cost = (box) => Math.hypot((box.x - here.x) * (dx ? 1 : 2), (box.y - here.y) * (dy ? 1 : 2));
    const best = ahead.reduce((a, b) => (a && cost(a) <= cost(b) ? a : b), null);
    return best ? activate(best.id) : undefined;
  }

  const PAN = { ArrowDown: [0, -60], ArrowUp: [0, 60], ArrowLeft: [60, 0], ArrowRight: [-60, 0] };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in PAN) { if (event.shiftKey) View.move(...PAN[event.key]); else step(event.key); }
    else if (event.key === "Enter" || event.key === " ") { if (active) choose(active); else step("ArrowDown"); }
    else if (event.key === "Backspace") { if (active && Layout.parentOf(active) > 0) toggle(Layout.parentOf(active)); }
    else if (event.key === "+" || event.key === "=") View.zoom(1.25);
    else if (event.key === "-") View.zoom(0.8);
    else if (event.key === "0") View.fit(true);
    else return;
    event.preventDefault();
  }

  function search(text, go) {
    const wanted = text.trim().toLowerCase();
    const hits = wanted ? data.order.filter((n) => (data.nodes[n].n + " " + data.nodes[n].o).toLowerCase().includes(wanted)) : [];
    document.getElementById("hits").textContent = wanted ? `${hits.length} found` : "";
    if (go && hits.length) {
      search.at = ((search.last === wanted ? search.at : -1) + 1) % hits.length;
      search.last = wanted;
      showLayer(hits[search.at]);
    }
    const ids = new Set(hits.map(Layout.seen));
    canvas.querySelectorAll(".box").forEach((box) => box.classList.toggle("hit", ids.has(box.dataset.id)));
  }

  function unfold() {
    let queue = [0], before = Layout.shown();
    while (queue.length) {
      const next = [];
      for (const g of queue) for (const child of Layout.children[g]) {
        if (!open.has(child)) { open.add(child); if (Layout.shown() > MOST) { open.delete(child); continue; } }
        next.push(child);
      }
      if (Layout.shown() > before) break;
      queue = next;
    }
    if (Layout.shown() > before) draw();
  }

  function start() {
    if (!canvas) return;
    draw();
    canvas.addEventListener("keydown", onKey);
    canvas.addEventListener("click", (event) => {
      const box = event.target.closest(".box"), frame = event.target.closest(".frame text");
      if (box) choose(box.dataset.id);
      else if (frame) toggle(Number(frame.parentNode.dataset.group));
    });
    const field = document.getElementById("search");
    field.addEventListener("input", () => search(field.value, false));
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") search(field.value, true); });
    document.getElementById("fold").addEventListener("click", () => { open.clear(); open.add(0); draw(); });
    document.getElementById("unfold").addEventListener("click", unfold);
  }
  return { start, showLayer };
})();
