/**
 * Counts above the figure and tables below it, each beside the start and the other network.
 */

const COUNTS = /** @type {[string, string, string][]} */ ([
  ["params", "Parameters", "Learnt numbers"],
  ["macs", "MACs", "Multiply-accumulates of one image; the HRNet papers' GFLOPs are MACs / 2^30"],
  ["flops", "FLOPs", "2 x MACs"],
  ["activations", "Activations", "Numbers in the results of all operations"],
]);
const TABS = /** @type {[string, string][]} */ ([["try", "Try"], ["stages", "Cost by part"], ["memory", "Memory"], ["roofline", "Roofline"], ["field", "Receptive field"], ["values", "Values changed"]]);

const options = /** @type {Record<string, any>} */ ({ by: "stage", device: "a100", precision: "float32", batch: 1 });
/** @type {Record<string, string[]>} */
let choices = {};
/** @type {Record<string, any>} */
let tables = {};
/** @type {any} */
let total = null;
let shownPanel = "try";

/** The counts of the network, with what differs. */
function showCounts(/** @type {any} */ counts) {
  $("counts").classList.toggle("old", !counts);
  if (!counts) return;
  total = counts.now;
  $("counts").replaceChildren(...COUNTS.map(([key, title, meaning]) => {
    const beside = /** @type {[string, string][]} */ ([["start", "start"], ["other", counts.other?.name || ""]])
      .filter(([which]) => counts[which] && (which === "other" || counts[which][key] !== counts.now[key]))
      .map(([which, name]) => el("small", { class: sign(counts.now[key], counts[which][key]), title: exact(counts.now[key], counts[which][key], name) }, changeFrom(counts.now[key], counts[which][key], name)));
    return el("div", { title: `${meaning}: ${counts.now[key].toLocaleString("en")}` }, el("dt", {}, title), el("dd", { "data-count": key, "data-value": counts.now[key] }, short(counts.now[key]), ...beside));
  }));
}

function drawTabs() {
  $("tabs").replaceChildren(...TABS.map(([name, title]) => button(title, () => openPanel(name), {
    role: "tab", id: `tab-${name}`, "aria-controls": "panel", "aria-selected": String(name === shownPanel), tabindex: name === shownPanel ? 0 : -1, "data-key": name,
  })));
  $("panel").setAttribute("aria-labelledby", `tab-${shownPanel}`);
}

function openPanel(/** @type {string} */ name) {
  shownPanel = name;
  const hasFocus = $("tabs").contains(document.activeElement);
  drawTabs();
  if (hasFocus) $(`tab-${name}`).focus();
  $("panel").scrollTop = 0;
  drawPanel();
  if (name !== "try") refresh();
}

function onTabKey(/** @type {KeyboardEvent} */ event) {
  const step = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 })[event.key];
  if (!step) return;
  const at = TABS.findIndex(([name]) => name === shownPanel);
  openPanel(TABS[(at + step + TABS.length) % TABS.length][0]);
  event.preventDefault();
}

function drawPanel() {
  if (shownPanel === "try") return refill($("panel"), drawControls());
  const table = tables[shownPanel];
  refill($("panel"), drawChoices(), table ? drawTable(table) : el("p", { class: "quiet" }, "Counting \u2026"));
}

/** What there is to choose for a table. */
function drawChoices() {
  const names = /** @type {Record<string, string[]>} */ ({ stages: ["by"], memory: ["precision"], roofline: ["device", "precision", "batch"] })[shownPanel] || [];
  const fields = names.map((name) => {
    const take = (/** @type {any} */ event) => {
      options[name] = name === "batch" ? Math.min(4096, Math.max(1, Math.round(Number(event.target.value)) || 1)) : event.target.value;
      refresh();
    };
    const list = choices[name];
    const input = list
      ? el("select", { onchange: take, "data-key": name }, ...list.map((each) => el("option", { selected: each === options[name] }, each)))
      : el("input", { type: "number", min: 1, max: 4096, value: options[name], onchange: take, "data-key": name });
    return el("label", { class: "quiet" }, name, input);
  });
  return fields.length ? el("div", { class: "choices" }, ...fields) : null;
}

function drawTable(/** @type {any} */ table) {
  if (table.error) return el("p", { class: "notes" }, table.error);
  const { columns, rows } = table;
  const most = Object.fromEntries(columns.map((/** @type {any} */ column) => [column.key, Math.max(0, ...rows.map((/** @type {any} */ row) => Number(row[column.key]) || 0))]));
  const isRight = (/** @type {any} */ column) => (column.holds === "text" ? "" : "number");
  const cell = (/** @type {any} */ column, /** @type {any} */ row) => drawCell(column, row, most[column.key]);
  const line = (/** @type {any} */ row, kind = "") => el("tr", { class: kind }, ...columns.map((/** @type {any} */ column) => el("td", { class: isRight(column) }, ...cell(column, row))));
  const head = el("tr", {}, ...columns.map((/** @type {any} */ column) => el("th", { class: isRight(column), scope: "col" }, column.title)));
  const notes = (table.notes || []).map((/** @type {string} */ text) => el("p", {}, text));
  return el("div", {}, rows.length ? el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows.map((/** @type {any} */ row) => line(row)), table.total ? line(table.total, "total") : null)) : null, el("div", { class: "notes" }, ...notes));
}

function drawCell(/** @type {any} */ column, /** @type {any} */ row, /** @type {number} */ most) {
  const value = row[column.key];
  if (value === undefined || value === null) return [];
  const form = FORMS[column.holds] || String;
  const beside = column.beside
    ? /** @type {[string, string][]} */ ([["start_", "start"], ["other_", $("compare").value]])
      .filter(([prefix]) => row[prefix + column.key] !== undefined && (row[prefix + column.key] !== value || prefix === "other_"))
      .map(([prefix, name]) => el("small", { class: sign(value, row[prefix + column.key]), title: exact(value, row[prefix + column.key], name) }, changeFrom(value, row[prefix + column.key], name)))
    : [];
  const bar = column.bar && typeof value === "number" && most && !("bound" in row && row.part === "total") ? el("meter", { max: most, value, "aria-hidden": "true" }) : null;
  return [form(value), bar, ...beside].filter(Boolean);
}
