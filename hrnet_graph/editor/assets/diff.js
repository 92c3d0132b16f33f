/**
 * Two texts side by side, line by line: the longest lines in common stay, the others go or come.
 */

const MOST_COMPARED = 4_000_000;

/** Lines with what became of them: `same`, `del` or `add`. */
function compareLines(/** @type {string[]} */ before, /** @type {string[]} */ after) {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(before.length, after.length) - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const a = before.slice(head, before.length - tail), b = after.slice(head, after.length - tail);
  const middle = a.length * b.length > MOST_COMPARED
    ? [...a.map((line) => ["del", line]), ...b.map((line) => ["add", line])]
    : common(a, b);
  return [
    ...before.slice(0, head).map((line) => ["same", line]),
    ...middle,
    ...before.slice(before.length - tail).map((line) => ["same", line]),
  ];
}

/** The longest lines in common, by the table of lengths from the end. */
function common(/** @type {string[]} */ a, /** @type {string[]} */ b) {
  const wide = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * wide);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * wide + j] = a[i] === b[j] ? longest[(i + 1) * wide + j + 1] + 1 : Math.max(longest[(i + 1) * wide + j], longest[i * wide + j + 1]);
    }
  }
  const found = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) found.push(["same", a[i]]), (i += 1), (j += 1);
    else if (j >= b.length || (i < a.length && longest[(i + 1) * wide + j] >= longest[i * wide + j + 1])) found.push(["del", a[i++]]);
    else found.push(["add", b[j++]]);
  }
  return found;
}

/** Shows how one text became another: what changed, with two lines around it. */
function showDifference(/** @type {string} */ before, /** @type {string} */ after) {
  const lines = compareLines(before.split("\n"), after.split("\n"));
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - 2), i + 3).some(([kind]) => kind !== "same"));
  const shown = [];
  lines.forEach(([kind, line], i) => {
    if (near[i]) shown.push(el("div", { class: kind }, `${{ same: " ", del: "\u2212", add: "+" }[kind]} ${line}`));
    else if (near[i - 1]) shown.push(el("div", { class: "gap" }, "\u22ef"));
  });
  $("difference").replaceChildren(...(shown.length ? shown : [el("div", { class: "gap" }, "no difference")]));
  return [lines.filter(([kind]) => kind === "del").length, lines.filter(([kind]) => kind === "add").length];
}
