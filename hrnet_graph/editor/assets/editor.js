/**
 * The text pane: a textarea over its own text in colours, line numbers, marks of what is wrong.
 *
 * @typedef {{line: number | null, column: number | null, end_line: number | null, end_column: number | null,
 *   place: string, key: string, message: string, hint: string, level: string,
 *   fixes: {title: string, key: string, value: any, action: string}[]}} Problem
 */

const MOST_TEXT = 200_000;
const MOST_COLOURED = 120_000;

const doc = new History();
/** @type {Problem[]} */
let problems = [];
/** @type {string[]} */
let shownLines = [];
/** @type {string[]} */
let shownMarks = [];

const area = /** @type {HTMLTextAreaElement} */ ($("text"));

/** Changes the text as one step that undo takes back; the cursor stays by the text around it. */
function setText(/** @type {string} */ text, kind = "", /** @type {[number, number] | null} */ selection = null) {
  const before = doc.text;
  if (text === before) return;
  let head = 0;
  while (head < text.length && head < before.length && text[head] === before[head]) head += 1;
  const grown = text.length - before.length;
  const move = (/** @type {number} */ at) => (at <= head ? at : Math.max(head, at + grown));
  const [start, end] = selection || [move(area.selectionStart), move(area.selectionEnd)];
  doc.push(text, Math.min(start, text.length), Math.min(end, text.length), kind);
}

/** Puts another text where the cursor is or something is selected. */
function insert(/** @type {string} */ piece, from = area.selectionStart, to = area.selectionEnd, kind = "") {
  setText(doc.text.slice(0, from) + piece + doc.text.slice(to), kind, [from + piece.length, from + piece.length]);
}

/** Shows the text of the history in the textarea, in colours. */
function drawText() {
  const { text, start, end } = doc.now;
  if (area.value !== text) {
    area.value = text;
    area.setSelectionRange(start, end);
    if (document.activeElement === area) reveal(start);
  }
  $("undo").disabled = !doc.canUndo;
  $("redo").disabled = !doc.canRedo;
  drawLines();
}

/** Draws again the lines that have changed, or whose marks have. */
function drawLines() {
  const { text } = doc;
  const isPlain = text.length > MOST_COLOURED;
  area.classList.toggle("plain", isPlain);
  const lines = isPlain ? [""] : text.split("\n");
  const marks = lines.map((_, i) => JSON.stringify(rangesOf(lines, i + 1)));
  const under = $("under"), gutter = $("gutter");
  let head = 0;
  while (head < lines.length && head < shownLines.length && lines[head] === shownLines[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(lines.length, shownLines.length) - head && lines.at(-1 - tail) === shownLines.at(-1 - tail)) tail += 1;
  const children = [...under.children];
  for (const child of children.slice(head, shownLines.length - tail)) child.remove();
  const fresh = lines.slice(head, lines.length - tail).map(() => el("div"));
  const next = under.children[head] || null;
  for (const line of fresh) under.insertBefore(line, next);
  const kept = [...shownMarks.slice(0, head), ...fresh.map(() => ""), ...shownMarks.slice(shownMarks.length - tail)];
  lines.forEach((line, i) => {
    if (kept[i] !== marks[i] || (i >= head && i < lines.length - tail)) under.children[i].replaceChildren(...paintLine(line, JSON.parse(marks[i])));
  });
  [shownLines, shownMarks] = [lines, marks];
  drawGutter(gutter, lines.length);
}

/** The ranges of a line that problems are about, in UTF-16. */
function rangesOf(/** @type {string[]} */ lines, /** @type {number} */ line) {
  /** @type {[number, number][]} */
  const ranges = [];
  for (const problem of problems) {
    if (problem.line !== line) continue;
    const text = lines[line - 1];
    let from = unitOf(text, problem.column || 1);
    let to = problem.end_line === line && problem.end_column ? unitOf(text, problem.end_column) : problem.end_line && problem.end_line > line ? text.length : wordEnd(text, from);
    if (from >= text.length) [from, to] = [Math.max(0, text.length - 1), text.length];
    ranges.push([from, Math.max(to, from + 1)]);
  }
  return ranges;
}

function drawGutter(/** @type {any} */ gutter, /** @type {number} */ count) {
  while (gutter.children.length > count) gutter.lastChild.remove();
  while (gutter.children.length < count) gutter.append(el("div", {}, String(gutter.children.length + 1)));
  for (const marked of [...gutter.querySelectorAll(".wrong")]) {
    marked.classList.remove("wrong", "warning");
    marked.removeAttribute("title");
  }
  for (const problem of problems) {
    const row = problem.line && gutter.children[problem.line - 1];
    if (!row) continue;
    row.classList.add("wrong");
    row.classList.toggle("warning", problem.level === "warning" && !row.title);
    row.title = row.title ? `${row.title}\n${problem.message}` : problem.message;
  }
  drawCursor();
}

/** Marks the line that the cursor is in. */
function drawCursor() {
  const line = placeOf(doc.text, area.selectionEnd).line - 1;
  for (const name of ["gutter", "under"]) {
    for (const old of [...$(name).querySelectorAll(".here")]) old.classList.remove("here");
    if (document.activeElement === area) $(name).children[line]?.classList.add("here");
  }
}

/** Where a place of the text is on the screen. */
function rectAt(/** @type {number} */ offset) {
  const { line } = placeOf(doc.text, offset);
  const row = $("under").children[line - 1];
  if (!row) return area.getBoundingClientRect();
  const start = doc.text.lastIndexOf("\n", offset - 1) + 1;
  let left = offset - start;
  const range = document.createRange();
  range.selectNodeContents(row);
  const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const { length } = /** @type {Text} */ (node);
    if (left <= length) {
      range.setStart(node, left);
      range.setEnd(node, left);
      break;
    }
    left -= length;
  }
  const box = range.getBoundingClientRect();
  const around = row.getBoundingClientRect();
  return new DOMRect(box.width || box.x ? box.x : around.x + 6, around.y, 0, around.height);
}

/** Scrolls as little as brings a place into view. */
function reveal(/** @type {number} */ offset) {
  const at = rectAt(offset), pane = $("scroller"), view = pane.getBoundingClientRect();
  const left = view.left + $("gutter").offsetWidth + 12;
  if (at.top < view.top + 20) pane.scrollTop -= view.top + 20 - at.top;
  else if (at.bottom > view.bottom - 20) pane.scrollTop += at.bottom - view.bottom + 20;
  if (at.left < left) pane.scrollLeft -= left - at.left;
  else if (at.left > view.right - 40) pane.scrollLeft += at.left - view.right + 40;
}

/** Puts the cursor at a place, and the keyboard with it. */
function goToLine(/** @type {number} */ line, column = 1) {
  const at = offsetOf(doc.text, line, column);
  area.focus({ preventScroll: innerWidth > 800 });
  area.setSelectionRange(at, wordEndAt(at));
  reveal(at);
  onCursor();
}

function wordEndAt(/** @type {number} */ at) {
  const end = doc.text.indexOf("\n", at);
  const line = doc.text.slice(at, end < 0 ? doc.text.length : end);
  return line ? at + wordEnd(line, 0) : at;
}
