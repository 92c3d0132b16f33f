/**
 * What may be typed here, and what stands here: completion and meanings, as the language says.
 *
 * @typedef {{label: string, insert: string, after: string, detail: string, kind: string, meaning: string,
 *   range: {line: number, column: number, end_line: number, end_column: number}}} Completion
 */

/** @type {Completion[]} */
let offered = [];
let choice = 0;
let asked = 0;

const IDLE = "`Ctrl+Space` completes, `F1` shows all keys.";

/** What a completion takes the place of: from, the cursor, and to. */
function spanOf(/** @type {Completion} */ { range }) {
  const at = area.selectionStart;
  const from = Math.min(at, offsetOf(doc.text, range.line, range.column));
  return { from, at, to: Math.max(at, offsetOf(doc.text, range.end_line, range.end_column)) };
}

/** What is typed of a completion already. */
const typedOf = (/** @type {Completion} */ each) => {
  const { from, at } = spanOf(each);
  return doc.text.slice(from, at).toLowerCase();
};

/** Asks for completions at the cursor, and shows those that go on with what is typed. */
async function offer(/** @type {boolean} */ isAsked, isQuiet = false) {
  const mine = (asked += 1);
  const { text } = doc;
  const reply = await ask({ do: "complete", text, path: file.name, ...placeOf(text, area.selectionStart) });
  if (mine !== asked || text !== doc.text || !reply) return;
  const all = /** @type {Completion[]} */ (reply.completions);
  const starts = (/** @type {Completion} */ each) => each.label.toLowerCase().startsWith(typedOf(each));
  const has = (/** @type {Completion} */ each) => each.label.toLowerCase().includes(typedOf(each));
  offered = [...all.filter(starts), ...all.filter((each) => !starts(each) && has(each))].slice(0, 60);
  const isDone = offered.length === 1 && (offered[0].insert + offered[0].after).toLowerCase() === typedOf(offered[0]);
  if (!offered.length || (!isAsked && (isDone || !typedOf(offered[0])))) return closeOffer(isAsked && !isQuiet ? "Nothing completes this." : "");
  choice = 0;
  drawOffer();
}

function drawOffer() {
  const list = $("completions");
  list.replaceChildren(...offered.map((each, i) =>
    el("li", { role: "option", id: `offer-${i}`, onpointerdown: (/** @type {Event} */ event) => { event.preventDefault(); choice = i; take(); } },
      el("span", {}, each.label), el("small", {}, ...markdown(each.detail || each.kind)))));
  list.hidden = false;
  place(list, rectAt(spanOf(offered[0]).from));
  area.setAttribute("aria-controls", "completions");
  choose(0);
}

/** Puts something that floats below a place, or above it where there is no room. */
function place(/** @type {any} */ floating, /** @type {DOMRect} */ at) {
  const { offsetWidth, offsetHeight } = floating;
  const top = at.bottom + 4 + offsetHeight > innerHeight && at.top > offsetHeight ? at.top - 4 - offsetHeight : at.bottom + 4;
  floating.style.left = `${Math.max(8, Math.min(at.left, innerWidth - offsetWidth - 8))}px`;
  floating.style.top = `${top}px`;
}

function choose(/** @type {number} */ at) {
  choice = (at + offered.length) % offered.length;
  [...$("completions").children].forEach((option, i) => option.setAttribute("aria-selected", String(i === choice)));
  $("completions").children[choice].scrollIntoView({ block: "nearest" });
  area.setAttribute("aria-activedescendant", `offer-${choice}`);
}

function closeOffer(why = "") {
  asked += 1;
  offered = [];
  $("completions").hidden = true;
  area.removeAttribute("aria-activedescendant");
  if (why) note(why);
}

/** Writes what is chosen, and leaves the cursor where one goes on. */
function take() {
  const { from, to } = spanOf(offered[choice]);
  const { insert: piece, after } = offered[choice];
  closeOffer();
  const at = from + piece.length;
  setText(doc.text.slice(0, from) + piece + after + doc.text.slice(to), "", [at, at]);
  if (/[:{] ?$/.test(piece)) offer(true, true);
}

/** Whether a key was for the completions. */
function onOfferKey(/** @type {KeyboardEvent} */ event) {
  if ($("completions").hidden) return false;
  const step = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 })[event.key];
  if (step) choose(Math.abs(step) > 1 ? Math.max(0, Math.min(offered.length - 1, choice + step)) : choice + step);
  else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) take();
  else if (event.key === "Escape") closeOffer();
  else return false;
  return true;
}

/** The meaning of what the cursor is on, below the text. */
const explain = later(async () => {
  const { text } = doc, at = area.selectionStart;
  const { line, column } = placeOf(text, at);
  const reply = await ask({ do: "hover", text, path: file.name, line, column });
  if (text === doc.text && at === area.selectionStart) note((reply && reply.text) || IDLE);
}, 120);

/** Shows Markdown that is plain: code, bold, and lines. */
function markdown(/** @type {string} */ text) {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).map((piece) => {
    if (/^`.+`$/.test(piece)) return el("code", {}, piece.slice(1, -1));
    return /^\*\*.+\*\*$/.test(piece) ? el("b", {}, piece.slice(2, -2)) : piece.replace(/\\([_*`\\])/g, "$1");
  });
}

function note(/** @type {string} */ text) {
  $("hint").replaceChildren(...markdown(text.replace(/\n+- /g, " \u00b7 ").replace(/\s*\n\s*/g, "  ")));
}

/** Tips of what the pointer rests on. */
function takeTips() {
  const rest = { x: 0, y: 0 };
  const look = later(() => tip(rest.x, rest.y), 350);
  area.addEventListener("pointermove", (event) => {
    Object.assign(rest, { x: event.clientX, y: event.clientY });
    closeTip();
    if (!event.buttons && event.pointerType === "mouse") look();
  });
  area.addEventListener("pointerleave", () => { rest.x = -1; closeTip(); });
}

function closeTip() {
  $("tip").hidden = true;
}

/** The offset in the text that is nearest to a point of the screen; -1 beside the text. */
function offsetAt(/** @type {number} */ x, /** @type {number} */ y) {
  const rows = $("under").children;
  const at = Math.floor((y - $("under").getBoundingClientRect().top - 10) / 20);
  const line = doc.text.split("\n")[at];
  if (!rows[at] || line === undefined) return -1;
  const start = offsetOf(doc.text, at + 1, 1);
  let low = 0, high = line.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rectAt(start + middle).left <= x) low = middle;
    else high = middle - 1;
  }
  return x > rectAt(start + line.length).left + 8 ? -1 : start + low;
}

async function tip(/** @type {number} */ x, /** @type {number} */ y) {
  const at = x < 0 ? -1 : offsetAt(x, y);
  if (at < 0 || !$("completions").hidden) return;
  const { text } = doc;
  const { line, column } = placeOf(text, at);
  const units = unitOf(text.split("\n")[line - 1], column);
  const wrong = problems.filter((each) => each.line === line && rangesOf(text.split("\n"), line).some(([from, to]) => units >= from && units < to));
  const reply = wrong.length ? null : await ask({ do: "hover", text, path: file.name, line, column });
  const said = wrong.length ? wrong.map((each) => [each.message, each.hint].filter(Boolean).join("\n")).join("\n\n") : reply ? reply.text : "";
  if (!said || text !== doc.text || !area.matches(":hover")) return;
  $("tip").replaceChildren(...markdown(said));
  $("tip").hidden = false;
  place($("tip"), new DOMRect(x, rectAt(at).top, 0, 20));
}
