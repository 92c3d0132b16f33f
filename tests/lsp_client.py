"""An editor's side of the language server: the real command, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

T = TypeVar("T")


class Editor:
    """One editor with one server, that opens texts and waits for what the server says of them."""

    def __init__(self, folder: Path, **general: Any) -> None:
        self.folder = folder
        self.client = LanguageClient("editor", "1")
        self.said: list[types.PublishDiagnosticsParams] = []
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(
            lambda params: self.said.append(params)
        )
        self.client.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: None)
        self._loop = asyncio.new_event_loop()
        item = types.ClientCompletionItemOptions(snippet_support=True)
        text = types.TextDocumentClientCapabilities(
            completion=types.CompletionClientCapabilities(completion_item=item)
        )
        edit = types.WorkspaceEditClientCapabilities(document_changes=True)
        abilities = types.ClientCapabilities(
            text_document=text,
            workspace=types.WorkspaceClientCapabilities(workspace_edit=edit),
            general=types.GeneralClientCapabilities(**general),
        )
        command = ["-m", "hrnet_graph", "lsp"]
        self.wait(self.client.start_io(sys.executable, *command))
        start = types.InitializeParams(capabilities=abilities)
        self.started = self.wait(self.client.initialize_async(start))
        self.client.initialized(types.InitializedParams())

    def wait(self, what: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(asyncio.wait_for(what, 60))

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, text: str, name: str = "mine.yaml") -> list[types.Diagnostic]:
        """Opens a text (again) and waits for its problems."""
        self.close(name)
        item = types.TextDocumentItem(self.uri(name), "yaml", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return self.problems(name, 1)

    def change(self, text: str, version: int, name: str = "mine.yaml") -> None:
        document = types.VersionedTextDocumentIdentifier(version, self.uri(name))
        whole = types.TextDocumentContentChangeWholeDocument(text)
        params = types.DidChangeTextDocumentParams(document, [whole])
        self.client.text_document_did_change(params)

    def close(self, name: str = "mine.yaml") -> None:
        document = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))
        self.problems(name, None)

    def problems(self, name: str, version: int | None) -> list[types.Diagnostic]:
        """What the server says of a version, which it does once; older news is dropped."""

        async def said() -> types.PublishDiagnosticsParams:
            while True:
                for news in list(self.said):
                    if news.uri == self.uri(name) and news.version == version:
                        self.said.clear()
                        return news
                await asyncio.sleep(0.01)

        return [*self.wait(said()).diagnostics]

    def hears_no_more(self, name: str, seconds: float = 0.6) -> bool:
        """Whether the server says nothing of a text for a while."""
        self.wait(asyncio.sleep(seconds))
        return not any(news.uri == self.uri(name) for news in self.said)

    def at(self, line: int, column: int, name: str = "mine.yaml") -> dict[str, Any]:
        """A place as requests have it."""
        document = types.TextDocumentIdentifier(self.uri(name))
        return {"text_document": document, "position": types.Position(line, column)}

    def document(self, name: str = "mine.yaml") -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri(name))

    def quit(self) -> int | None:
        """Ends the server, and answers its exit code."""
        self.wait(self.client.shutdown_async(None))
        self.client.exit(None)
        server = self.client._server
        assert server is not None
        code = self.wait(server.wait())
        self.wait(self.client.stop())  # type: ignore[no-untyped-call]
        self._loop.close()
        return code


def edited(text: str, edits: Any) -> str:
    """A text after edits, counted in UTF-16 as an editor counts."""
    lines = text.split("\n")
    starts = [
        sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines[:i]) for i in range(len(lines))
    ]
    units = text.encode("utf-16-le")
    for edit in sorted(edits, key=lambda edit: edit.range.start.line, reverse=True):
        start, end = (
            2 * (starts[p.line] + p.character) for p in (edit.range.start, edit.range.end)
        )
        units = units[:start] + edit.new_text.encode("utf-16-le") + units[end:]
    return units.decode("utf-16-le")
