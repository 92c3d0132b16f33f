/**
 * How the edges run: from port to port, around all boxes.
 *
 * An edge is a tensor on its way from one box to another. It leaves on the right, arrives on the
 * left, and changes its height only in the gaps between columns; where its row is not free it takes
 * a gutter between lanes.
 *
 * @typedef {{source: Item, target: Item, tensor: Part, y1: number, y2: number, d: string, top: number, bottom: number}} Edge
 * @typedef {{y: number, used: number[]}} Gutter
 * @typedef {{from: number, to: number, starts: number[], ends: number[]}} Slot  a lane or a gutter
 */

const TURN = 28;
const PORT_STEP = 9;

/** All edges between the boxes of a layout, with their ways. @returns {Edge[]} */
function route(/** @type {Network} */ network, /** @type {Places} */ places) {
  const edges = edgesOf(network, places);
  setPorts(edges, places);
  const street = streets(places);
  for (const edge of edges) {
    edge.d = way(edge, street);
    edge.top = Math.min(edge.y1, edge.y2) - 60;
    edge.bottom = Math.max(edge.y1, edge.y2) + 60;
  }
  return edges;
}

/** One edge for each tensor and each box that reads it from outside. */
function edgesOf(/** @type {Network} */ network, /** @type {Places} */ places) {
  const boxOf = (/** @type {Part} */ leaf) => {
    /** @type {Part | null} */
    let part = leaf;
    while (part) {
      const item = places.at.get(part);
      if (item && !item.open) return item;
      part = part.parent;
    }
    throw new Error(`${leaf.path} is in no box`);
  };
  const boxes = new Map(network.leaves.map((leaf) => [leaf, boxOf(leaf)]));
  for (const output of network.outputs) boxes.set(output, boxOf(output));
  /** @type {Edge[]} */
  const edges = [];
  for (const tensor of network.leaves) {
    const source = /** @type {Item} */ (boxes.get(tensor));
    const targets = new Set(tensor.readers.map((reader) => /** @type {Item} */ (boxes.get(reader))));
    targets.delete(source);
    for (const target of targets) {
      edges.push({ source, target, tensor, y1: 0, y2: 0, d: "", top: 0, bottom: 0 });
    }
  }
  return edges;
}

/** The height of a tensor's row at a box: its middle, or that of the row's first lane. */
function portAt(/** @type {Item} */ item, /** @type {Part} */ tensor, /** @type {Places} */ places) {
  const { top, bottom } = item.part;
  if (top === bottom) return item.y + item.h / 2;
  return places.rows[Math.min(bottom, Math.max(top, tensor.row))].top + BOX_HEIGHT / 2;
}

/** Gives every edge its ports: one a tensor where it leaves, one an edge where it arrives. */
function setPorts(/** @type {Edge[]} */ edges, /** @type {Places} */ places) {
  /** @type {Map<Item, Map<number, Map<Part, Edge[]>>>} */
  const leaving = new Map();
  /** @type {Map<Item, Map<number, Map<Part, Edge[]>>>} */
  const arriving = new Map();
  for (const edge of edges) {
    collect(leaving, edge.source, portAt(edge.source, edge.tensor, places), edge);
    collect(arriving, edge.target, portAt(edge.target, edge.tensor, places), edge);
  }
  spread(leaving, (edge, y) => { edge.y1 = y; }, () => 0);
  spread(arriving, (edge, y) => { edge.y2 = y; }, (edge, middle) => edge.y1 - middle);
}

function collect(/** @type {Map<Item, Map<number, Map<Part, Edge[]>>>} */ ports, /** @type {Item} */ item, /** @type {number} */ y, /** @type {Edge} */ edge) {
  if (!ports.has(item)) ports.set(item, new Map());
  const heights = /** @type {Map<number, Map<Part, Edge[]>>} */ (ports.get(item));
  if (!heights.has(y)) heights.set(y, new Map());
  const tensors = /** @type {Map<Part, Edge[]>} */ (heights.get(y));
  tensors.set(edge.tensor, [...(tensors.get(edge.tensor) || []), edge]);
}

/** Sets ports that would share a height apart, those from above on top, a straight one unmoved. */
function spread(/** @type {Map<Item, Map<number, Map<Part, Edge[]>>>} */ ports, /** @type {(edge: Edge, y: number) => void} */ set, /** @type {(edge: Edge, middle: number) => number} */ slope) {
  for (const heights of ports.values()) {
    for (const [middle, tensors] of heights) {
      const groups = [...tensors.values()].sort((a, b) => slope(a[0], middle) - slope(b[0], middle));
      const straight = groups.findIndex((group) => Math.abs(slope(group[0], middle)) < 1);
      const centre = straight === -1 ? (groups.length - 1) / 2 : straight;
      const step = Math.min(PORT_STEP, (BOX_HEIGHT / 2 - 6) / Math.max(centre, groups.length - 1 - centre, 1));
      groups.forEach((group, i) => group.forEach((edge) => set(edge, middle + (i - centre) * step)));
    }
  }
}

/** What lies where: lanes and gutters from top to bottom, each with the boxes in it. */
function streets(/** @type {Places} */ places) {
  /** @type {Slot[]} */
  const slots = [];
  /** @type {Gutter[]} */
  const gutters = [];
  const slot = (/** @type {number} */ from, /** @type {number} */ to) => slots.push({ from, to, starts: [], ends: [] });
  let end = -Infinity;
  for (const row of places.rows) {
    for (let lane = 0; lane < row.lanes; lane++) {
      const top = row.top + lane * (BOX_HEIGHT + LANE_GAP);
      slot(end, top);
      gutters.push({ y: top - LANE_GAP / 2, used: [] });
      slot(top, top + BOX_HEIGHT);
      end = top + BOX_HEIGHT;
    }
    gutters.push({ y: end + LANE_GAP / 2, used: [] });
  }
  slot(end, Infinity);
  for (const box of [...places.boxes].sort((a, b) => a.x - b.x)) {
    for (const s of slots) {
      if (s.from < box.y + box.h && s.to > box.y) {
        s.starts.push(box.x);
        s.ends.push(box.x + box.w);
      }
    }
  }
  return { slots, gutters };
}

/** Whether no box touches a rectangle. */
function isClear(/** @type {Slot[]} */ slots, /** @type {number} */ x1, /** @type {number} */ x2, /** @type {number} */ ya, /** @type {number} */ yb) {
  const top = Math.min(ya, yb), bottom = Math.max(ya, yb);
  for (const { from, to, starts, ends } of slots) {
    if (from > bottom || to < top) continue;
    let low = 0, high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] <= x1 + 0.5) low = middle + 1;
      else high = middle;
    }
    if (low < starts.length && starts[low] < x2 - 0.5) return false;
  }
  return true;
}

/** The path of an edge, as SVG writes it. */
function way(/** @type {Edge} */ edge, /** @type {{slots: Slot[], gutters: Gutter[]}} */ { slots, gutters }) {
  const { source, target, y1, y2 } = edge;
  const x1 = source.x + source.w, x2 = target.x - 1;
  if (Math.abs(y1 - y2) < 1 && isClear(slots, x1, x2, y1, y1)) return `M${x1} ${y1}H${x2}`;
  if (x2 - x1 < 150 && isClear(slots, x1, x2, y1, y2)) return `M${x1} ${y1}${bend(x1, y1, x2, y2)}`;
  const leave = turns(source, target, (item) => item.right);
  const enter = turns(target, source, (item) => item.left - TURN);
  const levels = [y2, y1, ...gutters.map((gutter) => gutter.y)]
    .sort((a, b) => Math.abs(a - y1) + Math.abs(a - y2) - Math.abs(b - y1) - Math.abs(b - y2));
  for (const y of levels) {
    for (const a of leave) {
      if (y !== y1 && !(isClear(slots, x1, a, y1, y1) && isClear(slots, a, a + TURN, y1, y))) continue;
      for (const b of enter) {
        const start = y === y1 ? x1 : a + TURN, end = y === y2 ? x2 : b;
        if (end < start || !isClear(slots, start, end, y, y)) continue;
        if (y !== y2 && !(isClear(slots, b, b + TURN, y, y2) && isClear(slots, b + TURN, x2, y2, y2))) continue;
        return along(edge, x1, a, b, x2, y === y1 || y === y2 ? y : beside(gutters, y, start, end));
      }
    }
  }
  return along(edge, x1, source.right, target.left - TURN, x2, gutters[0].y);
}

/** Where an edge may turn: beside the column of a box, and those of the frames around it. */
function turns(/** @type {Item} */ item, /** @type {Item} */ other, /** @type {(item: Item) => number} */ side) {
  const places = [];
  for (let at = /** @type {Item | null} */ (item); at && !isInside(other.part, at.part); at = at.around) places.push(side(at));
  return places;
}

/** A height in a gutter beside the edges that run there already. */
function beside(/** @type {Gutter[]} */ gutters, /** @type {number} */ y, /** @type {number} */ start, /** @type {number} */ end) {
  const gutter = gutters.find((each) => each.y === y);
  if (!gutter) return y;
  let track = gutter.used.findIndex((until) => until <= start);
  if (track === -1) track = gutter.used.length < 3 ? gutter.used.length : 0;
  gutter.used[track] = Math.max(end, gutter.used[track] || 0);
  return y + [0, -5, 5][track];
}

function along(/** @type {Edge} */ { y1, y2 }, /** @type {number} */ x1, /** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ x2, /** @type {number} */ y) {
  let d = `M${x1} ${y1}`;
  if (y !== y1) d += `H${a}${bend(a, y1, a + TURN, y)}`;
  if (y !== y2) d += `H${b}${bend(b, y, b + TURN, y2)}`;
  return `${d}H${x2}`;
}

function bend(/** @type {number} */ x1, /** @type {number} */ y1, /** @type {number} */ x2, /** @type {number} */ y2) {
  const middle = (x1 + x2) / 2;
  return `C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}
