/**
 * The network, as the page holds it: a tree of parts.
 *
 * A part is what can be one box: an operation, an output, or a scope that may be closed. The root
 * stands for the whole network. Operations are leaves, in execution order.
 *
 * @typedef {{name: string, shape: string}} Entry
 * @typedef {{
 *   path: string, kind: string, family: string, label: string, opens: number,
 *   parent: Part | null, children: Part[], first: number,
 *   top: number, bottom: number, row: number,
 *   params: number, macs: number, memory: number, field: number, hue: number,
 *   operations: number, inputs: Part[], readers: Part[], shape: string, entries: Entry[],
 *   before: Map<Part, Part[]> | null,
 * }} Part
 * @typedef {{
 *   name: string, levels: string[], longest: number, resolutions: [number, string][], rows: number[][], inputSize: number[], root: Part, leaves: Part[],
 *   outputs: Part[], parts: Map<string, Part>, totals: {params: number, macs: number},
 *   input: Part, measured: boolean,
 * }} Network
 */

const WHOLE_IMAGE = Infinity;
const UNKNOWN = -2;
const SEVERAL = -1;

/** @returns {Part} */
function newPart(/** @type {string} */ path, /** @type {string} */ kind) {
  return {
    path, kind, family: "", label: "", opens: 0,
    parent: null, children: [], first: 0,
    top: Infinity, bottom: -Infinity, row: 0,
    params: 0, macs: 0, memory: 0, field: 0, hue: UNKNOWN,
    operations: 0, inputs: [], readers: [], shape: "", entries: [],
    before: null,
  };
}

/** The tree of parts from the page's JSON document. @returns {Network} */
function readNetwork(/** @type {any} */ data) {
  const root = newPart("", "network");
  const parts = new Map();
  for (const scope of data.scopes) {
    if (!scope.opens) continue;
    const part = newPart(scope.path, scope.kind);
    part.label = scope.label || scope.kind;
    part.opens = scope.opens;
    parts.set(scope.path, part);
  }
  const states = data.states.map((/** @type {string[][]} */ entries) =>
    entries.map(([name, shape]) => ({ name, shape })));
  const measured = "field" in data.nodes;
  /** @type {Part[]} */
  const leaves = data.nodes.path.map((/** @type {string} */ path, /** @type {number} */ i) => {
    const [label, family] = data.ops[data.nodes.op[i]];
    const leaf = newPart(path, family === "input" ? "input" : "op");
    Object.assign(leaf, {
      label, family, first: i, row: data.nodes.row[i], operations: 1,
      params: data.nodes.params[i], macs: data.nodes.macs[i],
      memory: data.nodes.memory[i], hue: data.nodes.hue[i],
      field: measured ? data.nodes.field[i] || WHOLE_IMAGE : 0,
      shape: times(data.nodes.shape[i]), entries: states[data.nodes.state[i]],
    });
    attach(leaf, parts, root);
    return leaf;
  });
  data.nodes.inputs.forEach((/** @type {number[]} */ inputs, /** @type {number} */ i) => {
    leaves[i].inputs = inputs.map((at) => leaves[at]);
    for (const input of new Set(leaves[i].inputs)) input.readers.push(leaves[i]);
  });
  const outputs = data.outputs.map((/** @type {[string, number]} */ [name, at]) => outputPart(name, leaves[at], leaves.length, root));
  for (const leaf of leaves) if (!parts.has(leaf.path)) parts.set(leaf.path, leaf);
  return {
    name: data.name, levels: data.levels, longest: data.longest, resolutions: data.resolutions, rows: data.rows, inputSize: data.nodes.shape[0].slice(1), totals: data.totals, measured,
    root, leaves, outputs, parts, input: leaves[0],
  };
}

/** What a call of the network returns, as a box of its own at the end. */
function outputPart(/** @type {string} */ name, /** @type {Part} */ source, /** @type {number} */ first, /** @type {Part} */ root) {
  const part = newPart(name, "output");
  Object.assign(part, { label: "output", first, row: source.row, top: source.row, bottom: source.row });
  Object.assign(part, { inputs: [source], shape: source.shape, field: source.field, hue: source.hue, parent: root });
  source.readers.push(part);
  root.children.push(part);
  return part;
}

/** Hangs a leaf, and the scopes around it, into the tree, and adds its costs to theirs. */
function attach(/** @type {Part} */ leaf, /** @type {Map<string, Part>} */ parts, /** @type {Part} */ root) {
  let part = leaf;
  for (let end = leaf.path.lastIndexOf("."); end !== -1; end = leaf.path.lastIndexOf(".", end - 1)) {
    const around = parts.get(leaf.path.slice(0, end));
    if (around) {
      if (!part.parent) hang(part, around, leaf.first);
      part = around;
    }
    if (end === 0) break;
  }
  if (!part.parent) hang(part, root, leaf.first);
  leaf.top = leaf.bottom = leaf.row;
  for (let up = leaf.parent; up; up = up.parent) {
    up.top = Math.min(up.top, leaf.row);
    up.bottom = Math.max(up.bottom, leaf.row);
    up.params += leaf.params;
    up.macs += leaf.macs;
    up.memory += leaf.memory;
    up.operations += 1;
    up.field = Math.max(up.field, leaf.field);
  }
}

function hang(/** @type {Part} */ part, /** @type {Part} */ parent, /** @type {number} */ first) {
  part.parent = parent;
  if (part.kind !== "op" && part.kind !== "input") part.first = first;
  parent.children.push(part);
}

/** The child of `container` that `part` is in; null if it is not in it. */
function childOf(/** @type {Part} */ container, /** @type {Part | null} */ part) {
  while (part && part.parent !== container) part = part.parent;
  return part;
}

/** For each child of a container, in an order that can be executed, the children that it reads. */
function childrenBefore(/** @type {Part} */ container) {
  if (container.before) return container.before;
  /** @type {Map<Part, Set<Part>>} */
  const reads = new Map(container.children.map((child) => [child, new Set()]));
  eachLeaf(container, (leaf) => {
    const child = childOf(container, leaf);
    for (const input of leaf.inputs) {
      const source = childOf(container, input);
      if (child && source && source !== child) reads.get(child)?.add(source);
    }
  });
  const rank = new Map();
  const waiting = new Map([...reads].map(([child, sources]) => [child, sources.size]));
  const readers = new Map(container.children.map((child) => [child, /** @type {Part[]} */ ([])]));
  for (const [child, sources] of reads) for (const source of sources) readers.get(source)?.push(child);
  const ready = container.children.filter((child) => !waiting.get(child));
  for (const child of ready) rank.set(child, 0);
  for (let i = 0; i < ready.length; i++) {
    for (const reader of readers.get(ready[i]) || []) {
      rank.set(reader, Math.max(rank.get(reader) || 0, rank.get(ready[i]) + 1));
      waiting.set(reader, (waiting.get(reader) || 0) - 1);
      if (!waiting.get(reader)) ready.push(reader);
    }
  }
  ready.sort((a, b) => rank.get(a) - rank.get(b) || a.first - b.first);
  container.before = new Map(ready.map((child) => [child, [...(reads.get(child) || [])]]));
  return container.before;
}

function eachLeaf(/** @type {Part} */ part, /** @type {(leaf: Part) => void} */ visit) {
  if (!part.children.length) visit(part);
  for (const child of part.children) eachLeaf(child, visit);
}

/** The operations whose results leave a part. */
function resultsOf(/** @type {Part} */ part) {
  /** @type {Part[]} */
  const results = [];
  eachLeaf(part, (leaf) => {
    if (leaf === part || leaf.readers.some((reader) => reader.kind === "output" || !isInside(reader, part))) results.push(leaf);
  });
  return results;
}

/** The shapes of what leaves a part, each once. */
function shapesOut(/** @type {Part} */ part) {
  return [...new Set(resultsOf(part).map((leaf) => leaf.shape))];
}

/** The colour of the resolution of what leaves a part, or `SEVERAL`. */
function hueOf(/** @type {Part} */ part) {
  if (part.hue === UNKNOWN) {
    const hues = new Set(resultsOf(part).map((leaf) => leaf.hue));
    part.hue = hues.size === 1 ? [...hues][0] : SEVERAL;
  }
  return part.hue;
}

function isInside(/** @type {Part | null} */ part, /** @type {Part} */ around) {
  while (part && part !== around) part = part.parent;
  return part === around;
}

/** The name of a layer in the module: the path without the parts that are for display alone. */
function keyOf(/** @type {string} */ path) {
  if (!path.includes("@")) return path;
  return path.split(".").filter((part) => !part.startsWith("@")).join(".");
}

/** The keys of the `state_dict` that a part holds, at most `limit` of them. */
function keysOf(/** @type {Part} */ part, limit = Infinity) {
  /** @type {Entry[]} */
  const keys = [];
  let count = 0;
  eachLeaf(part, (leaf) => {
    count += leaf.entries.length;
    for (const entry of leaf.entries) {
      if (keys.length >= limit) break;
      keys.push({ name: `${keyOf(leaf.path)}.${entry.name}`, shape: entry.shape });
    }
  });
  return { keys, count };
}

/** How a path is shown: without the marks of display parts. */
function shown(/** @type {string} */ path) {
  return path.replaceAll("@", "");
}

/** [64, 56, 56] -> 64 x 56 x 56, with multiplication signs. */
function times(/** @type {number[]} */ shape) {
  return shape.join("\u00d7");
}

/** Three digits and a decimal prefix: 8921133056 -> 8.92 G. */
function short(/** @type {number} */ number) {
  if (number >= 1000) {
    const step = 10 ** (String(Math.trunc(number)).length - 3);
    number = Math.round(number / step) * step;
  }
  for (const [power, prefix] of /** @type {[number, string][]} */ ([[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])) {
    if (number >= power) {
      const scaled = number / power;
      return `${scaled.toFixed(Math.max(0, 3 - String(Math.trunc(scaled)).length))} ${prefix}`;
    }
  }
  return `${number} `;
}

/** Bytes, of which float32 takes four a number. */
function bytes(/** @type {number} */ numbers) {
  let size = numbers * 4;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (size < 1024 || unit === "GiB") return `${unit === "B" ? size : size.toFixed(size < 10 ? 2 : 1)} ${unit}`;
    size /= 1024;
  }
  return "";
}
