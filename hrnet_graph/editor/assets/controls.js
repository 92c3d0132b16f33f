/**
 * Sliders, steppers and choices: each writes one value of the spec, and the text keeps the rest.
 */

/** What is to be written next: of one key, the newest value alone. */
/** @type {{key: string, value: any, kind: string} | null} */
let wanted = null;
let isSetting = false;
/** What has been written since the controls were drawn, and the text that has it. */
const written = { text: "", values: /** @type {Map<string, any>} */ (new Map()) };

/** Writes a value into the text, as soon as the one before is written. */
async function setValue(/** @type {string} */ key, /** @type {any} */ value, kind = "") {
  if (wanted && wanted.key !== key) await idle();
  wanted = { key, value, kind };
  if (isSetting) return;
  isSetting = true;
  showRest();
  while (wanted) {
    const now = /** @type {{key: string, value: any, kind: string}} */ (wanted);
    const { text } = doc;
    const reply = await ask({ do: "set", text, path: file.name, key: now.key, value: now.value }, true);
    if (text !== doc.text && reply) continue; // typed meanwhile: set again in what is there now
    if (wanted === now) wanted = null;
    if (!reply) continue;
    setText(reply.text, now.kind);
    if (written.text !== text) written.values.clear();
    written.values.set(now.key, now.value);
    written.text = doc.text;
  }
  isSetting = false;
  showRest();
}

/** When nothing is left to write. */
async function idle() {
  while (isSetting) await new Promise((done) => setTimeout(done, 5));
}

/** Asks for a change of the text by its stages, and makes it. */
async function changeStages(/** @type {string} */ what) {
  await idle();
  isSetting = true;
  showRest();
  const { text } = doc;
  const reply = await ask({ do: "stage", text, path: file.name, what }, true);
  if (reply && text === doc.text) setText(reply.text);
  isSetting = false;
  showRest();
  if (wanted) setValue(wanted.key, wanted.value, wanted.kind);
}

/** @type {any[]} */
let controls = [];

function drawControls() {
  const groups = new Map();
  for (const control of controls) groups.set(control.group, [...(groups.get(control.group) || []), control]);
  const sets = [...groups].map(([group, all]) => el("fieldset", { "data-group": group || "network" }, el("legend", {}, group || "network"), ...all.map(drawControl)));
  const count = new Set(controls.map((each) => /^stages\.(\d+)/.exec(each.key)?.[1]).filter(Boolean)).size;
  const stages = el("fieldset", {}, el("legend", {}, "stages"), el("div", { class: "row" },
    button("Add a stage", () => changeStages("add"), { "data-key": "stage-add" }),
    button("Remove the last", () => changeStages("remove"), { "data-key": "stage-remove", disabled: count < 2 })));
  const nothing = el("p", { class: "quiet" }, "The sliders come back as soon as the text is a spec.");
  return el("div", { class: "controls" }, ...(controls.length ? [...sets, stages] : [nothing]));
}

function drawControl(/** @type {any} */ control) {
  const { key, label, value, kind, meaning } = control;
  const id = `control-${key}`;
  const name = el("label", { for: id, title: meaning ? `${key}: ${meaning}` : key }, label);
  if (kind === "choice") {
    const options = control.choices.map((/** @type {string} */ each) => el("option", { value: each, selected: each === value }, each));
    return el("div", { class: "control wide" }, name, el("select", { id, "data-key": key, onchange: (/** @type {any} */ event) => setValue(key, event.target.value) }, ...options));
  }
  const number = el("input", { id, type: "number", min: 1, max: 65536, value, "data-key": key, onchange: (/** @type {any} */ event) => typedNumber(control, event.target) });
  if (kind === "stepper") {
    const step = (/** @type {number} */ by) => button(by < 0 ? "\u2212" : "+", () => setValue(key, Math.max(1, current(key) + by), `step ${key}`), {
      "aria-label": `${by < 0 ? "Less" : "More"} ${label}`, "data-key": `${key}${by}`, disabled: by < 0 && value <= 1 });
    return el("div", { class: "control" }, name, el("div", { class: "stepper" }, step(-1), number, step(1)));
  }
  const slide = (/** @type {any} */ event) => {
    number.value = event.target.value;
    setValue(key, Number(event.target.value), `slide ${key}`);
  };
  const range = el("input", { type: "range", min: control.min, max: control.max, step: control.step, "aria-label": label, "data-key": `${key} slider`, oninput: slide });
  range.value = String(value);
  return el("div", { class: "control" }, name, range, number);
}

/** The value of a key in the text as it is now, or is about to be. */
function current(/** @type {string} */ key) {
  if (wanted && wanted.key === key) return wanted.value;
  if (written.text === doc.text && written.values.has(key)) return written.values.get(key);
  return controls.find((each) => each.key === key)?.value;
}

function typedNumber(/** @type {any} */ control, /** @type {any} */ input) {
  const value = Number(input.value);
  if (Number.isInteger(value) && value >= 1 && value <= 65536) setValue(control.key, value);
  else {
    note(`${control.label}: expected an integer from 1 to 65536.`);
    input.value = control.value;
  }
}

/** Shows new values in the controls that there are; draws all where others are needed. */
function updateControls(/** @type {any[]} */ next) {
  const shape = (/** @type {any[]} */ all) => JSON.stringify(all.map(({ key, kind, min, max, choices }) => [key, kind, min, max, choices]));
  const isSame = shape(next) === shape(controls);
  controls = next;
  const pane = $("panel");
  if (shownPanel !== "try") return;
  if (!isSame || !pane.querySelector(".controls")) return refill(pane, drawControls());
  for (const { key, value, kind } of controls) {
    const input = pane.querySelector(`[id="control-${CSS.escape(key)}"]`);
    const range = pane.querySelector(`[data-key="${CSS.escape(key)} slider"]`);
    if (wanted && wanted.key === key) continue;
    if (input && (input !== document.activeElement || kind !== "number")) input.value = String(value);
    if (range) range.value = String(value);
    const less = pane.querySelector(`[data-key="${CSS.escape(key)}-1"]`);
    if (less) less.disabled = value <= 1;
  }
}
