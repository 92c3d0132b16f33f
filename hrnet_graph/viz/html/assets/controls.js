/**
 * Clicks, keys, the search, the address, and paper.
 */

const MOST_FOUND = 50;

/** @typedef {{key: string, low: string, words: string, part: Part}} Hit  what can be found: a key or a path, and what its part is */
/** @type {Hit[]} */
let index;
/** @type {Part[]} */
let found = [];
let active = -1;

/** All keys of the `state_dict` and all paths, with the parts that they are of, and their words. */
function searchIndex() {
  if (index) return index;
  index = [];
  for (const part of [...network.parts.values(), ...network.outputs]) {
    const key = keyOf(part.path) || shown(part.path);
    const words = `${shown(part.path)} ${part.label} ${part.kind} ${part.shape}`.toLowerCase();
    const keys = part.entries.length ? part.entries.map((entry) => `${key}.${entry.name}`) : [key];
    for (const each of keys) index.push({ key: each, low: each.toLowerCase(), words, part });
  }
  return index;
}

/** How well an entry fits a text, the least best; infinite if one of the words is nowhere. */
function rank(/** @type {Hit} */ hit, /** @type {string} */ text) {
  if (hit.low === text) return 0;
  if (hit.low.startsWith(text)) return 1;
  if (hit.low.includes(text)) return 2;
  return text.split(/\s+/).every((word) => hit.low.includes(word) || hit.words.includes(word)) ? 3 : Infinity;
}

function search() {
  const text = $("search").value.trim().toLowerCase();
  const ranks = searchIndex().map((hit) => ({ hit, rank: text ? rank(hit, text) : Infinity }));
  const hits = ranks.filter((each) => each.rank < Infinity).sort((a, b) => a.rank - b.rank).map((each) => each.hit);
  const best = hits.slice(0, MOST_FOUND);
  found = best.map((hit) => hit.part);
  $("found").replaceChildren(...best.map(({ key, part }, at) => {
    const option = html("li", "", key.slice(0, 300));
    if (part.label) option.append(html("small", "", `  ${part.label.slice(0, 60)}`));
    option.id = `found-${at}`;
    option.dir = "auto";
    option.setAttribute("role", "option");
    return option;
  }));
  $("found").hidden = !found.length;
  $("search").setAttribute("aria-expanded", String(found.length > 0));
  activate(found.length ? 0 : -1);
  const more = hits.length > best.length ? `, the first ${best.length} are listed` : "";
  const nothing = `nothing found for ${text.slice(0, 60)}`;
  say(!text ? "" : hits.length ? `${hits.length} found${more}: ${best[0].key.slice(0, 200)}` : nothing);
  $("nothing").textContent = nothing;
  $("nothing").hidden = !text || hits.length > 0;
}

function activate(/** @type {number} */ at) {
  active = at;
  [...$("found").children].forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
  const option = $("found").children[at];
  if (option) option.scrollIntoView({ block: "nearest" });
  if (option) $("search").setAttribute("aria-activedescendant", option.id);
  else $("search").removeAttribute("aria-activedescendant");
}

function closeSearch() {
  $("found").hidden = $("nothing").hidden = true;
  $("search").setAttribute("aria-expanded", "false");
}

function choose(/** @type {number} */ at) {
  if (!found[at]) return;
  closeSearch();
  goTo(found[at]);
}

function onSearchKey(/** @type {KeyboardEvent} */ event) {
  if (event.key === "ArrowDown") activate(Math.min(active + 1, found.length - 1));
  else if (event.key === "ArrowUp") activate(Math.max(active - 1, 0));
  else if (event.key === "Enter") choose(active);
  else if (event.key === "Escape") closeSearch();
  else return;
  event.preventDefault();
}

/** What a key does to the drawing: zooms, moves on to a box, opens, closes, searches. */
function onKey(/** @type {KeyboardEvent} */ event) {
  const target = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, button")) return;
  const part = focusedPart();
  const step = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  })[event.key];
  if (event.key === "/") $("search").select(), $("search").focus();
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") showAll();
  else if (step && target.closest("#facts")) return;
  else if (step) walk(part, step, event.shiftKey);
  else if (part && (event.key === "Enter" || event.key === " ")) activatePart(part);
  else if (event.key === "Escape" && part) leave(part);
  else return;
  event.preventDefault();
}

function walk(/** @type {Part | null} */ part, /** @type {[number, number]} */ [dx, dy], /** @type {boolean} */ isPan) {
  const next = part && !isPan && neighbour(part, dx, dy);
  if (next) {
    reveal(/** @type {Item} */ (scene.places.at.get(next)));
    focus(next);
  } else if (!part || isPan) {
    view.x -= dx * 80;
    view.y -= dy * 80;
    move();
  }
}

/** Opens or closes a scope; shows the facts of anything else. */
function activatePart(/** @type {Part} */ part) {
  chosen = part;
  drawFacts(part);
  if (part.children.length) toggle(part);
}

/** Closes the part around a box. */
function leave(/** @type {Part} */ part) {
  const around = opened.has(part) ? part : part.parent;
  if (around && around.parent) toggle(around);
}

/** Draws the edges of a part strongly, and tells its facts. */
function light(/** @type {Part | null} */ part) {
  drawFacts(part || chosen);
  for (const edge of plane.querySelectorAll(".edge.lit")) edge.classList.remove("lit");
  if (!part) return;
  const path = CSS.escape(part.path);
  for (const edge of plane.querySelectorAll(`.edge[data-source="${path}"], .edge[data-target="${path}"]`)) edge.classList.add("lit");
}

/** Dragging, pinching and clicking, with mouse, pen or fingers. */
function takePointers() {
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let moved = 0;
  graph.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pointers.size === 1) moved = 0;
  });
  graph.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    moved += Math.abs(event.clientX - last.x) + Math.abs(event.clientY - last.y);
    if (moved > 5 && !graph.hasPointerCapture(event.pointerId)) graph.setPointerCapture(event.pointerId);
    if (others.length) pinch(others[0], last, event);
    else if (moved > 5) {
      view.x += event.clientX - last.x;
      view.y += event.clientY - last.y;
      move();
    }
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    graph.addEventListener(end, (/** @type {PointerEvent} */ event) => pointers.delete(event.pointerId));
  }
  graph.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const isDrag = moved > 5;
    moved = 0;
    if (isDrag) return;
    const element = /** @type {Element} */ (event.target).closest("[data-path][role=button]");
    const part = element ? partOf(element) : partAt(event);
    if (part) activatePart(part);
  });
}

function pinch(/** @type {{x: number, y: number}} */ still, /** @type {{x: number, y: number}} */ last, /** @type {PointerEvent} */ event) {
  const box = graph.getBoundingClientRect();
  const before = Math.hypot(last.x - still.x, last.y - still.y);
  const after = Math.hypot(event.clientX - still.x, event.clientY - still.y);
  if (before) zoom(after / before, still.x - box.left, still.y - box.top);
}

/** The part under the pointer where boxes are drawn together. */
function partAt(/** @type {MouseEvent} */ event) {
  const box = graph.getBoundingClientRect();
  const x = (event.clientX - box.left - view.x) / view.scale, y = (event.clientY - box.top - view.y) / view.scale;
  const hit = scene.places.boxes.find((item) => x >= item.x && x <= item.x + item.w && y >= item.y && y <= item.y + item.h);
  return hit ? hit.part : null;
}

/** Keeps in the address what is open, so that a link or a reload shows it again. */
function remember(/** @type {number} */ level) {
  const colour = $("colour").value === "resolution" ? "" : `&colour=${$("colour").value}`;
  try {
    const paths = [...opened].map((part) => encodeURIComponent(part.path));
    const list = `open=${paths.join(",")}`;
    const depth = level >= 0 ? `depth=${network.levels[level]}` : list.length < 4000 ? list : "";
    history.replaceState(null, "", `#${depth}${colour}`);
  } catch {
    // an address that cannot be changed, or a name that no address can hold: nothing else needs it
  }
}

/** Opens what the address says. */
function recall() {
  const fields = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  const level = network.levels.indexOf(fields.get("depth") || "");
  const paths = (fields.get("open") || "").split(",").filter(Boolean);
  const colour = fields.get("colour") || "resolution";
  if (["resolution", "kind", ...COSTS].includes(colour)) $("colour").value = colour;
  opened = openAt(Math.max(0, level));
  for (const path of paths) {
    const part = network.parts.get(path);
    if (part && part.children.length) opened.add(part);
  }
}

/** The whole figure on one sheet, light, without what one only clicks. */
function takePaper() {
  addEventListener("beforeprint", () => {
    isOnPaper = true;
    const { left, right, top, bottom } = scene.places;
    graph.setAttribute("viewBox", `${left - 10} ${top} ${right - left + 20} ${bottom - top}`);
    draw(plane, scene, { left: left - 10, right: right + 10, top, bottom });
    plane.removeAttribute("transform");
    labels.replaceChildren();
  });
  addEventListener("afterprint", () => {
    isOnPaper = false;
    graph.removeAttribute("viewBox");
    redraw();
  });
}

function takeTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let isDark = dark.matches;
  const set = (/** @type {boolean} */ value) => {
    isDark = value;
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
    $("theme").setAttribute("aria-pressed", String(isDark));
  };
  set(isDark);
  dark.addEventListener("change", () => set(dark.matches));
  $("theme").addEventListener("click", () => set(!isDark));
}

function takeTools() {
  $("depth").append(...network.levels.map((level, i) => {
    const button = /** @type {HTMLButtonElement} */ (html("button", "", level));
    button.type = "button";
    button.value = String(i);
    button.addEventListener("click", () => {
      opened = openAt(i);
      show();
      showAll(LEGIBLE);
    });
    return button;
  }));
  $("colour").addEventListener("change", () => show());
  $("zoom-in").addEventListener("click", () => zoom(1.25));
  $("zoom-out").addEventListener("click", () => zoom(0.8));
  $("fit").addEventListener("click", () => showAll());
  $("search").addEventListener("input", search);
  $("search").addEventListener("focus", () => $("search").value && search());
  $("search").addEventListener("keydown", onSearchKey);
  $("search").addEventListener("blur", () => setTimeout(() => document.activeElement !== $("search") && closeSearch(), 150));
  $("found").addEventListener("pointerdown", (/** @type {Event} */ event) => event.preventDefault());
  $("found").addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const option = /** @type {Element} */ (event.target).closest("li");
    if (option) choose([...$("found").children].indexOf(option));
  });
}

function takeHovers() {
  const hover = (/** @type {Event} */ event) => {
    const element = /** @type {Element} */ (event.target).closest("[data-path][role=button]");
    light(element ? partOf(element) : focusedPart());
  };
  graph.addEventListener("pointerover", hover);
  graph.addEventListener("focusin", (/** @type {Event} */ event) => {
    hover(event);
    const part = focusedPart();
    const item = part && scene.places.at.get(part);
    if (item && !isRedrawing && /** @type {Element} */ (event.target).matches(":focus-visible")) reveal(item);
  });
  graph.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const box = graph.getBoundingClientRect();
    const unit = event.deltaMode === 1 ? 16 : 1;
    zoom(Math.exp(-event.deltaY * unit * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
}

$("totals").textContent = `${short(network.totals.params)} params \u00b7 ${short(network.totals.macs)}MACs \u00b7 ${network.input.shape}`;
takeTools();
takeTheme();
takeHovers();
takePointers();
takePaper();
document.addEventListener("keydown", onKey);
recall();
show();
drawFacts(null);
showAll();
new ResizeObserver(() => move()).observe(graph);
addEventListener("hashchange", () => {
  recall();
  show();
  showAll();
});
