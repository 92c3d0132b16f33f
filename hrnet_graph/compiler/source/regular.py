"""A network as the papers draw it: stem, transitions, stages of modules in loops, and a head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from hrnet_graph.compiler.source import initialisation, templates
from hrnet_graph.compiler.source.backbone import (
    Module,
    ModuleStyle,
    module_style,
    modules,
    stage_of,
    widths,
)
from hrnet_graph.compiler.source.classes import (
    Written,
    assignment,
    attributes,
    construction,
    write_classes,
)
from hrnet_graph.compiler.source.expressions import Expr, call, fill, lay_out, numbers
from hrnet_graph.compiler.source.forward import Writer, body
from hrnet_graph.compiler.source.layers import class_of, has_layer, layer, resize_call
from hrnet_graph.compiler.source.layout import HEAD, Layout, Use
from hrnet_graph.compiler.source.network import (
    RETURNS,
    helpers,
    init,
    network_class,
    return_statement,
)
from hrnet_graph.compiler.source.words import class_name, docstring, shape_of, summary
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Activation, BilinearResize


class IrregularError(Exception):
    """A network that is not what the papers draw."""


def regular(layout: Layout) -> list[str]:
    """All functions and classes of a network as the papers draw it.

    Raises `IrregularError` or `LookupError` where it cannot be written so. What it returns is the
    network only if that is proved.
    """
    return _Regular(layout).classes()


@dataclass(frozen=True)
class _Regular:
    layout: Layout

    @cached_property
    def backbone(self) -> str:
        """The key of the scope that holds stem and stages; the root's is empty."""
        stem = next((s for s in self.layout.graph.scopes if s.kind == "stem"), None)
        if stem is None:
            raise IrregularError
        return stem.path.rpartition(".")[0]

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The keys of what the backbone registers, in order."""
        return tuple(key for key in self.layout.children[self.backbone] if key != HEAD)

    @cached_property
    def modules(self) -> dict[str, tuple[Module, ...]]:
        """The stages that are made of modules, with these."""
        stages = (key for key in self.parts if self._kind(key) == "stage")
        return {key: found for key in stages if (found := modules(self.layout, key))}

    @cached_property
    def written(self) -> Written:
        """The classes of blocks, of the stem and in the head."""
        everything = (module for found in self.modules.values() for module in found)
        blocks = [block for each in everything for run in each.blocks for block in run]
        plain = [
            key for key in self.parts if key not in self.modules and self._kind(key) != "transition"
        ]
        head = self.layout.children.get(HEAD, ())
        return write_classes(self.layout, [*blocks, *plain, *head], ("HighResolutionModule",))

    @cached_property
    def form(self) -> ModuleStyle | None:
        """How the modules are written, if there are any."""
        everything = [module for found in self.modules.values() for module in found]
        return module_style(everything, self.written.calls) if everything else None

    @cached_property
    def head(self) -> str:
        """The name of the head's class; empty if the head has no layers."""
        if HEAD not in self.layout.children:
            return ""
        return class_name(self.layout.scope_at[HEAD], HEAD)

    @cached_property
    def last_maps(self) -> tuple[str, ...]:
        """The paths of the maps that the backbone hands to the head."""
        last = self.parts[-1]
        if last in self.modules:
            return self.modules[last][-1].maps
        return (self.layout.members[last][-1].path,)

    def _kind(self, key: str) -> str:
        scope = self.layout.scope_at.get(key)
        return scope.kind if scope is not None else ""

    def _channels(self, paths: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.layout.graph[path].type.channels for path in paths)

    def classes(self) -> list[str]:
        """The text of every function and class, in an order in which Python can read them."""
        graph = self.layout.graph
        parts = [*helpers(self.layout), *self._between_blocks(), *self.written.classes]
        if self.form is not None:
            parts.append(templates.module(self.form))
        if self.head:
            parts.append(self._head())
        constructor, forward = self._backbone()
        if self.backbone:
            parts.append(self._backbone_class(constructor, forward))
            constructor = assignment(self.backbone, "Trunk()")
            forward = lay_out("maps = ", call(f"self.{self.backbone}", "x"))
        outputs = self.layout.outputs if self.head else None
        told = (f"{outputs.name}: int = {outputs.count}",) if outputs else ()
        lines = [*init(*told), *constructor, *initialisation.after_backbone(graph)]
        if self.head:
            lines.append(f"        self.build_head({outputs.name if outputs else ''})")
        lines += [
            *initialisation.after_all(graph),
            "",
            f"    def forward(self, x: Tensor) -> {RETURNS[graph.returns]}:",
            *forward,
            *self._ending(),
        ]
        return [*parts, network_class(self.layout, self.head or "nn.Module", lines)]

    def _backbone_class(self, constructor: Sequence[str], forward: Sequence[str]) -> str:
        graph = self.layout.graph
        image = graph.input.type
        shapes = ", ".join(shape_of(graph[path].type, image) for path in self.last_maps)
        text = docstring("Stem and stages.", f"x: {shape_of(image, image)} -> {shapes}", 4)
        head = ("", "    def forward(self, x: Tensor) -> list[Tensor]:")
        lines = [*init(), *constructor, *head, *forward, "        return maps"]
        return "\n".join(["class Trunk(nn.Module):", *text, "", *lines])

    def _between_blocks(self) -> Iterator[str]:
        """What transitions and fuse units are written with."""
        transitions = [key for key in self.parts if self._kind(key) == "transition"]
        nodes = [node for key in transitions for node in self.layout.members[key]]
        fuses = [
            node
            for key in self.modules
            for node in self.layout.members[key]
            if ".fuse_layers." in node.key
        ]
        nodes += fuses
        if not nodes:
            return
        norm = layer(self.layout.graph, _first(nodes, "norm"))
        activation = _first(nodes, "activation").op
        if norm is None or not isinstance(activation, Activation):
            raise IrregularError
        roles = ["channels" if n.role != "num_groups" else str(n.value) for n in numbers(norm)]
        yield templates.conv_norm(fill(norm, iter(roles)))
        in_place = ("inplace=True",) if activation.can_overwrite else ()
        act = call(class_of(activation.layer(()).of), *in_place)
        if transitions:
            yield templates.transition(act)
        if fuses:
            yield templates.fuse(act, activation.row.function, self._resizing(fuses))

    def _resizing(self, nodes: Sequence[Node]) -> Expr | None:
        """The call by which fuse units enlarge; None if they repeat pixels."""
        ops = (node.op for node in nodes)
        found = next((op for op in ops if isinstance(op, BilinearResize)), None)
        if found is None:
            return None
        both = len(self.layout.aligned) > 1
        return resize_call("x", "maps[self.branch]", found.align_corners, both)

    def _backbone(self) -> tuple[list[str], list[str]]:
        """The constructor's and `forward`'s lines for stem and stages."""
        forward, maps = self._stem()
        constructor: list[str] = []
        state = "[x]"
        for at, key in enumerate(self.parts):
            made = self._part(at, key, maps)
            if made is None:
                continue
            name = key.rpartition(".")[2]
            constructor += assignment(name, made)
            if key in self.modules or self._kind(key) == "transition":
                forward.append(f"        maps = self.{name}({state})")
                state = "maps"
            elif self._kind(key) == "stage":
                forward.append(f"        x = self.{name}(x)")
            if key in self.modules:
                maps = self._channels(self.modules[key][-1].maps)
            elif self._kind(key) == "stage":
                maps = self._channels(self.layout.results(key))
        return constructor, forward + (["        maps = [x]"] if state == "[x]" else [])

    def _part(self, at: int, key: str, maps: tuple[int, ...]) -> Expr | None:
        """What makes one part of the backbone, None for a part without a layer."""
        layout, calls = self.layout, self.written.calls
        if self._kind(key) == "transition":
            following = next((self.modules[k] for k in self.parts[at:] if k in self.modules), None)
            if following is None:
                raise IrregularError
            branches = layout.children[f"{following[0].key}.branches"]
            entries = [layout.reads(branch)[0] for branch in branches]
            return call("Transition", widths(maps), widths(self._channels(entries)))
        if key in self.modules:
            assert self.form is not None
            return stage_of(layout, self.modules[key], self.form, calls)
        node = layout.node_at.get(key)
        if node is not None and not has_layer(layout.graph, node):
            return None
        return construction(layout, key, calls)

    def _stem(self) -> tuple[list[str], tuple[int, ...]]:
        """`forward`'s lines for what comes before the first stage, and the channels then."""
        layout, image = self.layout, self.layout.graph.input
        uses = tuple(takewhile(self._in_stem, layout.uses(self.backbone)))
        if not uses:
            return [], (image.type.channels,)
        result = uses[-1].results[0]
        writer = Writer(layout, self.backbone, {image.path: "x"}, uses, (result,))
        code = writer.run()[result]
        last = lay_out("x = ", code) if code != "x" else []
        return [*writer.lines, *last], self._channels((result,))

    def _in_stem(self, use: Use) -> bool:
        """Whether a call comes before the first stage."""
        depth = self.backbone.count(".") + 2 if self.backbone else 1
        part = ".".join(use.key.split(".")[:depth])
        return part != HEAD and self._kind(part) not in ("stage", "transition")

    def _ending(self) -> list[str]:
        """The last line of `forward`."""
        if self.head:
            return ["        return self.forward_head(maps)"]
        maps = {path: f"maps[{i}]" for i, path in enumerate(self.last_maps)}
        outputs = list(self.layout.graph.output_paths)
        if self.layout.graph.returns == "list" and outputs == list(maps):
            return ["        return maps"]
        return return_statement(self.layout, dict(maps))

    def _head(self) -> str:
        """The head, whose layers lie at the network's top level, as published: `HRNet` inherits."""
        layout, graph = self.layout, self.layout.graph
        maps = {path: f"maps[{i}]" for i, path in enumerate(self.last_maps)}
        inputs = [graph[path].type for path in maps]
        outputs = (shape_of(graph[path].type, inputs[0]) for path in graph.output_paths)
        shape = ", ".join(shape_of(kind, inputs[0]) for kind in inputs)
        sentence = summary(layout, HEAD, self.head)
        made = attributes(layout, HEAD, self.written.calls)
        told = f", {layout.outputs.name}: int" if layout.outputs else ""
        return "\n".join(
            [
                f"class {self.head}(nn.Module):",
                *docstring(sentence, f"maps: {shape} -> {', '.join(outputs)}", 4),
                "",
                f"    def build_head(self{told}) -> None:",
                '        """Adds the layers, at the top level of the network as published."""',
                *(line for name, expr in made for line in assignment(name, expr)),
                *initialisation.after_head(graph, [name for name, _ in made]),
                "",
                f"    def forward_head(self, maps: list[Tensor]) -> {RETURNS[graph.returns]}:",
                *body(layout, HEAD, maps, lambda code: return_statement(layout, code)),
            ]
        )


def _first(nodes: Sequence[Node], family: str) -> Node:
    found = next((node for node in nodes if node.op.family == family), None)
    if found is None:
        raise IrregularError
    return found
