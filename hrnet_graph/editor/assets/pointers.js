/**
 * Mouse, pen and fingers in the figure, and on the line between the panes.
 */

function takePointers() {
  const pane = $("figure");
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let moved = 0;
  pane.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pointers.size === 1) moved = 0;
  });
  pane.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    const dx = event.clientX - last.x, dy = event.clientY - last.y;
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved > 4 && !pane.hasPointerCapture(event.pointerId)) pane.setPointerCapture(event.pointerId);
    if (other) pinch(pane, other, last, event);
    else if (moved > 4) pan(dx, dy);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  for (const end of ["pointerup", "pointercancel"]) pane.addEventListener(end, (/** @type {PointerEvent} */ event) => pointers.delete(event.pointerId));
  pane.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (moved <= 4) choosePart(/** @type {Element} */ (event.target).closest(".part")?.getAttribute("data-path") || "", true);
  });
  pane.addEventListener("dblclick", (/** @type {MouseEvent} */ event) => {
    const path = /** @type {Element} */ (event.target).closest(".part")?.getAttribute("data-path");
    if (path && parts[path]?.opens) toggleOpen(path);
  });
  pane.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const box = pane.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 16 : 1) * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
}

function pinch(/** @type {any} */ pane, /** @type {{x: number, y: number}} */ still, /** @type {{x: number, y: number}} */ last, /** @type {PointerEvent} */ event) {
  const box = pane.getBoundingClientRect();
  const before = Math.hypot(last.x - still.x, last.y - still.y);
  const after = Math.hypot(event.clientX - still.x, event.clientY - still.y);
  if (before) zoom(after / before, still.x - box.left, still.y - box.top);
}

/** The line between the panes, moved with the pointer or with arrows. */
function takeSplit() {
  const split = $("split");
  const kept = Number(recall("share"));
  let share = kept || 38;
  const set = (/** @type {number} */ value) => {
    share = Math.min(70, Math.max(20, value));
    document.documentElement.style.setProperty("--share", `${share}%`);
    split.setAttribute("aria-valuenow", String(Math.round(share)));
    remember("share", String(share));
  };
  if (kept) set(kept);
  split.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => split.setPointerCapture(event.pointerId));
  split.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (split.hasPointerCapture(event.pointerId)) set((100 * event.clientX) / innerWidth);
  });
  split.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = /** @type {Record<string, number>} */ ({ ArrowLeft: -2, ArrowRight: 2 })[event.key];
    if (step) set(share + step);
  });
}
