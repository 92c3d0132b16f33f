"""Values of `language` and problems of specs as the protocol has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from hrnet_graph.compiler.check import Check
from hrnet_graph.errors import HRNetGraphError, Mark, Problem
from hrnet_graph.language.outline import outline
from hrnet_graph.language.values import Completion, CompletionKind, Location, Range, Symbol
from hrnet_graph.lsp.positions import Positions
from hrnet_graph.spec.source import read_text

SOURCE = "hrnet-graph"
"""Whose diagnostics these are."""

_KINDS: Mapping[CompletionKind, types.CompletionItemKind] = {
    "key": types.CompletionItemKind.Property,
    "rule": types.CompletionItemKind.Class,
    "value": types.CompletionItemKind.Value,
    "spec": types.CompletionItemKind.Module,
    "file": types.CompletionItemKind.File,
}


def diagnostics(check: Check, positions: Positions, file: str) -> list[types.Diagnostic]:
    """All problems and warnings of a text that stands in `file`, each at its place."""
    severities = types.DiagnosticSeverity
    found = [(problem, severities.Error) for problem in check.problems]
    found += [(warning, severities.Warning) for warning in check.warnings]
    return [diagnostic(problem, positions, file, severity) for problem, severity in found]


def diagnostic(
    problem: Problem, positions: Positions, file: str, severity: types.DiagnosticSeverity
) -> types.Diagnostic:
    """A problem at its place; one of another file at what names that file, and says its own."""
    words = [": ".join(part for part in (problem.key, problem.message) if part)]
    words += [problem.hint] if problem.hint else []
    mark, related = problem.mark, None
    if mark.line is not None and mark.file != file:
        words[0] = f"{mark}: {words[0]}"
        related = _related(mark, problem.message, positions.encoding)
    return types.Diagnostic(
        range=_range(mark, positions, file),
        message="\n".join(words),
        severity=severity,
        source=SOURCE,
        related_information=related,
    )


def _related(
    mark: Mark, message: str, encoding: str
) -> list[types.DiagnosticRelatedInformation] | None:
    uri = from_fs_path(mark.file)
    if uri is None:
        return None
    place = _in_file(Location(mark.file, _range_of(mark)), encoding)
    return [types.DiagnosticRelatedInformation(types.Location(uri, place), message)]


def _range(mark: Mark, positions: Positions, file: str) -> types.Range:
    if mark.line is not None and mark.file == file:
        found = positions.their_range(_range_of(mark))
        return found if found.start != found.end else positions.line(mark.line)
    extends = outline(positions.text).get("extends")
    if mark.line is not None and extends is not None:
        return positions.their_range((extends.value or extends).range)
    return positions.line(1)


def _range_of(mark: Mark) -> Range:
    line, column = mark.line or 1, mark.column or 1
    return Range(line, column, mark.end_line or line, mark.end_column or column)


def completion(
    found: Completion, number: int, positions: Positions, snippets: bool
) -> types.CompletionItem:
    """A completion, the `number`-th: the editor keeps our order."""
    formats = types.InsertTextFormat
    new = found.insert + found.after
    if in_two := snippets and bool(found.after):
        new = f"{_escaped(found.insert)}$0{_escaped(found.after)}"
    return types.CompletionItem(
        label=found.label,
        kind=_KINDS[found.kind],
        detail=found.detail or None,
        documentation=markdown(found.meaning) if found.meaning else None,
        sort_text=f"{number:04}",
        filter_text=found.insert.strip() or found.label,
        insert_text_format=formats.Snippet if in_two else formats.PlainText,
        text_edit=types.TextEdit(positions.their_range(found.range), new),
    )


def _escaped(text: str) -> str:
    """Text as a snippet has it."""
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("}", "\\}")


def markdown(text: str) -> types.MarkupContent:
    """Text as it is shown in a bubble."""
    return types.MarkupContent(types.MarkupKind.Markdown, text)


def symbols(found: Sequence[Symbol], positions: Positions) -> list[types.DocumentSymbol]:
    """The parts of a text, as an outline."""
    shown = []
    for symbol in found:
        inner = symbols(symbol.children, positions)
        part = types.DocumentSymbol(
            name=symbol.name,
            detail=symbol.detail or None,
            kind=types.SymbolKind.Struct if inner else types.SymbolKind.Property,
            range=positions.their_range(symbol.range),
            selection_range=positions.their_range(symbol.name_range),
            children=inner or None,
        )
        shown.append(part)
    return shown


def location(found: Location, encoding: str) -> types.Location | None:
    """A place in a file."""
    uri = from_fs_path(str(Path(found.file).absolute()))
    return types.Location(uri, _in_file(found, encoding)) if uri else None


def _in_file(found: Location, encoding: str) -> types.Range:
    """A range in a file, counted as the protocol does; by characters where it cannot be read."""
    try:
        text = read_text(Path(found.file))
    except HRNetGraphError:
        text = ""
    return Positions(text, encoding).their_range(found.range)
