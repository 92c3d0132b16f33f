/**
 * The viewer: what is open, where one looks, and what keys and clicks do about it.
 */

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const network = readNetwork(JSON.parse($("network").textContent));
const graph = $("graph");
const plane = graph.appendChild(svg("g"));
const labels = graph.appendChild(svg("g", { class: "rows", "aria-hidden": "true" }));

const view = { scale: 1, x: 0, y: 0 };
/** @type {Set<Part>} */
let opened = new Set();
/** @type {Scene} */
let scene;
/** @type {Drawing} */
let drawing = { elements: new Map(), captions: [] };
/** @type {Area} */
let drawn = { left: 0, right: 0, top: 0, bottom: 0 };
let isOnPaper = false;
/** Whether focus returns to where it was, and nothing has to come into view. */
let isRedrawing = false;
/** @type {Part | null} */
let chosen = null;

const size = () => ({ w: graph.clientWidth || 1, h: graph.clientHeight || 1 });

/** The parts that are open at a level: those that are one box at fewer levels. */
function openAt(/** @type {number} */ level) {
  return new Set([...network.parts.values()].filter((part) => part.opens && part.opens <= level));
}

/** The level whose parts are open; -1 if it is none. */
function currentLevel() {
  return network.levels.findIndex((_, level) => {
    const set = openAt(level);
    return set.size === opened.size && [...set].every((part) => opened.has(part));
  });
}

/** Lays out anew what is open, and keeps `anchor` where it is on the screen. */
function show(/** @type {Part | null} */ anchor = null) {
  const before = anchor && scene && scene.places.at.get(anchor);
  const places = layout(network, opened);
  scene = { network, places, edges: route(network, places), colour: $("colour").value, most: 0, focused: null };
  setColour();
  const after = anchor && places.at.get(anchor);
  if (before && after) {
    view.x += (before.x - after.x) * view.scale;
    view.y += (before.y - after.y) * view.scale;
  }
  redraw();
  const level = currentLevel();
  for (const button of $("depth").children) button.setAttribute("aria-pressed", String(Number(button.value) === level));
  graph.setAttribute("aria-label", `Graph of ${network.name.slice(0, 200)}, ${places.boxes.length} boxes`);
  remember(level);
}

function setColour() {
  const { colour, places } = scene;
  scene.most = Math.max(0, ...(COSTS.includes(colour) ? places.boxes.map((box) => /** @type {any} */ (box.part)[colour]) : []));
  drawLegend();
}

/** Draws what is in view and somewhat more, so that small moves need no drawing. */
function redraw() {
  const { w, h } = size();
  const left = -view.x / view.scale, top = -view.y / view.scale;
  const width = w / view.scale, height = h / view.scale;
  drawn = { left: left - width / 2, right: left + 1.5 * width, top: top - height / 2, bottom: top + 1.5 * height };
  const focused = focusedPart();
  scene.focused = focused;
  isRedrawing = true;
  drawing = draw(plane, scene, drawn);
  if (focused) focus(focused);
  isRedrawing = false;
  move();
}

/** Puts the drawing where the view says; draws again once the view leaves what is drawn. */
function move() {
  if (isOnPaper) return;
  const { w, h } = size();
  plane.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  const left = -view.x / view.scale, top = -view.y / view.scale;
  const { scale } = view;
  if (left < drawn.left || top < drawn.top || left + w / scale > drawn.right || top + h / scale > drawn.bottom ||
    drawn.right - drawn.left > (5 * w) / scale) redraw();
  else drawSticky();
}

/** What stays at the left edge whatever is in view: the titles of frames, the names of rows. */
function drawSticky() {
  const edge = (margin() - view.x) / view.scale;
  for (const { frame, element, w } of drawing.captions) {
    const aside = Math.min(Math.max(0, edge - frame.x), Math.max(0, frame.w - w));
    element.setAttribute("transform", `translate(${aside} 0)`);
  }
  drawRowLabels();
}

function drawRowLabels() {
  const { h } = size();
  const strip = svg("rect", { class: "strip", width: margin() - 4, height: h });
  labels.replaceChildren(strip, ...scene.places.rows.flatMap((row, i) => {
    const y = Math.max(row.from * view.scale + view.y, 0) + 14;
    const room = row.to * view.scale + view.y - y;
    if (y > h || room < 0) return [];
    const rowSize = network.rows[i];
    const reduction = rowSize.length ? network.inputSize[0] / rowSize[0] : 0;
    const part = reduction ? `1/${+reduction.toFixed(1)}` : `${i}`;
    const label = svg("text", { class: rowClass(i), x: 8, y }, isWide() ? `branch ${i}` : part);
    if (isWide() && reduction && room > 14) label.append(svg("tspan", { x: 8, dy: 14 }, `${part} \u00b7 ${times(rowSize)}`));
    return [label];
  }));
}

/** A row has the colour of its resolution where boxes have, too. */
function rowClass(/** @type {number} */ row) {
  const first = network.leaves.find((leaf) => leaf.row === row && leaf.shape.endsWith(times(network.rows[row])));
  return scene.colour === "resolution" && first ? `hue-${first.hue}` : "";
}

function zoom(/** @type {number} */ factor, x = size().w / 2, y = size().h / 2) {
  const scale = Math.min(3, Math.max(smallest(), view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  move();
}

const isWide = () => size().w > 700;

/** The scale from which on text can be read. */
const LEGIBLE = 0.65;

/** Room for the names of rows at the left, in pixels. */
const margin = () => (isWide() ? 112 : 40);

/** The scale at which everything is in view. */
function whole() {
  const { left, right, top, bottom } = scene.places;
  const { w, h } = size();
  return Math.min((w - 16 - margin()) / (right - left), (h - 32) / (bottom - top), 1.25);
}

function smallest() {
  return Math.min(0.1, whole());
}

/** Shows everything, or from the beginning on if `least` does not let it be so small. */
function showAll(least = 0) {
  const { left, right, top, bottom } = scene.places;
  const { w, h } = size();
  view.scale = Math.max(whole(), least);
  view.x = Math.max((w - (right - left) * view.scale) / 2, margin()) - left * view.scale;
  view.y = Math.max((h - (bottom - top) * view.scale) / 2, 16) - top * view.scale;
  redraw();
}

/** Moves as little as brings an item into view. */
function reveal(/** @type {Item} */ item) {
  const { w, h } = size();
  const s = view.scale;
  view.x += nudge(item.x * s + view.x - margin(), item.w * s, w - margin());
  view.y += nudge(item.y * s + view.y, item.h * s, h);
  move();
}

function nudge(/** @type {number} */ start, /** @type {number} */ extent, /** @type {number} */ room) {
  const free = Math.min(32, room / 10);
  if (start < free || extent > room - 2 * free) return free - start;
  return Math.min(0, room - free - start - extent);
}

function centre(/** @type {Item} */ item) {
  const { w, h } = size();
  view.scale = Math.max(view.scale, 0.8);
  view.x = w / 2 - (item.x + item.w / 2) * view.scale;
  view.y = h / 2 - (item.y + item.h / 2) * view.scale;
  redraw();
}

function toggle(/** @type {Part} */ part) {
  if (!part.children.length) return;
  const isOpening = !opened.has(part);
  if (isOpening) opened.add(part);
  else opened.delete(part);
  show(part);
  const item = /** @type {Item} */ (scene.places.at.get(part));
  reveal(item);
  const next = isOpening ? [...childrenBefore(part).keys()][0] : part;
  focus(next);
  say(`${shown(part.path).slice(0, 200)} ${isOpening ? "opened" : "closed"}`);
}

/** Opens all around a part, and brings it to the middle. */
function goTo(/** @type {Part} */ part) {
  for (let up = part.parent; up && up.parent; up = up.parent) opened.add(up);
  if (!scene.places.at.has(part)) show();
  const item = scene.places.at.get(part);
  if (item) centre(item);
  focus(part);
}

/** The part whose box or title has the keyboard. */
function focusedPart() {
  const element = document.activeElement && document.activeElement.closest("#graph [data-path]");
  return element ? partOf(element) : null;
}

function partOf(/** @type {Element} */ element) {
  const path = element.getAttribute("data-path") || "";
  if (element.getAttribute("data-kind") === "output") return network.outputs.find((part) => part.path === path) || null;
  return network.parts.get(path) || null;
}

function focus(/** @type {Part} */ part) {
  if (!drawing.elements.has(part) && scene.places.at.has(part)) {
    scene.focused = part;
    drawing = draw(plane, scene, drawn);
  }
  const element = /** @type {any} */ (drawing.elements.get(part));
  if (element) element.focus({ preventScroll: true });
}

/** The box nearest to a part in one direction: far aside counts for more than far ahead. */
function neighbour(/** @type {Part} */ part, /** @type {number} */ dx, /** @type {number} */ dy) {
  const from = scene.places.at.get(part);
  if (!from) return null;
  let best = null, least = Infinity;
  for (const box of scene.places.boxes) {
    const ahead = dx ? dx * (box.x - from.x) : dy * (box.y - from.y);
    const aside = Math.abs(dx ? box.y + box.h / 2 - from.y - from.h / 2 : box.x + box.w / 2 - from.x - from.w / 2);
    if (box.part === part || ahead <= 0) continue;
    const away = ahead + 3 * aside;
    if (away < least) [best, least] = [box.part, away];
  }
  return best;
}

function say(/** @type {string} */ text) {
  $("said").textContent = text;
}
