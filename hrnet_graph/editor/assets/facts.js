/**
 * What there is to know of the part that is chosen, and of the spec's line that it comes from.
 */

function showFacts(/** @type {string} */ path) {
  const part = parts[path];
  const pane = $("facts");
  pane.hidden = !part;
  if (!part) return;
  const share = (/** @type {string} */ key) => (total && total[key] && part[key] ? ` \u00b7 ${((100 * part[key]) / total[key]).toFixed(1)} %` : "");
  const rows = /** @type {[string, string][]} */ ([
    ["is", part.label || part.kind],
    ["gives", part.shapes.join(", ").replaceAll("x", "\u00d7")],
    ["params", part.params ? part.params.toLocaleString("en") + share("params") : "none"],
    ["MACs", part.macs ? short(part.macs) + share("macs") : "none"],
    ["activations", part.activations ? short(part.activations) : ""],
    ["layers", part.layers > 1 ? String(part.layers) : ""],
  ]).filter(([, value]) => value);
  refill(pane,
    el("h2", {}, part.name),
    button("\u00d7", () => choosePart(""), { class: "shut", "aria-label": "Close", "data-key": "shut" }),
    el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el("div", { class: "row" }, lineButton(part), ...openButtons(path, part)));
}

function lineButton(/** @type {any} */ part) {
  if (part.file) return el("span", { class: "quiet" }, `inherited: ${part.file}${part.line ? `, line ${part.line}` : ""}`);
  return part.line ? button(`Line ${part.line}`, () => goToLine(part.line, part.column), { "data-key": "line", title: part.key.join(".") }) : null;
}

function openButtons(/** @type {string} */ name, /** @type {any} */ part) {
  return [
    part.opens ? button("Open", () => toggleOpen(name), { "data-key": "open" }) : null,
    around(part.path) ? button("Close around", () => closeAround(part.path), { "data-key": "close" }) : null,
  ];
}

/** The innermost part that is open around another one. */
const around = (/** @type {string} */ path) => look.expand.filter((open) => path.startsWith(`${open}.`)).sort((a, b) => b.length - a.length)[0];

/** Opens a part by one level, or closes what is open around it where there is nothing inside. */
function toggleOpen(/** @type {string} */ name) {
  const part = parts[name];
  if (!part) return;
  if (!part.opens) return closeAround(part.path);
  look.expand = [...look.expand, part.path];
  refresh();
}

function closeAround(/** @type {string} */ path) {
  const open = around(path);
  if (!open) return;
  look.expand = look.expand.filter((each) => each !== open && !each.startsWith(`${open}.`));
  chosen = open;
  refresh();
}
