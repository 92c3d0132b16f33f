/**
 * The way to Python in this browser: one web worker, asked one thing at a time, started again when
 * it fails or takes too long.
 */

const MOST_SECONDS = 30;
const FIRST = "hrnet_w32_cls";
const PIXELS = 192 / 72;
const MOST_PIXELS = 8192;
const NO_PDF = "A pdf is painted by Graphviz, which no browser has: take the svg, or hrnet-graph render on a machine.";

/** @typedef {{message: Record<string, any>, resolve: (reply: any) => void, reject: (error: Error) => void}} Asked */

function connect() {
  /** @type {Asked[]} */
  const queue = [];
  /** @type {Map<string, ((event: any) => void)[]>} */
  const listeners = new Map();
  /** @type {Worker} */
  let worker;
  let isReady = false;
  /** @type {number | undefined} */
  let timer;

  const emit = (/** @type {string} */ name, /** @type {any} */ event = {}) => {
    for (const f of listeners.get(name) || []) f(event);
  };

  /** A worker from a blob has the page's policy: what Python may load, the page says. */
  const start = () => {
    isReady = false;
    const script = `import ${JSON.stringify(new URL("worker.js", document.baseURI))};`;
    const source = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    worker = new Worker(source, { type: "module" });
    worker.addEventListener("message", take);
    worker.addEventListener("error", () => fail("Python could not be started: a file of this page is missing."));
  };

  const take = (/** @type {MessageEvent} */ { data }) => {
    if (data.fatal) return fail(`Python failed, and is started again: ${data.fatal.trim().split("\n").at(-1)}`);
    if (data.ready) {
      isReady = true;
      emit("ready");
    } else {
      const asked = queue.shift();
      const reply = JSON.parse(data.reply);
      if (reply.error) asked?.reject(new Error(reply.error));
      else asked?.resolve(reply);
    }
    next();
  };

  /** Sends what waits longest; the clock runs from here. */
  const next = () => {
    clearTimeout(timer);
    if (!isReady || !queue.length) return;
    worker.postMessage(JSON.stringify(queue[0].message));
    timer = setTimeout(() => fail(`This took more than ${MOST_SECONDS} s and was given up.`), MOST_SECONDS * 1000);
  };

  /** Tells whoever waits for an answer, and starts again if Python had been there. */
  const fail = (/** @type {string} */ why) => {
    clearTimeout(timer);
    worker.terminate();
    const failed = isReady ? queue.splice(0, 1) : queue.splice(0);
    for (const { reject } of failed) reject(new Error(why));
    if (isReady) start();
  };

  const ask = (/** @type {Record<string, any>} */ message) => new Promise((resolve, reject) => {
    queue.push({ message, resolve, reject });
    if (queue.length === 1) next();
  });

  const request = async (/** @type {Record<string, any>} */ message) => {
    if (message.do === "open") return open(ask);
    if (message.do !== "export") return ask(message);
    if (message.as === "pdf") throw new Error(NO_PDF);
    return message.as === "png" ? paint(await ask({ ...message, as: "svg" })) : ask(message);
  };

  start();
  const on = (/** @type {string} */ name, /** @type {(event: any) => void} */ f) => listeners.set(name, [...(listeners.get(name) || []), f]);
  return { request, on };
}

/** The network that the address names (`?network=hrnet_w48_cls`), or one of the catalogue. */
async function open(/** @type {(message: any) => Promise<any>} */ ask) {
  const name = new URLSearchParams(location.search).get("network") || FIRST;
  const opened = await ask({ do: "catalogue", name });
  return { ...opened, base: "", writable: false };
}

/** An svg as png, painted by the browser. */
async function paint(/** @type {{name: string, data: string}} */ { name, data }) {
  const svg = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  await image.decode();
  const [wide, high] = [image.width * 0.75, image.height * 0.75]; // in points
  const scale = Math.min(PIXELS, MOST_PIXELS / Math.max(wide, high));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(wide * scale), height: Math.round(high * scale) });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return { name: name.replace(/svg$/, "png"), type: "image/png", data: canvas.toDataURL("image/png").split(",")[1] };
}
