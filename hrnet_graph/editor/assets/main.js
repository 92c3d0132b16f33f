/**
 * Everything put together.
 */

const transport = /** @type {any} */ (connect());
const VIEWS = ["figure", "stage", "module", "block", "layer", "fuse", "op"];

function takeText() {
  area.addEventListener("input", (/** @type {any} */ event) => onInput(event));
  area.addEventListener("paste", onPaste);
  area.addEventListener("drop", onPaste);
  area.addEventListener("keydown", onTextKey);
  area.addEventListener("beforeinput", (/** @type {InputEvent} */ event) => {
    const by = /** @type {Record<string, number>} */ ({ historyUndo: -1, historyRedo: 1 })[event.inputType];
    if (!by) return;
    event.preventDefault();
    doc.move(by);
  });
  document.addEventListener("selectionchange", () => document.activeElement === area && onCursor());
  area.addEventListener("focus", drawCursor);
  area.addEventListener("blur", () => { closeOffer(); drawCursor(); });
  $("gutter").addEventListener("click", (/** @type {any} */ event) => {
    const at = [...$("gutter").children].indexOf(event.target);
    const problem = problems.find((each) => each.line === at + 1);
    if (at >= 0) goToLine(at + 1, problem?.column || 1);
  });
  takeTips();
}

function onCursor() {
  doc.select(area.selectionStart, area.selectionEnd);
  drawCursor();
  explain();
}

function takeFile() {
  $("undo").addEventListener("click", () => doc.move(-1));
  $("redo").addEventListener("click", () => doc.move(1));
  $("save").addEventListener("click", save);
  $("link").addEventListener("click", copyLink);
  $("ask").addEventListener("click", openHelp);
  $("downloads").append(...["yaml", "svg", "png", "pdf", "py"].map((kind) => button(kind, () => download(kind), { "data-as": kind })));
  $("restart").addEventListener("click", () => {
    file.start = doc.text;
    drawChanges();
    refresh();
  });
  $("publish").addEventListener("change", publish);
  document.addEventListener("click", (event) => {
    if (!$("more").contains(event.target)) $("more").open = false;
  });
  $("more").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    $("more").open = false;
    $("more").querySelector("summary").focus();
  });
  addEventListener("beforeunload", (event) => {
    keepText();
    if (isChanged() && file.writable) event.preventDefault();
  });
}

/** Shows a published network's spec in the place of the text; undo brings that back. */
async function publish() {
  const name = $("publish").value;
  $("publish").value = "";
  $("more").open = false;
  const reply = name && (await ask({ do: "catalogue", name }, true));
  if (reply) setText(reply.text, "", [0, 0]);
}

function takeFigure() {
  const draw = () => $("views").replaceChildren(...VIEWS.map((name) => button(name, () => {
    Object.assign(look, { view: name, expand: [], only: "" });
    view.fits = true;
    draw();
    refresh();
  }, { "aria-pressed": String(name === look.view), "data-key": name })));
  draw();
  takePointers();
  takeSplit();
  $("figure").addEventListener("keydown", onFigureKey);
  $("zoom-in").addEventListener("click", () => zoom(1.25));
  $("zoom-out").addEventListener("click", () => zoom(0.8));
  $("fit").addEventListener("click", () => fit(true));
  $("colour").addEventListener("change", () => { look.colour = $("colour").value; refresh(); });
  $("fold").addEventListener("change", () => {
    Object.assign(look, { fold: $("fold").checked, expand: [] });
    view.fits = true;
    refresh();
  });
  $("search").addEventListener("input", () => { query = $("search").value; markFound(); });
  $("search").addEventListener("keydown", onSearchKey);
  new ResizeObserver(() => (view.fits ? fit() : applyView())).observe($("figure"));
}

function takeNumbers() {
  $("compare").addEventListener("change", refresh);
  $("tabs").addEventListener("keydown", onTabKey);
  drawTabs();
  drawPanel();
}

function takeTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (/** @type {boolean} */ isDark) => {
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
    $("theme").setAttribute("aria-pressed", String(isDark));
  };
  const chosenTheme = recall("theme");
  set(chosenTheme ? chosenTheme === "dark" : dark.matches);
  dark.addEventListener("change", () => { if (!recall("theme")) set(dark.matches), refresh(); });
  $("theme").addEventListener("click", () => {
    const isDark = $("theme").getAttribute("aria-pressed") !== "true";
    remember("theme", isDark ? "dark" : "light");
    set(isDark);
    refresh();
  });
}

/** The names of the catalogue, to compare with and to open. */
async function takeCatalogue() {
  const reply = await ask({ do: "catalogue" });
  for (const id of ["compare", "publish"]) $(id).append(...(reply?.names || []).map((/** @type {string} */ name) => el("option", { value: name }, name)));
}

function takeServer() {
  let isLost = false;
  transport.on("lost", () => {
    keepText();
    if (!isLost) tell("lost", "The server is gone. The text is kept in this page; it can be downloaded, and goes on as soon as the server is back.", {
      "Keep a copy": () => copyText(),
    }, true);
    isLost = true;
  });
  transport.on("connected", async () => {
    if (!isLost) return;
    isLost = false;
    hush("lost");
    await openFile();
    refresh();
  });
  transport.on("file", ({ text, base }) => changedOnDisk(fromFile(text), base));
  transport.on("gone", ({ error }) => {
    file.isGone = true;
    tell("file", `${error}. The text is kept here.`, {}, true);
    showState();
  });
  transport.on("extended", refresh);
  transport.on("busy", ({ message }) => note(message || "The server is busy."));
}

/** Downloads the text without any server. */
function copyText() {
  keep(new Blob([doc.text], { type: "application/yaml" }), file.name);
  tell("lost", "The server is gone. The text is kept in this page.", { "Keep a copy": () => copyText() }, true);
}

async function start() {
  doc.onchange(drawText);
  doc.onchange(() => { refresh(); showState(); drawChanges(); });
  doc.onchange(later(keepText, 300));
  takeText();
  takeFile();
  takeFigure();
  takeNumbers();
  takeTheme();
  takeServer();
  document.addEventListener("keydown", onAnyKey);
  await openFile();
  await takeCatalogue();
}

start();
