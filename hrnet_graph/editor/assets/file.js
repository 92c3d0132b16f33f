/**
 * The file: opened, saved, changed by others; downloads; a link that holds the spec.
 */

const file = { name: "spec.yaml", base: "", saved: "", start: "", writable: false, isSaving: false };
const KEPT = "hrnet-graph:text";
const MOST_LINK = 200_000;

const isChanged = () => doc.text !== file.saved;

/** Shows the file's name and whether it is saved. */
function showState(text = "") {
  $("name").textContent = file.name;
  document.title = `${isChanged() ? "\u2022 " : ""}${file.name} \u00b7 hrnet-graph`;
  $("state").textContent = text || (!file.writable ? "not a file" : isChanged() ? "not saved" : "saved");
  $("save").disabled = file.writable && !isChanged();
  $("save").textContent = file.writable ? "Save" : "Download";
}

/** Opens what the server has; what was typed before a reload or a lost server is offered again. */
async function openFile() {
  const opened = await ask({ do: "open" }, true);
  if (!opened) return;
  const { name, text, base, writable } = opened;
  const isFirst = !file.saved && !doc.text;
  Object.assign(file, { name, base, writable });
  if (!isFirst) return changedOnDisk(text, base);
  Object.assign(file, { saved: text, start: text });
  doc.reset(text);
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
  const reply = await ask({ do: "save", text, base: file.base }, true);
  file.isSaving = false;
  if (reply && typeof reply.conflict === "string") conflict(reply.conflict, reply.base);
  else if (reply) {
    Object.assign(file, { base: reply.base, saved: text });
    hush("error");
    hush("file");
    keepText();
  }
  showState();
}

/** The file was changed by somebody else: taken where nothing is lost by it, and else asked. */
function changedOnDisk(/** @type {string} */ text, /** @type {string} */ base) {
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

/** Downloads a file that is made of the spec. */
async function download(/** @type {string} */ kind) {
  $("more").open = false;
  note(`Making the ${kind} \u2026`);
  const made = await ask({ do: "export", as: kind, text: doc.text, path: file.name, ...asSeen() }, true);
  if (!made) return note("");
  const data = Uint8Array.from(atob(made.data), (each) => each.charCodeAt(0));
  const link = el("a", { download: made.name, href: URL.createObjectURL(new Blob([data], { type: made.type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  note(`${made.name} is downloaded.`);
}

/** Bytes through a stream that compresses or the contrary, `most` of them at most. */
async function through(/** @type {Uint8Array} */ data, /** @type {any} */ stream, most = Infinity) {
  const reader = new Blob([data]).stream().pipeThrough(stream).getReader();
  const chunks = [];
  let size = 0;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    size += value.length;
    if (size > most) throw new Error("too long");
    chunks.push(value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** A link to this page that holds the spec, compressed, behind its `#`, which no server sees. */
async function copyLink() {
  $("more").open = false;
  const packed = await through(new TextEncoder().encode(doc.text), new CompressionStream("deflate-raw"));
  const text = btoa(String.fromCharCode(...packed)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  history.replaceState(null, "", `#spec=${text}`);
  const address = transport.address ? transport.address(location.href) : location.href;
  try {
    await navigator.clipboard.writeText(address);
    note("The link is copied, and stands in the address.");
  } catch {
    note("The link stands in the address.");
  }
}

/** The spec that the address holds; null if it holds none. */
async function linkedText() {
  const packed = new URLSearchParams(location.hash.slice(1)).get("spec");
  if (!packed) return null;
  try {
    if (packed.length > MOST_LINK) throw new Error("too long");
    const data = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    const text = await through(data, new DecompressionStream("deflate-raw"), MOST_TEXT);
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    tell("link", "The link holds no spec that can be read: it is cut off, or too long.", {}, true);
    return null;
  }
}
