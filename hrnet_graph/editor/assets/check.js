/**
 * From text to figure: one check at a time, of the newest text alone, so that nothing queues up.
 */

let isChecking = false;
let isDue = false;

/** A request's reply; null, with what is wrong in a bar where `isTold`, if there is none. */
async function ask(/** @type {Record<string, any>} */ message, isTold = false) {
  try {
    const reply = await transport.request(message);
    if (reply.error) throw new Error(reply.error);
    return reply;
  } catch (error) {
    if (isTold) tell("error", String(/** @type {any} */ (error).message || error), {}, true);
    return null;
  }
}

/** How the figure is seen, for requests. */
function asSeen() {
  const isDark = getComputedStyle(document.documentElement).colorScheme === "dark";
  return { view: look.view, only: look.only, expand: look.expand, colour: look.colour, fold: look.fold, theme: isDark ? "dark" : "light" };
}

/** Checks what is there now, at once or as soon as the check before is done. */
async function refresh() {
  isDue = true;
  showRest();
  if (isChecking) return;
  isChecking = true;
  while (isDue) {
    isDue = false;
    const { text } = doc;
    const busy = setTimeout(() => document.body.classList.add("busy"), 400);
    try {
      const panels = shownPanel === "try" ? ["none"] : [shownPanel];
      const reply = await transport.request({
        do: "check", text, path: file.name, start: text === file.start ? null : file.start,
        compare: $("compare").value || null, panels, ...options, ...asSeen(),
      });
      show(reply, text);
    } catch (error) {
      show({ problems: [unplaced(error)], figure: null, counts: null, controls: null }, text);
    }
    clearTimeout(busy);
    document.body.classList.remove("busy");
  }
  isChecking = false;
  showRest();
}

/** Whether what is shown is of the text that is there, and nothing is under way: for who waits. */
function showRest() {
  document.body.dataset.rest = String(!isChecking && !isDue && !isSetting && !wanted);
}

/** A problem with its line and column, where those are of the text itself. */
function placed(/** @type {any} */ problem) {
  const { line = null, column = null, end_line = null, end_column = null } = (problem.here && problem.mark) || {};
  return { ...problem, line, column, end_line, end_column };
}

const unplaced = (/** @type {any} */ error) => ({ place: "", key: "", message: String(error.message || error), hint: "", fixes: [], level: "error" });

/** Shows a check's reply. Where its text is no longer the newest, marks wait for the next one. */
function show(/** @type {any} */ reply, /** @type {string} */ text) {
  if (reply.error) reply = { problems: [unplaced(reply.error)], figure: null, counts: null, controls: null };
  if (text === doc.text) {
    problems = reply.problems.map(placed);
    drawLines();
    drawProblems();
    explain();
  }
  if (reply.choices) choices = reply.choices;
  showCounts(reply.counts);
  showFigure(reply);
  if (reply.panels) Object.assign(tables, reply.panels);
  if (reply.controls && reply.controls.length) updateControls(reply.controls);
  if (shownPanel !== "try") drawPanel();
  $("panel").classList.toggle("old", !reply.counts && shownPanel !== "try");
  document.body.dataset.shown = String(Number(document.body.dataset.shown || 0) + 1);
}

/** What is wrong, each with its place, and what mends it. */
function drawProblems() {
  $("problems").replaceChildren(...problems.slice(0, 50).map((problem) => el("li", { class: problem.level },
    problem.line
      ? button(`${problem.line}:${problem.column}`, () => goToLine(problem.line || 1, problem.column || 1), { class: "place", "aria-label": `${problem.level}, go to line ${problem.line}` })
      : problem.place ? el("span", { class: "place" }, problem.place.replace(/^.*[/\\]/, "")) : null,
    `${problem.key ? `${problem.key}: ` : ""}${problem.message}`,
    problem.hint ? el("p", {}, problem.hint) : null,
    problem.fixes.length ? el("div", { class: "row" }, ...problem.fixes.map((fix) => button(fix.title, () => applyFix(fix)))) : null)));
}

/** Mends a problem: sets a value, renames a key or removes it. */
async function applyFix(/** @type {any} */ fix) {
  if (fix.action === "set") return setValue(fix.key, fix.value);
  const { text } = doc;
  const reply = await ask({ do: "set", text, path: file.name, key: fix.key, value: fix.value, action: fix.action }, true);
  if (reply && text === doc.text) setText(reply.text);
}

/** How the text differs from the one that one began with. */
const drawChanges = later(() => {
  const [gone, come] = showDifference(file.start, doc.text);
  $("changed").textContent = gone || come ? `: ${come} ${come === 1 ? "line" : "lines"} added, ${gone} removed` : "";
  $("restart").disabled = doc.text === file.start;
}, 60);
