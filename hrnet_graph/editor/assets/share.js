/**
 * Downloads, and a link that holds the spec.
 */

const MOST_LINK = 200_000;
const SHARPNESS = 2;
const MOST_PIXELS = 1e8;
const LONGEST_SIDE = 16_384;

/** Downloads a file that is made of the spec. */
async function download(/** @type {string} */ kind) {
  $("more").open = false;
  note(`Making the ${kind} \u2026`);
  const as = kind === "png" ? "svg" : kind;
  const made = await ask({ do: "export", as, text: doc.text, path: file.name, ...asSeen() }, true);
  if (!made) return note("");
  const data = new Blob([Uint8Array.from(atob(made.data), (each) => each.charCodeAt(0))], { type: made.type });
  const blob = kind === "png" ? await paint(data) : data;
  if (!blob) return tell("error", "The figure is too large to be painted here; take the svg.", {}, true);
  const name = made.name.replace(/\.svg$/, `.${kind}`);
  keep(blob, name);
  note(`${name} is downloaded.`);
}

/** Hands a file to the browser's downloads. */
function keep(/** @type {Blob} */ blob, /** @type {string} */ name) {
  const link = el("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** An svg as a png, painted by the browser, as sharp as its size allows. */
async function paint(/** @type {Blob} */ svg) {
  const image = new Image();
  image.src = URL.createObjectURL(svg);
  await image.decode();
  const { naturalWidth: w, naturalHeight: h } = image;
  const scale = Math.min(SHARPNESS, LONGEST_SIDE / Math.max(w, h), Math.sqrt(MOST_PIXELS / (w * h)));
  const canvas = el("canvas", { width: Math.round(w * scale), height: Math.round(h * scale) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
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
