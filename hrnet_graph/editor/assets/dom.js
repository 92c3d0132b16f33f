/**
 * Elements, numbers as people read them, and what is said aloud. Texts only ever become text.
 */

const SVG = "http://www.w3.org/2000/svg";

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** An element with attributes, listeners (`onclick: f`) and children, which are elements or text. */
function el(/** @type {string} */ name, /** @type {Record<string, any>} */ attributes = {}, /** @type {any[]} */ ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(key, value);
    else if (value !== undefined && value !== null) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return /** @type {any} */ (element);
}

const button = (/** @type {string} */ text, /** @type {() => void} */ f, /** @type {Record<string, any>} */ more = {}) =>
  el("button", { type: "button", onclick: f, ...more }, text);

/** Three digits and a decimal prefix: 8921133056 -> `8.92 G`. */
function short(/** @type {number} */ number) {
  const sign = number < 0 ? "\u2212" : "";
  const size = Math.abs(number);
  for (const [power, prefix] of /** @type {[number, string][]} */ ([[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])) {
    if (Number(size.toPrecision(3)) >= power) {
      const scaled = Number((size / power).toPrecision(3));
      return `${sign}${scaled.toFixed(Math.max(0, 3 - String(Math.trunc(scaled)).length))} ${prefix}`;
    }
  }
  return `${sign}${Number.isInteger(size) ? size : size.toPrecision(3)}`;
}

/** Bytes in KiB, MiB or GiB. */
function bytes(/** @type {number} */ number) {
  for (const [power, unit] of /** @type {[number, string][]} */ ([[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]])) {
    if (number >= power) return `${(number / power).toFixed(number / power < 10 ? 2 : 1)} ${unit}`;
  }
  return `${number} B`;
}

const seconds = (/** @type {number} */ t) => (t >= 1 ? `${t.toFixed(2)} s` : t >= 1e-3 ? `${(t * 1e3).toFixed(2)} ms` : `${(t * 1e6).toFixed(1)} \u00b5s`);

const FORMS = /** @type {Record<string, (value: any) => string>} */ ({
  count: (value) => (typeof value === "number" ? short(value) : String(value)),
  bytes,
  seconds,
  number: (value) => (typeof value === "number" ? value.toLocaleString("en") : String(value)),
  text: String,
});

/** A difference in per cent of what it is from; in numbers where that was nothing. */
function changeFrom(/** @type {number} */ now, /** @type {number} */ before, /** @type {string} */ name) {
  if (now === before) return `as ${name}`;
  const share = Math.abs((100 * (now - before)) / before);
  const size = before ? `${share < 10 ? share.toFixed(1) : share.toFixed(0)} %` : short(Math.abs(now - before));
  return `${now > before ? "+" : "\u2212"}${size} from ${name}`;
}

const exact = (/** @type {number} */ now, /** @type {number} */ before, /** @type {string} */ name) =>
  `${now > before ? "+" : "\u2212"}${Math.abs(now - before).toLocaleString("en")} from ${name}, which has ${before.toLocaleString("en")}`;

const sign = (/** @type {number} */ now, /** @type {number} */ before) => (now > before ? "more" : now < before ? "less" : "");

/** Puts other children in the place of those that an element has, and keeps the focus by `data-key`. */
function refill(/** @type {any} */ parent, /** @type {any[]} */ ...children) {
  const at = parent.contains(document.activeElement) ? /** @type {any} */ (document.activeElement).dataset.key : null;
  const { scrollTop } = parent;
  parent.replaceChildren(...children);
  parent.scrollTop = scrollTop;
  if (at) parent.querySelector(`[data-key="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
}

/** Shows a bar above the panes until it is answered: a text, and what can be done. One of a kind. */
function tell(/** @type {string} */ kind, /** @type {string} */ text, /** @type {Record<string, () => void>} */ actions = {}, isWrong = false) {
  hush(kind);
  const shut = () => hush(kind);
  const buttons = Object.entries(actions).map(([title, f]) => button(title, () => { shut(); f(); }));
  const close = actions.OK || kind === "lost" ? null : button("Close", shut, { "aria-label": "Close this message" });
  $("bars").append(el("div", { class: isWrong ? "bar wrong" : "bar", "data-kind": kind }, el("p", {}, text), ...buttons, close));
}

function hush(/** @type {string} */ kind) {
  $("bars").querySelector(`[data-kind="${kind}"]`)?.remove();
}

const later = (/** @type {() => void} */ f, /** @type {number} */ wait) => {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(f, wait);
  };
};

/** What this browser remembers of how the page looks; nothing where it may not. */
function recall(/** @type {string} */ name) {
  try {
    return localStorage.getItem(`hrnet-graph:${name}`);
  } catch {
    return null;
  }
}

function remember(/** @type {string} */ name, /** @type {string} */ value) {
  try {
    localStorage.setItem(`hrnet-graph:${name}`, value);
  } catch {
    // a browser that keeps nothing shows the page as it is at first
  }
}
