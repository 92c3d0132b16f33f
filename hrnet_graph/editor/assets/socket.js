/**
 * The way to the server: one WebSocket, JSON both ways; opened again when it is lost.
 */

const LONGEST_WAIT = 5000;

function connect() {
  /** @type {Map<number, {resolve: (reply: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  /** @type {Map<string, ((event: any) => void)[]>} */
  const listeners = new Map();
  /** @type {WebSocket | null} */
  let socket = null;
  /** @type {string[]} */
  let unsent = [];
  let id = 0, pause = 250;

  const emit = (/** @type {string} */ name, /** @type {any} */ event = {}) => {
    for (const f of listeners.get(name) || []) f(event);
  };

  const open = () => {
    const address = new URL("socket", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.search = location.search;
    address.hash = "";
    socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      pause = 250;
      for (const message of unsent.splice(0)) /** @type {WebSocket} */ (socket).send(message);
      emit("connected");
    });
    socket.addEventListener("message", take);
    socket.addEventListener("close", lose);
  };

  const take = (/** @type {MessageEvent} */ event) => {
    const message = JSON.parse(event.data);
    if (message.id === undefined) return emit(message.event, message);
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) asked?.reject(new Error(message.error));
    else asked?.resolve(message);
  };

  const lose = () => {
    for (const { reject } of waiting.values()) reject(new Error("The server is gone; the text is kept here."));
    waiting.clear();
    unsent = [];
    emit("lost");
    setTimeout(open, pause);
    pause = Math.min(2 * pause, LONGEST_WAIT);
  };

  open();
  return {
    request: (/** @type {Record<string, any>} */ message) => new Promise((resolve, reject) => {
      id += 1;
      const text = JSON.stringify({ id, ...message });
      if (socket && socket.readyState === WebSocket.OPEN) socket.send(text);
      else if (socket && socket.readyState === WebSocket.CONNECTING) unsent.push(text);
      else return reject(new Error("The server is gone; the text is kept here."));
      waiting.set(id, { resolve, reject });
    }),
    on: (/** @type {string} */ name, /** @type {(event: any) => void} */ f) => listeners.set(name, [...(listeners.get(name) || []), f]),
  };
}
