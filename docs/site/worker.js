/**
 * Python in a web worker: Pyodide, the wheels that lie beside it, and the editor's session.
 */

import { loadPyodide } from "./pyodide.mjs";

const PLACE = "/lib/python3.14/site-packages";

const SESSION = `
import json
from hrnet_graph.editor.session import answer
from hrnet_graph.errors import error_line

def reply(text):
    try:
        return json.dumps(answer(json.loads(text)))
    except Exception as error:
        return json.dumps({"error": f"this has failed: {type(error).__name__}: {error_line(error)}"})

reply
`;

const session = start();
session.then(() => postMessage({ ready: true }), (error) => postMessage({ fatal: String(error) }));

/** A wheel is a zip; bytecode comes after its source.
 *
 * @returns {Promise<(text: string) => string>} */
async function start() {
  const names = await (await take("wheels.json")).json();
  const files = [...names, "bytecode.zip"].map(async (name) => (await take(name)).arrayBuffer());
  const python = await loadPyodide();
  for (const file of files) python.unpackArchive(await file, "zip", { extractDir: PLACE });
  return python.runPython(SESSION);
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
