/**
 * What is told beside the drawing: the facts of one part, and what the colours mean.
 */

/** The kinds and families that have one colour each, and what they are called. */
const KINDS = [
  ["stem input output", "stem, input, output"], ["stage module block conv linear attention", "stage, module, block, convolution, linear"],
  ["transition resample", "transition, resampling"], ["fuse pointwise", "fuse, sum, concat"], ["head", "head"], ["norm", "norm"], ["activation", "activation"],
];
const MOST_KEYS = 12;

/** An HTML element with a class and text. */
function html(/** @type {string} */ name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Shows the facts of a part, or of the whole network. */
function drawFacts(/** @type {Part | null} */ chosenPart) {
  const panel = $("facts");
  const part = chosenPart || network.root;
  const name = html("h2", "", shown(part.path) || network.name);
  name.dir = "auto";
  const list = html("dl");
  for (const [term, value] of factsOf(part)) list.append(html("dt", "", term), html("dd", "", value));
  const about = html("div", "about");
  about.append(name, html("p", "kind", part.label && part.label !== part.kind ? `${part.label} (${part.kind})` : part.kind));
  if (!chosenPart) about.append(html("p", "hint", "Click a box to open it, its title to close it. Drag to move, wheel to zoom, / to search."));
  panel.replaceChildren(about, list);
  const { keys, count } = keysOf(part, MOST_KEYS);
  if (!count) return;
  const rows = html("ul", "keys");
  for (const key of keys) {
    const row = html("li");
    row.append(html("code", "", key.name), ` ${key.shape}`);
    rows.append(row);
  }
  if (count > keys.length) rows.append(html("li", "", `and ${count - keys.length} more`));
  const held = html("div", "held");
  held.append(html("h3", "", `${count} ${count === 1 ? "key" : "keys"}`), rows);
  panel.append(held);
}

/** Pairs of a term and its value, each with its unit. */
function factsOf(/** @type {Part} */ part) {
  const { totals } = network;
  /** @type {[string, string][]} */
  const facts = [["shape", shapesOut(part).join(", ")]];
  if (part.kind !== "input" && part.kind !== "output") {
    facts.push(["parameters", part.params.toLocaleString("en") + share(part.params, totals.params)]);
    facts.push(["MACs", part.macs.toLocaleString("en") + share(part.macs, totals.macs)]);
    facts.push(["memory", `${bytes(part.memory)} kept for training (float32)`]);
  }
  if (network.measured) {
    facts.push(["receptive field", part.field === WHOLE_IMAGE ? "the whole image" : `${part.field.toLocaleString("en")} pixels${part.field >= network.longest ? " or more" : ""}`]);
  }
  if (part.children.length) facts.push(["operations", part.operations.toLocaleString("en")]);
  return facts;
}

function share(/** @type {number} */ cost, /** @type {number} */ total) {
  return total && cost ? ` (${((100 * cost) / total).toFixed(1)}%)` : "";
}

/** What the colours of the boxes mean: resolutions, kinds, or a scale from nothing to the most. */
function drawLegend() {
  const legend = $("legend");
  if (COSTS.includes(scene.colour)) {
    const most = scene.colour === "memory" ? bytes(scene.most) : scene.colour === "macs" ? `${short(scene.most)}MACs` : `${short(scene.most).trim()} parameters`;
    legend.replaceChildren(html("span", "", "0"), html("span", "scale"), html("span", "", most));
    legend.setAttribute("aria-label", `Boxes are coloured from 0 to ${most}`);
    return;
  }
  const isKind = scene.colour === "kind";
  const boxes = scene.places.boxes.map((box) => box.part);
  const seen = new Set(boxes.flatMap((part) => isKind ? [part.kind, part.family] : [hueOf(part)]));
  if (!isKind) for (const edge of scene.edges) seen.add(edge.tensor.hue);
  /** @type {[string, string][]} */
  const entries = isKind
    ? KINDS.filter(([kinds]) => kinds.split(" ").some((kind) => seen.has(kind))).map(([kinds, name]) => [`kind-${kinds.split(" ")[0]}`, name])
    : network.resolutions.filter(([hue]) => seen.has(hue)).map(([hue, name]) => [`hue-${hue}`, name]);
  if (!isKind && seen.has(SEVERAL)) entries.push(["several", "several resolutions"]);
  legend.replaceChildren(...entries.map(([className, name]) => {
    const entry = html("span", "entry", name);
    entry.prepend(html("i", `swatch ${className}`));
    return entry;
  }));
  legend.setAttribute("aria-label", `Boxes are coloured by ${scene.colour}`);
}
