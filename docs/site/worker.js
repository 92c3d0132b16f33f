/**
 * Python in a web worker: Pyodide, the wheels that lie beside it, and the editor's session.
 */

import { loadPyodide } from "./pyodide.mjs";

/** Of a machine without a home: where the wheels are unpacked. */
const PLACE = "/lib/python3.14/site-packages";

const SESSION = `
import json
from hrnet_graph.editor.session import answer
lambda text: json.dumps(answer(json.loads(text)))
`;

const session = start();
session.then(() => postMessage({ ready: true }), (error) => postMessage({ fatal: String(error) }));

/** @returns {Promise<(text: string) => string>} */
async function start() {
  const python = loadPyodide({ packages: [] });
  const names = await (await take("wheels.json")).json();
  const wheels = await Promise.all(names.map(async (/** @type {string} */ name) => (await take(name)).arrayBuffer()));
  const machine = await python;
  for (const wheel of wheels) machine.unpackArchive(wheel, "wheel", { extractDir: PLACE });
  return machine.runPython(SESSION);
}

async function take(/** @type {string} */ name) {
  const reply = await fetch(new URL(name, import.meta.url));
  if (!reply.ok) throw new Error(`${name}: ${reply.status} ${reply.statusText}`);
  return reply;
}

addEventListener("message", async ({ data }) => {
  try {
    const answer = await session;
    postMessage({ reply: answer(data) });
  } catch (error) {
    postMessage({ fatal: String(error) });
  }
});
