/**
 * YAML in colours, and places: lines and columns count from 1, columns in characters.
 */

const TOKEN = /("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?)|((?<=^|\s)#.*)|([A-Za-z_][\w.-]*|\d+)(?=\s*:(?:\s|$))|([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))|\b(true|false|null)\b|([-[\]{},:&*|>])|[\w./-]+|\s+|./gu;
const CLASSES = ["t-string", "t-comment", "t-key", "t-number", "t-word", "t-mark"];

/** A line's pieces with their classes, in order; text that is nothing special has none. */
function tokens(/** @type {string} */ line) {
  /** @type {{text: string, kind: string}[]} */
  const found = [];
  for (const match of line.matchAll(TOKEN)) {
    const kind = CLASSES[match.slice(1).findIndex((group) => group !== undefined)] || "";
    const last = found.at(-1);
    if (last && last.kind === kind) last.text += match[0];
    else found.push({ text: match[0], kind });
  }
  return found;
}

/** A line as spans; `ranges` of it, [from, to) in UTF-16, are underlined. */
function paintLine(/** @type {string} */ line, /** @type {[number, number][]} */ ranges) {
  if (line.length > 2000) return [document.createTextNode(line)];
  const pieces = [];
  let at = 0;
  for (const { text, kind } of tokens(line)) {
    const cuts = [0, text.length, ...ranges.flat().map((x) => x - at)].filter((x) => x >= 0 && x <= text.length).sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i += 1) {
      if (cuts[i] === cuts[i + 1]) continue;
      const isWrong = ranges.some(([from, to]) => at + cuts[i] >= from && at + cuts[i] < to);
      const piece = text.slice(cuts[i], cuts[i + 1]);
      pieces.push(kind || isWrong ? el("span", { class: `${kind}${isWrong ? " squiggle" : ""}`.trim() }, piece) : document.createTextNode(piece));
    }
    at += text.length;
  }
  return pieces;
}

/** Offset in UTF-16 -> line and column. */
function placeOf(/** @type {string} */ text, /** @type {number} */ offset) {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  const column = Array.from(before.slice(before.lastIndexOf("\n") + 1)).length + 1;
  return { line, column };
}

/** Line and column -> offset in UTF-16, the nearest there is. */
function offsetOf(/** @type {string} */ text, /** @type {number} */ line, /** @type {number} */ column) {
  const lines = text.split("\n");
  const at = Math.min(Math.max(line, 1), lines.length) - 1;
  const start = lines.slice(0, at).reduce((sum, each) => sum + each.length + 1, 0);
  return start + unitOf(lines[at], column);
}

/** A column in characters as one in UTF-16, from 0. */
const unitOf = (/** @type {string} */ line, /** @type {number} */ column) => Array.from(line).slice(0, Math.max(0, column - 1)).join("").length;

/** The word that begins at a unit of a line, for a problem that says no end. */
function wordEnd(/** @type {string} */ line, /** @type {number} */ from) {
  const match = /^[\w.+-]+|^.[^\s,\]}]*/u.exec(line.slice(from));
  return from + (match ? match[0].length : 1);
}
