"""A network as the papers draw it: stem, transitions, stages of modules in loops, and a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from hrnet_graph.compiler.source import initialisation
from hrnet_graph.compiler.source.backbone import Module, list_of, modules, write_modules
from hrnet_graph.compiler.source.classes import (
    Written,
    assignment,
    attributes,
    construction,
    init,
    write_classes,
)
from hrnet_graph.compiler.source.expressions import Expr, Group, call, fill, flat, numbers, runs
from hrnet_graph.compiler.source.forward import Writer, body, expression
from hrnet_graph.compiler.source.layers import has_layer, layer, resize_call
from hrnet_graph.compiler.source.layout import IrregularError, Layout, Use
from hrnet_graph.compiler.source.network import RETURNS, helpers, network_class, return_statement
from hrnet_graph.compiler.source.specialise import specialise
from hrnet_graph.compiler.source.words import class_name, docstring, shape_of, summary
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Activation, BilinearResize


def regular(layout: Layout) -> list[str]:
    """All functions and classes of a network as the papers draw it.

    Raises `IrregularError` where it cannot be written so. What it returns is the network only if
    that is proved.
    """
    return _Regular(layout).classes()


@dataclass(frozen=True)
class _Regular:
    layout: Layout

    @cached_property
    def backbone(self) -> str:
        """The key of the scope that holds stem and stages; the root's is empty."""
        return self.layout.graph.backbone_prefix.removesuffix(".")

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The keys of what the backbone registers, in order."""
        found = self.layout.children[self.backbone]
        parts = tuple(key for key in found if not self.layout.in_head(key))
        if not any(self.layout.kind(part) == "stage" for part in parts):
            raise IrregularError("it has no stages")
        return parts

    @cached_property
    def modules(self) -> dict[str, tuple[Module, ...]]:
        """The stages that are made of modules, with these."""
        stages = (key for key in self.parts if self.layout.kind(key) == "stage")
        return {key: found for key in stages if (found := modules(self.layout, key))}

    @cached_property
    def written(self) -> Written:
        """The classes of blocks, of the stem and in the head."""
        everything = (module for found in self.modules.values() for module in found)
        blocks = [block for each in everything for run in each.blocks for block in run]
        plain = [
            key
            for key in self.parts
            if key not in self.modules and self.layout.kind(key) != "transition"
        ]
        taken = ("HighResolutionModule", "Backbone")
        return write_classes(self.layout, [*blocks, *plain, *self.head_parts], taken)

    @cached_property
    def high_resolution(self) -> tuple[dict[str, str], dict[str, Expr]]:
        """What is known of `HighResolutionModule`, and the calls that make the modules."""
        everything = [module for found in self.modules.values() for module in found]
        return write_modules(self.layout, everything, self.written.calls)

    @cached_property
    def head_parts(self) -> tuple[str, ...]:
        """The keys of what the head registers, in order."""
        return tuple(filter(self.layout.in_head, self.layout.children[""]))

    @cached_property
    def head(self) -> str:
        """The name of the head's class; empty if the head has no layers."""
        return class_name(self.layout.graph.scope_at["@head"], "head") if self.head_parts else ""

    @cached_property
    def last_maps(self) -> tuple[str, ...]:
        """The paths of the maps that the backbone hands to the head."""
        last = self.parts[-1]
        if last in self.modules:
            return self.modules[last][-1].maps
        return (self.layout.members[last][-1].path,)

    def _channels(self, paths: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.layout.graph[path].type.channels for path in paths)

    def classes(self) -> list[str]:
        """The text of every function and class, in an order in which Python can read them."""
        graph = self.layout.graph
        parts = [*helpers(self.layout), *self._between_blocks(), *self.written.classes]
        if self.modules:
            parts.append(specialise("HighResolutionModule", self.high_resolution[0]))
        if self.head:
            parts.append(self._head())
        constructor, forward = self._backbone()
        if self.backbone:
            parts.append(self._backbone_class(constructor, forward))
            constructor = [assignment(self.backbone, "Backbone()")]
            forward = [f"        maps = self.{self.backbone}(x)"]
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
        return "\n".join(["class Backbone(nn.Module):", *text, "", *lines])

    def _between_blocks(self) -> list[str]:
        """Transitions and fuse units."""
        transitions = [key for key in self.parts if self.layout.kind(key) == "transition"]
        nodes = [node for key in transitions for node in self.layout.members[key]]
        fuses = [
            node
            for key in self.modules
            for node in self.layout.members[key]
            if ".fuse_layers." in node.key
        ]
        nodes += fuses
        if not nodes:
            return []
        norm = layer(self.layout.graph, _first(nodes, "norm"))
        activation = _first(nodes, "activation").op
        if norm is None or not isinstance(activation, Activation):
            raise IrregularError("transitions and fuse units need a norm and an activation")
        roles = ["channels" if n.role != "num_groups" else str(n.value) for n in numbers(norm)]
        parts = [
            specialise("conv_norm", {"nn.BatchNorm2d(channels)": flat(fill(norm, iter(roles)))})
        ]
        in_place = "inplace=True" if activation.can_overwrite else ""
        act = {"nn.ReLU(inplace=True)": f"nn.{activation.layer(()).name}({in_place})"}
        if transitions:
            parts.append(specialise("Transition", act))
        if fuses:
            function = flat(expression(activation, ("x",), "fuse units")).removesuffix("(x)")
            adding = {"F.relu": function, **self._resizing(fuses)}
            parts.append(specialise("Fuse", act | adding))
        return parts

    def _resizing(self, nodes: Sequence[Node]) -> dict[str, str]:
        """What is known of how fuse units enlarge."""
        ops = (node.op for node in nodes)
        found = next((op for op in ops if isinstance(op, BilinearResize)), None)
        if found is None:
            return {"BILINEAR": "False"}
        both = len(self.layout.aligned) > 1
        resizing = resize_call("x", "maps[self.branch]", found.align_corners, both)
        return {"BILINEAR": "True", "resize(x, maps[self.branch])": flat(resizing)}

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
            constructor.append(assignment(name, made))
            if key in self.modules or self.layout.kind(key) == "transition":
                forward.append(f"        maps = self.{name}({state})")
                state = "maps"
            elif self.layout.kind(key) == "stage":
                forward.append(f"        x = self.{name}(x)")
            if key in self.modules:
                maps = self._channels(self.modules[key][-1].maps)
            elif self.layout.kind(key) == "stage":
                maps = self._channels(self.layout.results(key))
        return constructor, forward + (["        maps = [x]"] if state == "[x]" else [])

    def _part(self, at: int, key: str, maps: tuple[int, ...]) -> Expr | None:
        """What makes one part of the backbone, None for a part without a layer."""
        layout = self.layout
        if self.layout.kind(key) == "transition":
            following = next((self.modules[k] for k in self.parts[at:] if k in self.modules), None)
            if following is None:
                raise IrregularError("no module follows a transition")
            branches = layout.children[f"{following[0].key}.branches"]
            entries = [layout.reads(branch)[0] for branch in branches]
            return call("Transition", list_of(maps), list_of(self._channels(entries)))
        if key in self.modules:
            made = [self.high_resolution[1][module.key] for module in self.modules[key]]
            return Group("nn.Sequential(", runs(made))
        node = layout.node_at.get(key)
        if node is not None and not has_layer(layout.graph, node):
            return None
        return construction(layout, key, self.written.calls)

    def _stem(self) -> tuple[list[str], tuple[int, ...]]:
        """`forward`'s lines for what comes before the first stage, and the channels then."""
        layout, image = self.layout, self.layout.graph.input
        uses = tuple(takewhile(self._in_stem, layout.uses(self.backbone)))
        if not uses:
            return [], (image.type.channels,)
        result = uses[-1].results[0]
        writer = Writer(layout, self.backbone, {image.path: "x"}, uses, (result,))
        code = writer.run()[result]
        last = [f"        x = {flat(code)}"] if code != "x" else []
        return [*writer.lines, *last], self._channels((result,))

    def _in_stem(self, use: Use) -> bool:
        """Whether a call comes before the first stage."""
        depth = self.backbone.count(".") + 2 if self.backbone else 1
        part = ".".join(use.key.split(".")[:depth])
        return not self.layout.in_head(part) and self.layout.kind(part) not in (
            "stage",
            "transition",
        )

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
        inside = (node for node in layout.members[""] if layout.in_head(node.key))
        sentence = summary(layout, "@head", inside)
        made = [
            each for each in attributes(layout, "", self.written.calls) if layout.in_head(each[0])
        ]
        uses = (use for use in layout.uses("") if layout.in_head(use.key))
        told = f", {layout.outputs.name}: int" if layout.outputs else ""
        return "\n".join(
            [
                f"class {self.head}(nn.Module):",
                *docstring(sentence, f"maps: {shape} -> {', '.join(outputs)}", 4),
                "",
                f"    def build_head(self{told}) -> None:",
                '        """Adds the layers, at the top level of the network as published."""',
                *(assignment(name, expr) for name, expr in made),
                *initialisation.after_head(graph, [name for name, _ in made]),
                "",
                f"    def forward_head(self, maps: list[Tensor]) -> {RETURNS[graph.returns]}:",
                *body(layout, "", maps, lambda code: return_statement(layout, code), uses),
            ]
        )


def _first(nodes: Sequence[Node], family: str) -> Node:
    found = next((node for node in nodes if node.op.family == family), None)
    if found is None:
        raise IrregularError(f"it has no {family}")
    return found
