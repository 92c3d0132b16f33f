/**
 * The drawing: what is in view, as SVG. Names only ever become text and attribute values.
 *
 * @typedef {{network: Network, places: Places, edges: Edge[], colour: string, most: number, focused: Part | null}} Scene
 * @typedef {{elements: Map<Part, Element>, captions: {frame: Item, element: Element, w: number}[]}} Drawing
 * @typedef {{left: number, right: number, top: number, bottom: number}} Area  in the figure's units
 */

const SVG = "http://www.w3.org/2000/svg";
const DETAILED = 700;
const LINE = 13;
const HEATS = 10;
const COSTS = ["params", "macs", "memory"];

const ruler = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
/** @type {Map<string, string>} */
const fitted = new Map();

/** An SVG element with attributes and text. */
function svg(/** @type {string} */ name, /** @type {Record<string, string | number>} */ attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

/** As much of a text as fits a width, in pixels, with an ellipsis for its end, or its beginning. */
function fit(/** @type {string} */ text, /** @type {number} */ width, /** @type {string} */ font, keepsEnd = false) {
  const part = keepsEnd ? text.slice(-200) : text.slice(0, 200);
  const key = `${keepsEnd} ${width} ${font} ${part}`;
  let found = fitted.get(key);
  if (found === undefined) {
    ruler.font = `${font} system-ui, sans-serif`;
    let kept = Array.from(part.replace(/\s+/g, " "));
    found = kept.join("");
    while (kept.length > 1 && ruler.measureText(found).width > width) {
      const count = Math.min(kept.length - 1, Math.ceil(kept.length * 0.94));
      kept = keepsEnd ? kept.slice(-count) : kept.slice(0, count);
      found = keepsEnd ? `\u2026${kept.join("")}` : `${kept.join("")}\u2026`;
    }
    if (keepsEnd) found = found.replace(/^\u2026[^.]*\.(?=.*\p{L})/u, "\u2026");
    fitted.set(key, found);
  }
  return found;
}

/** A part's name as it is shown inside the frame around it. */
function nameIn(/** @type {Part} */ part) {
  const full = shown(part.path);
  if (part.kind === "module" || part.kind === "output") return full;
  const around = part.parent && part.parent.path;
  return around && part.path.startsWith(`${around}.`) ? shown(part.path.slice(around.length + 1)) : full;
}

/** What a part costs, in a few words each. */
function costsOf(/** @type {Part} */ part) {
  const costs = [];
  if (part.params) costs.push(`${short(part.params).trim()} params`);
  if (part.macs) costs.push(`${short(part.macs)}MACs`);
  return costs;
}

/** What a part is, in one sentence, for those who do not see it. */
function spoken(/** @type {Part} */ part) {
  const shape = shapesOut(part).slice(0, 6).join(", ");
  return [fit(shown(part.path), 600, "12px"), part.label, shape, ...costsOf(part)].filter(Boolean).join(", ");
}

/** The class that colours a box: by its resolution, its kind, or its share of the most costly one. */
function fillClass(/** @type {Part} */ part, /** @type {Scene} */ scene) {
  if (scene.colour === "kind") return `kind-${part.kind === "op" ? part.family : part.kind}`;
  if (scene.colour === "resolution") return `hue-${hueOf(part)}`;
  const cost = /** @type {any} */ (part)[scene.colour];
  return `heat-${scene.most ? Math.ceil((HEATS * cost) / scene.most) : 0}`;
}

/** Whether a rectangle lies in an area, in part at least. */
function isSeen(/** @type {{x: number, y: number, w: number, h: number}} */ item, /** @type {Area} */ area) {
  return item.x < area.right && item.x + item.w > area.left && item.y < area.bottom && item.y + item.h > area.top;
}

/** Draws a scene's part inside a area into a group. @returns {Drawing} */
function draw(/** @type {Element} */ group, /** @type {Scene} */ scene, /** @type {Area} */ area) {
  const { places, edges, network } = scene;
  const isDrawn = (/** @type {Item} */ item) => item.part === scene.focused || isSeen(item, area);
  const boxes = places.boxes.filter(isDrawn);
  const frames = places.frames.filter(isDrawn);
  const ways = edges.filter((edge) => edge.source.x < area.right && edge.target.x > area.left &&
    edge.top < area.bottom && edge.bottom > area.top);
  const isDetailed = boxes.length <= DETAILED;
  /** @type {Drawing} */
  const drawing = { elements: new Map(), captions: [] };
  const layer = document.createDocumentFragment();
  for (const band of bands(network, places, area)) layer.append(band);
  for (const frame of frames) layer.append(drawFrame(frame, drawing, scene.colour, isDetailed || frames.length <= DETAILED || frame.part === scene.focused));
  if (isDetailed) for (const edge of ways) layer.append(drawEdge(edge, scene.colour));
  else for (const element of merged(ways, (edge) => edgeClass(edge, scene.colour), (edge) => edge.d)) layer.append(element);
  if (isDetailed) layer.append(...shapeLabels(ways, boxes, frames));
  const small = isDetailed ? [] : boxes.filter((box) => box.part !== scene.focused);
  for (const element of merged(small, (box) => `box ${fillClass(box.part, scene)}`, (box) =>
    `M${box.x} ${box.y}h${box.w}v${box.h}h${-box.w}z`)) layer.append(element);
  for (const box of boxes) {
    if (!isDetailed && box.part !== scene.focused) continue;
    const element = drawBox(box, scene);
    drawing.elements.set(box.part, element);
    layer.append(element);
  }
  group.replaceChildren(layer);
  return drawing;
}

/** The rows' backgrounds, every other one shaded. */
function bands(/** @type {Network} */ network, /** @type {Places} */ places, /** @type {Area} */ area) {
  return places.rows.map((row, i) => svg("rect", {
    class: `band band-${i % 2}`, x: area.left, y: row.from, width: area.right - area.left, height: row.to - row.from,
  }));
}

/** Things of one class as one path each, for when there are too many to be looked at one by one. */
function merged(/** @type {any[]} */ things, /** @type {(thing: any) => string} */ classOf, /** @type {(thing: any) => string} */ pathOf) {
  /** @type {Map<string, string[]>} */
  const paths = new Map();
  for (const thing of things) {
    const name = classOf(thing);
    if (!paths.has(name)) paths.set(name, []);
    /** @type {string[]} */ (paths.get(name)).push(pathOf(thing));
  }
  return [...paths].map(([name, pieces]) => svg("path", { class: `${name} merged`, d: pieces.join("") }));
}

function drawFrame(/** @type {Item} */ frame, /** @type {Drawing} */ drawing, /** @type {string} */ colour, /** @type {boolean} */ hasTitle) {
  const { part, x, y, w, h } = frame;
  const group = svg("g", { class: colour === "kind" ? `frame kind-${part.kind}` : "frame" });
  group.append(svg("rect", { x, y, width: w, height: h, rx: 8 }));
  if (!hasTitle) return group;
  const title = svg("g", {
    class: "title", role: "button", tabindex: 0, "aria-expanded": "true",
    "aria-label": `close ${fit(shown(part.path), 600, "12px")}`, "data-path": part.path,
  });
  title.append(svg("rect", { x: x + 1, y: y + 1, width: w - 2, height: HEAD - 2, rx: 7 }));
  const caption = title.appendChild(svg("g"));
  const text = fit(nameIn(part), w - 28, "600 11px", true);
  caption.append(svg("path", { class: "sign", d: `M${x + 8} ${y + 9.5}h7` }), svg("text", { x: x + 20, y: y + 13 }, text));
  group.append(title);
  drawing.elements.set(part, title);
  drawing.captions.push({ frame, element: caption, w: 28 + ruler.measureText(text).width });
  return group;
}

/** Edges have a colour only where that of the boxes means the same. */
function edgeClass(/** @type {Edge} */ edge, /** @type {string} */ colour) {
  return colour === "resolution" ? `edge hue-${edge.tensor.hue}` : "edge";
}

function drawEdge(/** @type {Edge} */ edge, /** @type {string} */ colour) {
  const { source, target, tensor, y2 } = edge;
  const x = target.x - 1;
  const path = svg("path", {
    class: edgeClass(edge, colour), d: `${edge.d}M${x - 5} ${y2 - 3.5}L${x} ${y2}L${x - 5} ${y2 + 3.5}`,
    "data-source": source.part.path, "data-target": target.part.path, "data-tensor": tensor.path,
  });
  path.append(svg("title", {}, `${tensor.shape}, from ${shown(tensor.path)}`.slice(0, 300)));
  return path;
}

/** How wide a shape is where it is written on an edge. */
function shapeWidth(/** @type {string} */ shape) {
  ruler.font = "9px system-ui, sans-serif";
  return ruler.measureText(shape).width;
}

/** The pieces of an edge, each as the rectangle around it; bends in many. */
function piecesOf(/** @type {Edge} */ edge) {
  /** @type {Area[]} */
  const pieces = [];
  let x = 0, y = 0;
  const to = (/** @type {number} */ nextX, /** @type {number} */ nextY) => {
    pieces.push({ left: Math.min(x, nextX), right: Math.max(x, nextX), top: Math.min(y, nextY), bottom: Math.max(y, nextY) });
    [x, y] = [nextX, nextY];
  };
  for (const [, command, rest] of edge.d.matchAll(/([MHC])([^MHC]*)/g)) {
    const numbers = rest.trim().split(/\s+/).map(Number);
    if (command === "M") [x, y] = numbers;
    else if (command === "H") to(numbers[0], y);
    else {
      const [startX, startY] = [x, y];
      for (let t = 1; t <= 12; t++) {
        const u = t / 12, v = 1 - u;
        const mid = 3 * v * v * u + 3 * v * u * u;
        to(v ** 3 * startX + mid * numbers[0] + u ** 3 * numbers[4], (v ** 3 + 3 * v * v * u) * startY + (3 * v * u * u + u ** 3) * numbers[5]);
      }
    }
  }
  return pieces;
}

/** The lines that words keep clear of: edges and the sides of frames. */
function linesIn(/** @type {Edge[]} */ edges, /** @type {Item[]} */ frames) {
  const sides = frames.flatMap(({ x, y, w, h }) => [
    { left: x, right: x, top: y, bottom: y + h }, { left: x + w, right: x + w, top: y, bottom: y + h },
    { left: x, right: x + w, top: y, bottom: y + HEAD }, { left: x, right: x + w, top: y + h, bottom: y + h },
  ]);
  return [...edges.flatMap(piecesOf), ...sides];
}

/** The shape of each tensor, once where it leaves a box or a frame, if there is room for it. */
function shapeLabels(/** @type {Edge[]} */ edges, /** @type {Item[]} */ boxes, /** @type {Item[]} */ frames) {
  /** @type {Set<string>} */
  const known = new Set();
  const labels = [];
  const taken = [...linesIn(edges, frames), ...boxes.map(({ x, y, w, h }) => ({ left: x, right: x + w, top: y, bottom: y + h }))];
  for (const { source, target, tensor, y1 } of edges) {
    const key = `${source.x} ${y1}`;
    if (source.part.kind === "op" || known.has(key)) continue;
    known.add(key);
    const w = shapeWidth(tensor.shape);
    const starts = [source.x + source.w + 5];
    for (let frame = source.around; frame && !isInside(target.part, frame.part); frame = frame.around) starts.push(frame.x + frame.w + 5);
    const places = starts.flatMap((x) => [y1 - 5, y1 + 11].map((y) => ({ x, y: y - 8, w, h: 10 })));
    const free = places.find((place) => !taken.some((area) => isSeen(place, area)));
    if (!free) continue;
    taken.push({ left: free.x, right: free.x + w, top: free.y, bottom: free.y + free.h });
    labels.push(svg("text", { class: "shape", x: free.x, y: free.y + 8 }, tensor.shape));
  }
  return labels;
}

function drawBox(/** @type {Item} */ box, /** @type {Scene} */ scene) {
  const { part, x, y, w, h } = box;
  const isScope = part.children.length > 0;
  /** @type {Record<string, string | number>} */
  const attributes = {
    class: `node ${fillClass(part, scene)}${isScope ? " scope" : ""}`, role: "button", tabindex: 0,
    "aria-label": spoken(part), "data-path": part.path, "data-kind": part.kind,
  };
  if (isScope) attributes["aria-expanded"] = "false";
  const group = svg("g", attributes);
  group.append(svg("rect", { class: "box", x, y, width: w, height: h, rx: isScope ? 7 : 4 }));
  const lines = linesOf(part, w - 8, h > BOX_HEIGHT);
  const top = y + h / 2 - (lines.length - 1) * (LINE / 2) + 4;
  lines.forEach((text, i) => {
    const shortened = fit(text, w - 8, i ? "11px" : "600 13px", !i);
    group.append(svg("text", { class: i ? "what" : "name", x: x + w / 2, y: top + i * LINE }, shortened));
  });
  return group;
}

/** What is written in a box: its name, what it is where the name does not say so, its costs. */
function linesOf(/** @type {Part} */ part, /** @type {number} */ width, /** @type {boolean} */ isTall) {
  const name = nameIn(part);
  if (part.kind === "input" || part.kind === "output") return [name, part.shape];
  if (!part.children.length) return [name, part.label, part.shape];
  if (part.label === part.kind || name === part.kind) return [name, ...costsOf(part)];
  const isLong = fit(part.label, width, "11px") !== part.label;
  return [name, ...(isTall && isLong ? part.label.split(" ", 3) : [part.label]), ...costsOf(part)];
}
