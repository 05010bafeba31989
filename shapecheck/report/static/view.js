// Moving and zooming: mouse, wheel, fingers, keys.
"use strict";
const View = (() => {
  const canvas = document.getElementById("canvas");
  let x = 0, y = 0, k = 1, size = { width: 1, height: 1 };
  const apply = () => {
    const view = document.getElementById("viewport");
    if (view) view.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
  };
  function zoom(factor, cx, cy) {
    const next = Math.min(3, Math.max(0.02, k * factor));
    const px = cx === undefined ? canvas.clientWidth / 2 : cx, py = cy === undefined ? canvas.clientHeight / 2 : cy;
    x = px - (px - x) * next / k; y = py - (py - y) * next / k; k = next; apply();
  }
  function fit(whole) {
    const room = Math.min(canvas.clientWidth / (size.width + 20), canvas.clientHeight / (size.height + 20));
    // At first a tall network is shown from its top at a size that can be read.
    k = whole ? Math.min(1.2, room) : Math.min(1, Math.max(room, Math.min(0.8, canvas.clientWidth / (size.width + 20))));
    x = (canvas.clientWidth - size.width * k) / 2;
    y = size.height * k < canvas.clientHeight ? (canvas.clientHeight - size.height * k) / 2 : 6;
    apply();
  }
  const move = (dx, dy) => { x += dx; y += dy; apply(); };
  function show(box) {
    if (k < 0.45) k = 0.8;
    x = canvas.clientWidth / 2 - box.x * k; y = canvas.clientHeight / 2 - box.y * k; apply();
  }
  function keepInView(box) {
    const left = box.x * k + x, top = box.y * k + y, edge = 60;
    if (left < edge || top < edge || left > canvas.clientWidth - edge || top > canvas.clientHeight - edge) show(box);
  }
  const resize = (width, height) => { size = { width, height }; };

  if (canvas) {
    const fingers = new Map();
    let moved = 0;
    const local = (event) => {
      const frame = canvas.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };
    canvas.addEventListener("pointerdown", (event) => { fingers.set(event.pointerId, local(event)); moved = 0; });
    canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const now = local(event);
      const others = [...fingers.entries()].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (moved > 4 && !canvas.hasPointerCapture(event.pointerId)) canvas.setPointerCapture(event.pointerId);
      if (others.length) {
        const [other] = others;
        const ratio = Math.hypot(now[0] - other[0], now[1] - other[1]) /
          Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1]));
        zoom(ratio, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
        move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
      } else if (moved > 4) move(now[0] - before[0], now[1] - before[1]);
      fingers.set(event.pointerId, now);
    });
    const lift = (event) => fingers.delete(event.pointerId);
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
    canvas.addEventListener("pointerleave", (event) => { if (!canvas.hasPointerCapture(event.pointerId)) lift(event); });
    canvas.addEventListener("click", (event) => { if (moved > 4) { event.stopPropagation(); moved = 0; } }, true);
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...local(event));
    }, { passive: false });
    document.getElementById("in").addEventListener("click", () => zoom(1.25));
    document.getElementById("out").addEventListener("click", () => zoom(0.8));
    document.getElementById("fit").addEventListener("click", () => fit(true));
  }
  return { zoom, fit, move, show, keepInView, resize };
})();
