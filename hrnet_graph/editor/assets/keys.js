/**
 * Typing: what keys do in the text, and everywhere.
 */

let leaves = false;

/** Takes what was typed, pasted or dropped into the textarea. */
function onInput(/** @type {InputEvent} */ event) {
  const data = event.data || "";
  const kind = event.inputType === "insertText" && !/\s/.test(data) ? "type" : event.inputType === "deleteContentBackward" ? "delete" : "";
  if (area.value.length > MOST_TEXT) {
    tell("long", `A spec has at most 64 KiB; what was pasted has ${short(area.value.length)} characters, and was left out. Nothing is changed.`, {}, true);
    area.value = doc.text;
    area.setSelectionRange(doc.now.start, doc.now.end);
    return;
  }
  doc.push(area.value, area.selectionStart, area.selectionEnd, kind);
  if (event.inputType === "insertText" && /[\w:{ ,]/.test(data)) offer(false);
  else if (event.inputType === "deleteContentBackward" && !$("completions").hidden) offer(false);
  else closeOffer();
}

/** Keeps out what would be far too long before the browser has to lay it out. */
function onPaste(/** @type {ClipboardEvent | DragEvent} */ event) {
  const data = /** @type {any} */ (event).clipboardData || /** @type {any} */ (event).dataTransfer;
  const { length } = data ? data.getData("text/plain") : "";
  if (length + doc.text.length <= MOST_TEXT) return;
  event.preventDefault();
  tell("long", `A spec has at most 64 KiB; what was pasted has ${short(length)} characters, and was left out. Nothing is changed.`, {}, true);
}

function onTextKey(/** @type {KeyboardEvent} */ event) {
  if (onOfferKey(event)) return event.preventDefault();
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const tab = event.key === "Tab" && !leaves;
  if (event.key !== "Shift") leaves = event.key === "Escape";
  if (event.key === "Escape") {
    closeTip();
    note("Tab now leaves the text.");
  } else if (tab && isPlain) indent(event.shiftKey ? -2 : 2);
  else if (event.key === "Enter" && isPlain) breakLine();
  else if (event.key === " " && event.ctrlKey) offer(true);
  else if (event.key === "/" && (event.ctrlKey || event.metaKey)) comment();
  else if (event.key === "." && (event.ctrlKey || event.metaKey)) mend();
  else return;
  if (event.key !== "Escape") event.preventDefault();
}

/** A new line, as far in as the one before it, and further after a key that has no value. */
function breakLine() {
  const at = area.selectionStart;
  const line = doc.text.slice(doc.text.lastIndexOf("\n", at - 1) + 1, at);
  const [blank] = /^ */.exec(line) || [""];
  const opens = /:\s*$/.test(line) && !/^\s*#/.test(line);
  const item = /^ *- \S/.test(line) && !/[[{]$/.test(line) ? "- " : "";
  insert(`\n${blank}${opens ? "  " : item}`);
}

/** The lines that are selected, from the beginning of the first to the end of the last. */
function selectedLines() {
  const from = doc.text.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const end = doc.text.indexOf("\n", Math.max(area.selectionEnd - (area.selectionEnd > area.selectionStart ? 1 : 0), from));
  return { from, to: end < 0 ? doc.text.length : end };
}

function changeLines(/** @type {(line: string) => string} */ f) {
  const { from, to } = selectedLines();
  const lines = doc.text.slice(from, to).split("\n");
  const changed = lines.map(f).join("\n");
  const first = f(lines[0]).length - lines[0].length;
  const start = Math.max(from, area.selectionStart + first), grown = changed.length - (to - from);
  setText(doc.text.slice(0, from) + changed + doc.text.slice(to), "", [start, Math.max(start, area.selectionEnd + grown)]);
}

function indent(/** @type {number} */ by) {
  if (by > 0 && area.selectionStart === area.selectionEnd) insert("  ");
  else changeLines((line) => (by > 0 ? (line ? `  ${line}` : line) : line.replace(/^ {1,2}/, "")));
}

/** Makes lines comments, or comments lines. */
function comment() {
  const { from, to } = selectedLines();
  const lines = doc.text.slice(from, to).split("\n").filter((line) => line.trim());
  const all = lines.length && lines.every((line) => /^\s*#/.test(line));
  changeLines((line) => (!line.trim() ? line : all ? line.replace(/^(\s*)# ?/, "$1") : line.replace(/^(\s*)/, "$1# ")));
}

/** What a key does wherever the keyboard is. */
function onAnyKey(/** @type {KeyboardEvent} */ event) {
  const isControl = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  const target = /** @type {Element} */ (event.target);
  if (isControl && key === "s") save();
  else if (isControl && key === "z" && !event.altKey) doc.move(event.shiftKey ? 1 : -1);
  else if (isControl && key === "y") doc.move(1);
  else if (event.key === "F1") openHelp();
  else if (event.key === "F8") nextProblem(event.shiftKey ? -1 : 1);
  else if (event.key === "F6") turnPane(event.shiftKey ? -1 : 1);
  else if (event.key === "/" && !target.closest("input, select, textarea")) $("search").focus();
  else return;
  event.preventDefault();
}

/** Goes to the next thing that is wrong. */
function nextProblem(/** @type {number} */ step) {
  const placed = problems.filter((problem) => problem.line);
  if (!placed.length) return note("Nothing is wrong.");
  const { line, column } = placeOf(doc.text, area.selectionStart);
  const after = (/** @type {Problem} */ p) => [p.line || 0, p.column || 0];
  const ahead = (/** @type {Problem} */ p) => after(p)[0] - line || after(p)[1] - column;
  const next = step > 0 ? placed.find((p) => ahead(p) > 0) || placed[0] : placed.findLast((p) => ahead(p) < 0) || placed.at(-1);
  if (next) goToLine(next.line || 1, next.column || 1);
}

/** Does the first thing that mends the problem at the cursor, or the first problem of all. */
function mend() {
  const { line } = placeOf(doc.text, area.selectionStart);
  const problem = problems.find((each) => each.line === line && each.fixes.length) || problems.find((each) => each.fixes.length);
  if (problem) applyFix(problem.fixes[0]);
  else note("No fix is known.");
}

/** Moves the keyboard from pane to pane. */
function turnPane(/** @type {number} */ step) {
  const panes = [area, $("figure"), $("panel"), $("save")];
  const at = panes.findIndex((pane) => pane.contains(document.activeElement));
  panes[(at + step + panes.length) % panes.length].focus();
}

const HELP = /** @type {Record<string, Record<string, string>>} */ ({
  "In the text": {
    "Ctrl+Space": "complete what is typed", "Tab, Shift+Tab": "indent; press Escape first, and Tab leaves the text",
    "Ctrl+.": "mend what is wrong, where a fix is known", "F8, Shift+F8": "next and previous problem", "Ctrl+/": "comment lines out, and back",
  },
  "In the figure": {
    "Arrows": "from part to part", "Enter": "facts of a part, and its line in the spec", "O": "open a part, or close it again", "+ \u2212 0": "zoom in, zoom out, show everything",
    "Shift+arrows": "move the figure", "/": "find a part by name", "Escape": "choose nothing",
  },
  "Everywhere": { "Ctrl+S": "save", "Ctrl+Z, Ctrl+Shift+Z": "undo and redo, of sliders too", "F6": "to the next pane", "F1": "this help" },
});

function openHelp() {
  const lists = Object.entries(HELP).map(([title, keys]) => [
    el("h2", {}, title),
    el("dl", {}, ...Object.entries(keys).flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
  ]);
  const title = el("h2", { id: "help-title", class: "unseen" }, "Keys");
  $("help").replaceChildren(title, ...lists.flat(), button("Close", () => $("help").close(), { class: "main", autofocus: true }));
  $("help").showModal();
}
