"""The language server itself: each request of an editor, answered from the newest text."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.language.complete import complete
from hrnet_graph.language.definition import definition
from hrnet_graph.language.fixes import apply_fix
from hrnet_graph.language.hover import hover
from hrnet_graph.language.layout import format_text
from hrnet_graph.language.lenses import lenses
from hrnet_graph.language.symbols import symbols
from hrnet_graph.lsp import answers
from hrnet_graph.lsp.documents import Checks, Document, moment
from hrnet_graph.lsp.positions import Positions
from hrnet_graph.spec.source import MAX_BYTES
from hrnet_graph.version import __version__


class SpecServer(LanguageServer):
    """What the features below share."""

    def __init__(self) -> None:
        # whole texts: what is a line end differs between the protocol and others' libraries
        sync = types.TextDocumentSyncKind.Full
        super().__init__("hrnet-graph", __version__, text_document_sync_kind=sync)
        self.checks = Checks()
        self.tasks: set[asyncio.Task[None]] = set()

    def document(self, uri: str) -> Document:
        """The newest text of a document."""
        return moment(self.workspace.get_text_document(uri))

    def spec(self, uri: str) -> Document | None:
        """The same, if it is a spec of a size that can be read."""
        document = self.document(uri)
        return document if document.is_spec and len(document.text) <= MAX_BYTES else None

    def positions(self, document: Document) -> Positions:
        """The places of a text, in the units that the editor and this server agreed on."""
        return Positions(document.text[:MAX_BYTES], self.encoding)

    @property
    def encoding(self) -> str:
        """The encoding whose units the editor counts in."""
        chosen = self.server_capabilities.position_encoding or types.PositionEncodingKind.Utf16
        return types.PositionEncodingKind(chosen).value

    def check_soon(self, uri: str) -> None:
        """Publishes what is wrong with a text, unless a newer one has come by then."""
        task = asyncio.get_running_loop().create_task(self._publish(uri))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _publish(self, uri: str) -> None:
        document = self.document(uri)
        found: list[types.Diagnostic] = []
        if document.is_spec:
            with suppress(asyncio.CancelledError):
                check = await self.checks.of(document)
                found = answers.diagnostics(check, self.positions(document), document.file)
        if uri in self.workspace.text_documents and self.document(uri) == document:
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri, found, document.version)
            )


server = SpecServer()


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
async def opened(ls: SpecServer, params: types.DidOpenTextDocumentParams) -> None:
    """Checks a text at once."""
    ls.check_soon(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
async def changed(ls: SpecServer, params: types.DidChangeTextDocumentParams) -> None:
    """Checks a text when its author pauses."""
    uri = params.text_document.uri
    ls.checks.later(uri, lambda: ls.check_soon(uri))


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
async def saved(ls: SpecServer, params: types.DidSaveTextDocumentParams) -> None:
    """Checks all texts again: one may extend what was saved."""
    ls.checks.forget_all()
    for uri in list(ls.workspace.text_documents):
        ls.check_soon(uri)


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
async def closed(ls: SpecServer, params: types.DidCloseTextDocumentParams) -> None:
    """Takes back what was said about a text."""
    uri = params.text_document.uri
    ls.checks.forget(uri)
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
)
async def quick_fixes(
    ls: SpecServer, params: types.CodeActionParams
) -> list[types.CodeAction] | None:
    """The fixes of the problems in a range, as changes of the text."""
    document = ls.spec(params.text_document.uri)
    if document is None:
        return None
    check = await ls.checks.of(document)
    positions, found = ls.positions(document), []
    for problem in (*check.problems, *check.warnings):
        shown = answers.diagnostic(
            problem, positions, document.file, types.DiagnosticSeverity.Error
        )
        if _overlap(shown.range, params.range):
            told = [d for d in params.context.diagnostics if d.message == shown.message]
            for fix in problem.fixes:
                with suppress(HRNetGraphError):
                    new = apply_fix(document.text, fix, document.path)
                    found.append(_action(ls, document, fix.title, new, told))
    return found


def _overlap(a: types.Range, b: types.Range) -> bool:
    """Whether two ranges have a line in common: a cursor anywhere in it asks for its fixes."""
    return a.start.line <= b.end.line and b.start.line <= a.end.line


def _action(
    ls: SpecServer, document: Document, title: str, new: str, told: list[types.Diagnostic]
) -> types.CodeAction:
    """A change of this version of a text, where the editor can be told that."""
    edit = ls.positions(document).edit_to(new)
    workspace = ls.client_capabilities.workspace
    abilities = workspace.workspace_edit if workspace else None
    if abilities and abilities.document_changes:
        name = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
        change = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(name, [edit])])
    else:
        change = types.WorkspaceEdit(changes={document.uri: [edit]})
    kind = types.CodeActionKind.QuickFix
    return types.CodeAction(title, kind=kind, diagnostics=told or None, edit=change)


@server.feature(types.TEXT_DOCUMENT_HOVER)
async def hovered(ls: SpecServer, params: types.HoverParams) -> types.Hover | None:
    """What stands at a place, and what the stage there costs."""
    document = ls.spec(params.text_document.uri)
    if document is None:
        return None
    positions = ls.positions(document)
    line, column = positions.ours(params.position)
    found = hover(document.text, line, column, document.path)
    if found is None:
        return None
    check = await ls.checks.of(document)
    costs = [lens.text for lens in lenses(check) if lens.line == line]
    text = "\n\n".join([found.text, *costs])
    return types.Hover(answers.markdown(text), positions.their_range(found.range))


@server.feature(
    types.TEXT_DOCUMENT_COMPLETION,
    types.CompletionOptions(trigger_characters=[":", " ", "-", "{", ",", "["]),
)
async def completed(ls: SpecServer, params: types.CompletionParams) -> list[types.CompletionItem]:
    """What may be typed at a place, the likely first."""
    document = ls.document(params.text_document.uri)
    if not document.may_become_spec:
        return []
    positions = ls.positions(document)
    line, column = positions.ours(params.position)
    text = ls.client_capabilities.text_document
    item = text.completion.completion_item if text and text.completion else None
    snippets = bool(item and item.snippet_support)
    found = complete(document.text, line, column, document.path)
    return [
        answers.completion(each, number, positions, snippets) for number, each in enumerate(found)
    ]


@server.feature(types.TEXT_DOCUMENT_DEFINITION)
async def defined(ls: SpecServer, params: types.DefinitionParams) -> types.Location | None:
    """The spec that is extended, and where it states what stands at a place."""
    document = ls.spec(params.text_document.uri)
    if document is None:
        return None
    line, column = ls.positions(document).ours(params.position)
    found = definition(document.text, line, column, document.path)
    return answers.location(found, ls.encoding) if found else None


@server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
async def outlined(
    ls: SpecServer, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | None:
    """The parts of a spec."""
    document = ls.spec(params.text_document.uri)
    if document is None:
        return None
    return answers.symbols(symbols(document.text), ls.positions(document))


@server.feature(types.TEXT_DOCUMENT_CODE_LENS)
async def costed(ls: SpecServer, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    """The cost of the network and of each stage, above their lines."""
    document = ls.spec(params.text_document.uri)
    if document is None:
        return None
    positions = ls.positions(document)
    return [
        types.CodeLens(positions.line(lens.line), types.Command(lens.text, ""))
        for lens in lenses(await ls.checks.of(document))
    ]


@server.feature(types.TEXT_DOCUMENT_FORMATTING)
async def formatted(
    ls: SpecServer, params: types.DocumentFormattingParams
) -> list[types.TextEdit] | None:
    """A text laid out evenly; one that is no YAML stays."""
    document = ls.spec(params.text_document.uri)
    if document is None:
        return None
    try:
        new = format_text(document.text)
    except HRNetGraphError:
        return None
    return [ls.positions(document).edit_to(new)] if new != document.text else []
