/**
 * The file: opened, saved, changed by others.
 */

const file = { name: "spec.yaml", base: "", saved: "", start: "", breaks: "\n", writable: false, isSaving: false, isGone: false };
const KEPT = "hrnet-graph:text";

const isChanged = () => file.isGone || doc.text !== file.saved;

/** A text of the file as a textarea has it, with `\n` alone; how the file breaks its lines is kept. */
function fromFile(/** @type {string} */ text) {
  file.breaks = /\r\n/.test(text) ? "\r\n" : "\n";
  return text.replace(/\r\n?/g, "\n");
}

const toFile = (/** @type {string} */ text) => text.replaceAll("\n", file.breaks);

/** Shows the file's name and whether it is saved. */
function showState(text = "") {
  $("name").textContent = file.name;
  document.title = `${isChanged() ? "\u2022 " : ""}${file.name} \u00b7 hrnet-graph`;
  $("state").textContent = text || (!file.writable ? (file.base ? "read-only" : "not a file") : isChanged() ? "not saved" : "saved");
  $("save").disabled = file.writable && !isChanged();
  $("save").textContent = file.writable ? "Save" : "Download";
}

/** Opens what the server has; what was typed before a reload or a lost server is offered again. */
async function openFile() {
  const opened = await ask({ do: "open" }, true);
  if (!opened) return;
  const { name, base, writable } = opened;
  const text = fromFile(opened.text);
  const isFirst = !file.saved && !doc.text;
  Object.assign(file, { name, base, writable });
  if (!isFirst) return changedOnDisk(text, base);
  Object.assign(file, { saved: text, start: text });
  doc.reset(text);
  area.readOnly = false;
  area.focus({ preventScroll: true });
  const kept = keptText();
  const linked = await linkedText();
  if (linked !== null && linked !== text) {
    setText(linked);
    tell("link", "The spec of the link is shown; it is not saved in the file.", { "Back to the file": () => setText(file.saved) });
  } else if (kept && kept.name === name && kept.text !== text) {
    tell("kept", "Changes were not saved when this page was left.", { Restore: () => setText(kept.text), Discard: () => keepText() });
  }
}

/** Keeps the text in the browser for as long as it is not saved. */
function keepText() {
  try {
    if (isChanged()) sessionStorage.setItem(KEPT, JSON.stringify({ name: file.name, text: doc.text }));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // a browser that keeps nothing
  }
}

function keptText() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
    return kept && typeof kept.text === "string" ? kept : null;
  } catch {
    return null;
  }
}

async function save() {
  if (!file.writable) return download("yaml");
  if (file.isSaving) return;
  file.isSaving = true;
  const { text } = doc;
  showState("saving \u2026");
  const reply = await ask({ do: "save", text: toFile(text), base: file.base }, true);
  file.isSaving = false;
  if (reply && typeof reply.conflict === "string") conflict(fromFile(reply.conflict), reply.base);
  else if (reply) {
    Object.assign(file, { base: reply.base, saved: text, isGone: false });
    hush("error");
    hush("file");
    keepText();
  }
  showState();
}

/** The file was changed by somebody else: taken where nothing is lost by it, and else asked. */
function changedOnDisk(/** @type {string} */ text, /** @type {string} */ base) {
  if (file.isGone) hush("file");
  file.isGone = false;
  if (text === doc.text) Object.assign(file, { base, saved: text });
  else if (text === file.saved) Object.assign(file, { base });
  else if (!isChanged()) {
    Object.assign(file, { base, saved: text });
    setText(text);
    note(`${file.name} was changed on disk, and is shown as it is now.`);
  } else conflict(text, base);
  showState();
}

/** Both have changed: nothing is lost until somebody says which to keep, and undo has the other. */
function conflict(/** @type {string} */ theirs, /** @type {string} */ base) {
  const keep = () => {
    Object.assign(file, { base, saved: theirs });
    showState();
  };
  tell("file", `${file.name} was changed on disk, and here too.`, {
    "Keep mine": () => { keep(); note("Save writes yours over it."); },
    "Take theirs": () => { Object.assign(file, { base, saved: theirs }); setText(theirs); },
    "Show the difference": () => {
      conflict(theirs, base);
      $("changes").open = true;
      showDifference(theirs, doc.text);
      $("changed").textContent = `: from the file on disk to the text here`;
    },
  }, true);
}
