/**
 * Compiles what a page would have to compile at every start: Python's own library, and what the
 * editor's session imports. Run by `make.py` with the site's folder, in node, which comes with npm.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const COMPILE = `
import compileall, json, shutil, sys
from pathlib import Path
from py_compile import PycInvalidationMode, compile
from zipfile import ZIP_DEFLATED, ZipFile

from hrnet_graph.editor.session import answer

UNCHECKED = PycInvalidationMode.UNCHECKED_HASH
LIBRARY, PLACE = Path("/lib/python314.zip"), Path("/lib/python3.14/site-packages")

text = answer({"do": "catalogue", "name": "hrnet_w32_cls"})["text"]
assert not answer({"do": "check", "text": text})["problems"]
with ZipFile("/bytecode.zip", "w", ZIP_DEFLATED) as archive:
    for module in [*sys.modules.values()]:
        file = Path(getattr(module, "__file__", None) or "/")
        if file.suffix == ".py" and file.is_relative_to(PLACE):
            compiled = Path(compile(str(file), invalidation_mode=UNCHECKED, doraise=True))
            archive.write(compiled, compiled.relative_to(PLACE))

shutil.unpack_archive(LIBRARY, "/library")
compileall.compile_dir(
    "/library", quiet=2, legacy=True, invalidation_mode=UNCHECKED,
    stripdir="/library", prependdir=str(LIBRARY),
)
with ZipFile("/library.zip", "w", ZIP_DEFLATED) as archive:
    for file in sorted(Path("/library").rglob("*")):
        if file.suffix != ".py" or not file.with_suffix(".pyc").exists():
            archive.write(file, file.relative_to("/library"))
`;

const [site] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${site}/pyodide.mjs`).href);
const python = await loadPyodide();
for (const name of JSON.parse(readFileSync(`${site}/wheels.json`, "utf8"))) {
  python.unpackArchive(new Uint8Array(readFileSync(`${site}/${name}`)), "wheel", { extractDir: "/lib/python3.14/site-packages" });
}
python.runPython(COMPILE);
writeFileSync(`${site}/bytecode.zip`, python.FS.readFile("/bytecode.zip"));
writeFileSync(`${site}/python_stdlib.zip`, python.FS.readFile("/library.zip"));
