/**
 * The way to Python in this browser: one web worker, asked one thing at a time, started again when
 * it fails or takes too long.
 */

const MOST_SECONDS = 30;
const FIRST = "hrnet_w32_cls";
const MISSING = location.protocol === "file:"
  ? "a browser runs it from a server of files alone, such as python -m http.server in this folder"
  : "a file of this page is missing, or the browser is too old";

/** @typedef {{message: Record<string, any>, resolve: (reply: any) => void, reject: (error: Error) => void}} Asked */

function connect() {
  /** @type {Asked[]} */
  const queue = [];
  /** @type {Worker} */
  let worker;
  let isReady = false;
  /** @type {number | undefined} */
  let timer;

  /** A worker from a blob has the page's policy: what Python may load, the page says. */
  const start = () => {
    isReady = false;
    tell("python", "Python is starting in this browser: some seconds.");
    const script = `import ${JSON.stringify(new URL("worker.js", document.baseURI))};`;
    const source = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    worker = new Worker(source, { type: "module" });
    worker.addEventListener("message", take);
    worker.addEventListener("error", () => fail(MISSING));
  };

  const take = (/** @type {MessageEvent} */ { data }) => {
    if (data.fatal) return fail(data.fatal.trim().split("\n").at(-1));
    if (data.ready) {
      isReady = true;
      hush("python");
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
    timer = setTimeout(() => fail(`it took more than ${MOST_SECONDS} s`), MOST_SECONDS * 1000);
  };

  /** Gives up what was asked, and starts again; nothing helps if that has never worked. */
  const fail = (/** @type {string} */ why) => {
    clearTimeout(timer);
    worker.terminate();
    const said = isReady ? `This was given up, and Python is started again: ${why}.` : `Python could not be started: ${why}.`;
    for (const { reject } of queue.splice(0, isReady ? 1 : Infinity)) reject(new Error(said));
    if (isReady) return start();
    tell("python", said, { "Load again": () => location.reload() }, true);
  };

  const ask = (/** @type {Record<string, any>} */ message) => new Promise((resolve, reject) => {
    queue.push({ message, resolve, reject });
    if (queue.length === 1) next();
  });

  const request = (/** @type {Record<string, any>} */ message) => (message.do === "open" ? openNetwork(ask) : ask(message));

  start();
  return { request, on: () => {} }; // nothing comes unasked: there is no server, and no file
}

/** The network that the address names (`?network=hrnet_w48_cls`), or one of the catalogue. */
async function openNetwork(/** @type {(message: any) => Promise<any>} */ ask) {
  const name = new URLSearchParams(location.search).get("network") || FIRST;
  const opened = await ask({ do: "catalogue", name }).catch((error) => {
    tell("error", error.message, {}, true);
    return ask({ do: "catalogue", name: FIRST });
  });
  return { ...opened, base: "", writable: false };
}
