/**
 * The figure: zoom, moving, choosing parts. It is SVG from our own drawing, parsed and looked through.
 */

const ALLOWED = new Set(["svg", "g", "title", "polygon", "polyline", "path", "a", "defs", "use", "text"]);
const HARMLESS = new Set(["id", "class", "viewbox", "width", "height", "transform", "x", "y", "d", "points", "fill", "stroke", "stroke-width",
  "stroke-dasharray", "pointer-events", "font-family", "font-size", "font-weight", "textlength", "lengthadjust", "xmlns", "xmlns:xlink", "xlink:title"]);

const view = { x: 0, y: 0, scale: 1, fits: true, w: 1, h: 1 };
const look = /** @type {{view: string, only: string, expand: string[], colour: string, fold: boolean}} */ ({ view: "figure", only: "", expand: [], colour: "resolution", fold: true });
/** @type {SVGSVGElement | null} */
let drawn = null;
/** @type {Record<string, any>} */
let parts = {};
let chosen = "";
let query = "";

/** An SVG text as an element; null if it is not what our drawing writes. */
function parseSvg(/** @type {string} */ text) {
  const root = /** @type {any} */ (new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
  const isOurs = (/** @type {Attr} */ { name, value }) => HARMLESS.has(name.toLowerCase()) || (name === "xlink:href" && value.startsWith("#"));
  for (const element of [root, ...root.querySelectorAll("*")]) {
    if (element.namespaceURI !== SVG || !ALLOWED.has(element.localName) || ![...element.attributes].every(isOurs)) return null;
  }
  for (const part of root.querySelectorAll(".part")) nameBox(part);
  for (const edge of root.querySelectorAll(".edge")) {
    [edge.dataset.source, edge.dataset.target] = edge.querySelector("title").textContent.split("->");
    edge.querySelector("title").remove();
  }
  return document.adoptNode(root);
}

/** Makes a box one that can be chosen, and says what it is. */
function nameBox(/** @type {any} */ part) {
  const title = part.querySelector("title"), link = part.querySelector("a");
  part.dataset.path = title.textContent;
  title.textContent = link.getAttribute("xlink:title");
  part.setAttribute("role", "button");
  part.setAttribute("aria-label", title.textContent);
}

/** Shows what was drawn; where nothing was, what was there stays, in grey. */
function showFigure(/** @type {any} */ reply) {
  const svg = reply.figure ? parseSvg(reply.figure) : null;
  const pane = $("figure");
  if (svg) {
    parts = reply.parts;
    [look.only, look.expand] = [reply.only || "", reply.expand || []];
    const [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number);
    Object.assign(view, { w, h });
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    const hadFocus = pane.contains(document.activeElement) && document.activeElement !== pane;
    pane.replaceChildren(svg);
    drawn = svg;
    for (const path of reply.end || []) boxOf(path)?.classList.add("end");
    if (view.fits) fit();
    else applyView();
    markFound();
    choosePart(parts[chosen] ? chosen : "", hadFocus);
  }
  pane.classList.toggle("stale", !svg && Boolean(drawn));
  pane.classList.toggle("empty", !drawn);
  const note = svg ? stopNote(reply) : reply.note || (drawn ? "As it was before; the text makes no network now." : "");
  $("figure-note").textContent = note;
  $("figure-note").hidden = !note;
}

function stopNote(/** @type {any} */ reply) {
  return reply.stopped ? `Drawn up to ${reply.stopped.replaceAll("@", "")}, which does not fit.` : "";
}

const boxOf = (/** @type {string} */ path) => /** @type {SVGGraphicsElement | null} */ ($("figure").querySelector(`.part[data-path="${CSS.escape(path)}"]`));

/** Puts the figure where the view says. */
function applyView() {
  if (!drawn) return;
  const { clientWidth: w, clientHeight: h } = $("figure");
  drawn.setAttribute("viewBox", `${view.x} ${view.y} ${w / view.scale} ${h / view.scale}`);
}

/** Shows everything; where that would be too small, and nobody asked for it, the beginning. */
function fit(isAsked = false) {
  const { clientWidth: w, clientHeight: h } = $("figure");
  const high = (h - 16) / view.h;
  view.scale = Math.min((w - 16) / view.w, high, 2.2);
  if (!isAsked) view.scale = Math.max(view.scale, Math.min(high, w < 600 ? 0.6 : 0.5));
  view.x = view.scale * view.w > w ? -8 / view.scale : -(w / view.scale - view.w) / 2;
  view.y = -(h / view.scale - view.h) / 2;
  view.fits = true;
  applyView();
}

function zoom(/** @type {number} */ factor, x = $("figure").clientWidth / 2, y = $("figure").clientHeight / 2) {
  const scale = Math.min(8, Math.max(0.05, view.scale * factor));
  view.x += x / view.scale - x / scale;
  view.y += y / view.scale - y / scale;
  view.scale = scale;
  view.fits = false;
  applyView();
}

function pan(/** @type {number} */ dx, /** @type {number} */ dy) {
  view.x -= dx / view.scale;
  view.y -= dy / view.scale;
  view.fits = false;
  applyView();
}

/** Where a box is in the figure. */
function placeOfBox(/** @type {Element} */ box) {
  const { x, y, width: w, height: h } = /** @type {SVGGraphicsElement} */ (box).getBBox();
  return { x, y: y + view.h, w, h };
}

/** Moves as little as brings a box into view, and near enough to be read. */
function showBox(/** @type {Element} */ box) {
  const { x, y, w, h } = placeOfBox(box);
  const { clientWidth, clientHeight } = $("figure");
  const wide = clientWidth / view.scale, high = clientHeight / view.scale, edge = 20 / view.scale;
  const nudge = (/** @type {number} */ at, /** @type {number} */ size, /** @type {number} */ from, /** @type {number} */ room) =>
    at < from + edge ? at - edge - from : at + size > from + room - edge ? at + size + edge - from - room : 0;
  const [dx, dy] = [nudge(x, w, view.x, wide), nudge(y, h, view.y, high)];
  if (!dx && !dy) return;
  view.x += dx;
  view.y += dy;
  view.fits = false;
  applyView();
}

/** Chooses a part, or none: marks it and its tensors, and tells its facts. */
function choosePart(/** @type {string} */ path, takesFocus = false) {
  chosen = path;
  const pane = $("figure");
  for (const old of pane.querySelectorAll(".chosen, .lit")) old.classList.remove("chosen", "lit");
  const boxes = [...pane.querySelectorAll(".part")];
  const box = path ? boxOf(path) : null;
  for (const each of boxes) each.setAttribute("tabindex", each === (box || boxes[0]) ? "0" : "-1");
  if (box) {
    box.classList.add("chosen");
    for (const edge of pane.querySelectorAll(`[data-source="${CSS.escape(path)}"], [data-target="${CSS.escape(path)}"]`)) edge.classList.add("lit");
    if (takesFocus) /** @type {any} */ (box).focus({ preventScroll: true });
  }
  showFacts(path);
}

/** The box nearest to another one in one direction: far aside counts for more than far ahead. */
function neighbour(/** @type {Element} */ box, /** @type {number} */ dx, /** @type {number} */ dy) {
  const from = placeOfBox(box);
  let best = null, least = Infinity;
  for (const other of $("figure").querySelectorAll(".part")) {
    const to = placeOfBox(other);
    const across = to.x + to.w / 2 - from.x - from.w / 2, down = to.y + to.h / 2 - from.y - from.h / 2;
    const ahead = dx ? dx * across : dy * down;
    const away = ahead + 3 * Math.abs(dx ? down : across);
    if (other !== box && ahead > 1 && away < least) [best, least] = [other, away];
  }
  return best;
}

function onFigureKey(/** @type {KeyboardEvent} */ event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] })[event.key];
  const box = /** @type {Element} */ (event.target).closest(".part");
  if (step && event.shiftKey) pan(-60 * step[0], -60 * step[1]);
  else if (step) walk(box, step);
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") fit(true);
  else if (event.key === "Enter" || event.key === " ") choosePart(box?.getAttribute("data-path") || chosen, true);
  else if (event.key.toLowerCase() === "o" && chosen) toggleOpen(chosen);
  else if (event.key === "Escape") choosePart("");
  else return;
  event.preventDefault();
}

function walk(/** @type {Element | null} */ box, /** @type {[number, number]} */ [dx, dy]) {
  const next = box ? neighbour(box, dx, dy) : $("figure").querySelector(".part");
  if (!next) return;
  showBox(next);
  choosePart(next.getAttribute("data-path") || "", true);
}

/** Marks the parts whose name has what is searched for; Enter goes from one to the next. */
function markFound() {
  const low = query.trim().toLowerCase();
  for (const box of $("figure").querySelectorAll(".part")) {
    const said = `${parts[box.getAttribute("data-path") || ""]?.name || ""} ${box.getAttribute("aria-label") || ""}`;
    box.classList.toggle("found", Boolean(low) && low.split(/\s+/).every((word) => said.toLowerCase().includes(word)));
  }
  const count = $("figure").querySelectorAll(".found").length;
  $("search").title = low ? `${count} found` : "";
  return count;
}

function onSearchKey(/** @type {KeyboardEvent} */ event) {
  if (event.key === "Escape") {
    $("search").value = query = "";
    markFound();
    $("figure").focus();
  } else if (event.key === "Enter") {
    const found = [...$("figure").querySelectorAll(".found")];
    const at = found.findIndex((box) => box.getAttribute("data-path") === chosen);
    const next = found[(at + (event.shiftKey ? -1 : 1) + found.length) % found.length];
    if (!next) return note(`Nothing is called ${query}.`);
    if (view.scale < 0.9) zoom(0.9 / view.scale);
    showBox(next);
    choosePart(next.getAttribute("data-path") || "");
  } else return;
  event.preventDefault();
}
