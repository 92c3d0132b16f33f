/**
 * Where the boxes go: one row a branch, columns in execution order.
 *
 * Every open part lays out its own children: each goes to the first column after all it reads, and
 * an open child takes a column for itself that is as wide as its own columns together. Rows are the
 * same all over the figure. A row has lanes for boxes of one branch that share a column.
 *
 * @typedef {{
 *   part: Part, x: number, y: number, w: number, h: number, left: number, right: number,
 *   lane: number, open: boolean, around: Item | null,
 * }} Item  a box, or the frame of an open part; `left` and `right` bound its column
 * @typedef {{
 *   boxes: Item[], frames: Item[], at: Map<Part, Item>, rows: Row[],
 *   left: number, right: number, top: number, bottom: number,
 * }} Places
 * @typedef {{top: number, bottom: number, lanes: number, from: number, to: number}} Row
 * @typedef {{part: Part, lane: number, inner: Inner | null, w: number}} Cell
 * @typedef {{w: number, columns: {x: number, w: number, cells: Cell[]}[], lanes: number[], heads: number[], feet: number[]}} Inner
 */

const BOX_HEIGHT = 62;
const LANE_GAP = 20;
const ROW_PAD = 16;
const HEAD = 18;
const FOOT = 6;
const FRAME_PAD = 16;
const MAX_LANES = 8;

function boxWidth(/** @type {Part} */ part) {
  return part.children.length ? 116 : part.kind === "op" ? 104 : 96;
}

/** Between columns: more room where shapes are written on the edges, and enough for the longest. */
function gapAfter(/** @type {Cell[]} */ cells) {
  const parts = cells.map((cell) => cell.part).filter((part) => part.kind !== "op");
  if (!parts.length) return 36;
  return Math.max(68, ...parts.flatMap(shapesOut).map((shape) => shapeWidth(shape) + 14));
}

/** The places of all boxes and frames while the parts in `open` are open. @returns {Places} */
function layout(/** @type {Network} */ network, /** @type {Set<Part>} */ open) {
  const inner = columnsOf(network.root, open, network.rows.length);
  const rows = rowsOf(inner);
  /** @type {Places} */
  const places = {
    boxes: [], frames: [], at: new Map(), rows,
    left: 0, right: inner.w, top: rows[0].from, bottom: rows[rows.length - 1].to,
  };
  place(inner, 0, null, places);
  return places;
}

/** The columns of an open part's children, and what it needs of every row. @returns {Inner} */
function columnsOf(/** @type {Part} */ container, /** @type {Set<Part>} */ open, /** @type {number} */ rows) {
  /** @type {Cell[][]} */
  const columns = [];
  /** @type {(("all" | number)[])[]} the lanes taken in every row of every column */
  const taken = [];
  const at = new Map();
  const laneOf = new Map();
  const lanes = new Array(rows).fill(1), heads = new Array(rows).fill(0), feet = new Array(rows).fill(0);
  for (const [child, before] of childrenBefore(container)) {
    const inner = open.has(child) ? columnsOf(child, open, rows) : null;
    const alone = inner !== null || child.top < child.bottom;
    let column = before.reduce((last, source) => Math.max(last, at.get(source) + 1), 0);
    while (!isFree(taken[column], child, alone)) column++;
    columns[column] ??= [];
    taken[column] ??= new Array(rows).fill(0);
    let lane = 0;
    if (!alone) {
      const lead = before.find((source) => laneOf.has(source) && source.top === child.top);
      lane = freeLane(Number(taken[column][child.top]), lead ? laneOf.get(lead) : 0);
      laneOf.set(child, lane);
      lanes[child.top] = Math.max(lanes[child.top], lane + 1);
    }
    for (let row = child.top; row <= child.bottom; row++) {
      taken[column][row] = alone ? "all" : Number(taken[column][row]) | (1 << lane);
      if (!inner) continue;
      lanes[row] = Math.max(lanes[row], inner.lanes[row]);
      heads[row] = Math.max(heads[row], inner.heads[row]);
      feet[row] = Math.max(feet[row], inner.feet[row]);
    }
    columns[column].push({ part: child, lane, inner, w: inner ? inner.w : boxWidth(child) });
    at.set(child, column);
  }
  const isFrame = container.parent !== null;
  if (isFrame) heads[container.top] += 1;
  if (isFrame) feet[container.bottom] += 1;
  return { ...widths(columns, isFrame ? FRAME_PAD : 0), lanes, heads, feet };
}

/** Whether a column has room for a child; `alone` is one that shares its rows with nobody. */
function isFree(/** @type {("all" | number)[] | undefined} */ taken, /** @type {Part} */ child, /** @type {boolean} */ alone) {
  if (!taken) return true;
  for (let row = child.top; row <= child.bottom; row++) {
    if (alone ? taken[row] : taken[row] === "all" || Number(taken[row]) >= (1 << MAX_LANES) - 1) return false;
  }
  return true;
}

/** The lane that is wanted, or else the first that is free; `taken` has a bit for each. */
function freeLane(/** @type {number} */ taken, /** @type {number} */ wanted) {
  if (!(taken & (1 << wanted))) return wanted;
  let lane = 0;
  while (taken & (1 << lane)) lane++;
  return lane;
}

function widths(/** @type {Cell[][]} */ columns, /** @type {number} */ pad) {
  let x = pad;
  const placed = [];
  for (let i = 0; i < columns.length; i++) {
    const w = Math.max(...columns[i].map((cell) => cell.w));
    placed.push({ x, w, cells: columns[i] });
    x += w + (i < columns.length - 1 ? gapAfter(columns[i]) : 0);
  }
  return { w: x + pad, columns: placed };
}

/** Rows from top to bottom: lanes of boxes, with room for the titles of the frames above them. */
function rowsOf(/** @type {Inner} */ inner) {
  let y = 0;
  return inner.lanes.map((lanes, row) => {
    const from = y;
    const top = from + 6 + inner.heads[row] * HEAD + ROW_PAD;
    const bottom = top + lanes * BOX_HEIGHT + (lanes - 1) * LANE_GAP;
    y = bottom + ROW_PAD + inner.feet[row] * FOOT + 6;
    return { top, bottom, lanes, from, to: y };
  });
}

/** Turns the columns of an open part into places on the plane. */
function place(/** @type {Inner} */ inner, /** @type {number} */ x, /** @type {Item | null} */ around, /** @type {Places} */ places) {
  for (const column of inner.columns) {
    const left = x + column.x, right = left + column.w;
    for (const { part, lane, inner: contents, w } of column.cells) {
      const top = places.rows[part.top], bottom = places.rows[part.bottom];
      /** @type {Item} */
      const item = {
        part, lane, left, right, around, open: contents !== null,
        x: left + (column.w - w) / 2, w, y: top.top, h: bottom.bottom - top.top,
      };
      places.at.set(part, item);
      if (contents) {
        item.y -= ROW_PAD + contents.heads[part.top] * HEAD;
        item.h = bottom.bottom + ROW_PAD + contents.feet[part.bottom] * FOOT - item.y;
        places.frames.push(item);
        place(contents, item.x, item, places);
        continue;
      }
      if (part.top === part.bottom) {
        item.y += lane * (BOX_HEIGHT + LANE_GAP);
        item.h = BOX_HEIGHT;
      }
      places.boxes.push(item);
    }
  }
}
