"""A network as the papers draw it: stem, transitions, stages of modules in loops, and a head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import takewhile

from hrnet_graph.compiler.source.backbone import modules, write_modules
from hrnet_graph.compiler.source.classes import (
    assignment,
    attributes,
    construction,
    constructor_head,
    registered,
    write_classes,
)
from hrnet_graph.compiler.source.expressions import Expr, call, runs
from hrnet_graph.compiler.source.forward import Body, resize_call, return_lines
from hrnet_graph.compiler.source.fuses import TERM, FuseUnits, read_fuse_units
from hrnet_graph.compiler.source.layers import class_of, layer
from hrnet_graph.compiler.source.layout import IrregularError, Layout, Use
from hrnet_graph.compiler.source.network import RETURNS, helpers, network_class
from hrnet_graph.compiler.source.specialise import specialise
from hrnet_graph.compiler.source.words import class_name, class_text, shapes_of, summary
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Activation

IMAGE = "image"
"""What a head calls the image."""

FAMILY_WIDTHS = ("channels", "width", "inputs")
"""What the family calls the widths of normalisations."""


def regular(layout: Layout) -> list[str]:
    """All functions and classes of a network as the papers draw it.

    Raises `IrregularError` where it cannot be written so. What it returns is the network only if
    that is proved.
    """
    return _Regular(layout).classes()


class _Regular:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.backbone = layout.graph.backbone_prefix.removesuffix(".")
        self.parts = [k for k in layout.children[self.backbone] if not layout.in_head(k)]
        stages = [key for key in self.parts if layout.kind(key) == "stage"]
        if not stages:
            raise IrregularError("it has no stages")
        self.transitions = [key for key in self.parts if layout.kind(key) == "transition"]
        self.modules = {key: found for key in stages if (found := modules(layout, key))}
        everything = [module for found in self.modules.values() for module in found]
        blocks = [block for each in everything for run in each.blocks for block in run]
        plain = [key for key in self.parts if key not in {*self.modules, *self.transitions}]
        head = filter(layout.in_head, layout.children[""])
        taken = ("HighResolutionModule", "Backbone")
        self.texts, self.calls = write_classes(layout, [*blocks, *plain, *head], taken)
        self.facts, self.module_calls = (
            write_modules(layout, everything, self.calls) if everything else ({}, {})
        )
        fused = [module for module in everything if module.is_fused]
        self.units = read_fuse_units(layout, fused) if fused else None
        if self.units is not None and self.units.join:
            self.facts["Fuse(channels, i)"] = f"{self.units.join}(channels, i)"
        self.head = class_name(layout.graph.scope_at["@head"], "head") if layout.head else ""
        last = self.modules.get(self.parts[-1])
        paths = last[-1].maps if last else (layout.members[self.parts[-1]][-1].path,)
        self.maps = {path: f"maps[{i}]" for i, path in enumerate(paths)}

    def _head_uses(self) -> list[Use]:
        """What the head calls at the network's top level."""
        return [use for use in self.layout.uses("") if self.layout.in_head(use.key)]

    @cached_property
    def head_reads_image(self) -> bool:
        """Whether the head reads the image, for its size."""
        path = self.layout.graph.input.path
        return any(path in use.operands for use in self._head_uses())

    def _channels(self, paths: Iterable[str]) -> list[int]:
        return [self.layout.graph[path].type.channels for path in paths]

    def classes(self) -> list[str]:
        """The text of every function and class, in an order in which Python can read them."""
        graph = self.layout.graph
        parts = [*helpers(self.layout), *self._between_blocks(), *self.texts]
        if self.modules:
            parts.append(specialise("HighResolutionModule", self.facts))
        if self.head:
            parts.append(self._head())
        constructor, forward = self._backbone()
        if self.backbone:
            parts.append(self._backbone_class(constructor, forward))
            constructor = [assignment(self.backbone, "Backbone()")]
            forward = [f"        maps = self.{self.backbone}(x)"]
        if not self.head:
            forward += return_lines(self.layout, "", self.maps)
            if graph.returns == "list" and graph.output_paths == tuple(self.maps):
                forward[-1] = "        return maps"
            return [*parts, network_class(self.layout, constructor, [], forward)]
        outputs = self.layout.outputs
        parameters = [f"{outputs.name}: int = {outputs.count}"] if outputs else []
        build_head = [f"        self.build_head({outputs.name if outputs else ''})"]
        if self.head_reads_image:
            forward.insert(0, f"        {IMAGE} = x")
        read = f"maps, {IMAGE}" if self.head_reads_image else "maps"
        forward.append(f"        return self.forward_head({read})")
        hrnet = network_class(self.layout, constructor, build_head, forward, self.head, parameters)
        return [*parts, hrnet]

    def _backbone_class(self, constructor: Sequence[str], forward: Sequence[str]) -> str:
        graph = self.layout.graph
        image, maps = graph.input.type, [graph[path].type for path in self.maps]
        shape = f"x: {shapes_of([image], image)} -> {shapes_of(maps, image)}"
        head = ("", "    def forward(self, x: Tensor) -> list[Tensor]:")
        lines = [*constructor_head(), *constructor, *head, *forward, "        return maps"]
        return class_text("Backbone", "nn.Module", "Stem and stages.", shape, lines)

    def _between_blocks(self) -> list[str]:
        """Transitions and fuse units, and what both are made of."""
        members = self.layout.members
        nodes = [node for key in self.transitions for node in members[key]]
        inside = [node for key in self.modules for node in members[key]]
        fuses = [node for node in inside if ".fuse_layers." in node.key]
        if not nodes and not fuses:
            return []
        activation = _first([*nodes, *fuses], "activation").op
        if not isinstance(activation, Activation):
            raise IrregularError("transitions and fuse units need an activation")
        known = _norms(self.layout.graph, [*nodes, *fuses])
        conv_norm = specialise("conv_norm", {}, known)
        in_place = "inplace=True" if activation.can_overwrite else ""
        known["nn.ReLU(inplace=True)"] = f"{class_of(activation.layer(()).of)}({in_place})"
        parts = [conv_norm, *([specialise("Transition", {}, known)] if nodes else [])]
        if self.units:
            known["F.relu"] = activation.row.function
            parts += self._fuses(self.units, known)
        return parts

    def _fuses(self, units: FuseUnits, known: Mapping[str, str]) -> list[str]:
        """Fuse units, as the papers have them or as they are here."""
        op, like = units.resized, "maps[self.branch]"
        if not units.is_published:
            return units.write(resize_call(self.layout, op, TERM, like) if op else "", known)
        facts = {f"resize(x, {like})": resize_call(self.layout, op, "x", like)} if op else {}
        return [specialise("Fuse", facts, known, bilinear=op is not None)]

    def _backbone(self) -> tuple[list[str], list[str]]:
        """The constructor's and `forward`'s lines for stem and stages."""
        forward, channels = self._stem()
        constructor: list[str] = []
        state = "[x]"
        for at, key in enumerate(self.parts):
            name = key.rpartition(".")[2]
            if made := self._part(at, key, channels):
                constructor.append(assignment(name, made))
            if key in self.modules or key in self.transitions:
                forward.append(f"        maps = self.{name}({state})")
                state = "maps"
            elif self.layout.kind(key) == "stage":
                forward.append(f"        x = self.{name}(x)")
                channels = self._channels(self.layout.signature(key).results)
            if key in self.modules:
                channels = self._channels(self.modules[key][-1].maps)
        return constructor, forward + (["        maps = [x]"] if state == "[x]" else [])

    def _part(self, at: int, key: str, channels: list[int]) -> Expr | None:
        """What makes one part of the backbone, None for a part without a layer.

        `channels` are those of the maps before it.
        """
        layout = self.layout
        if key in self.transitions:
            following = next((self.modules[k] for k in self.parts[at:] if k in self.modules), None)
            if following is None:
                raise IrregularError("no module follows a transition")
            branches = layout.children[f"{following[0].key}.branches"]
            entries = self._channels(layout.signature(branch).operands[0] for branch in branches)
            return call("Transition", str(channels), str(entries))
        if key in self.modules:
            made = [self.module_calls[module.key] for module in self.modules[key]]
            return call("nn.Sequential", *runs(made))
        if key not in registered(layout, self.backbone):
            return None
        return construction(layout, key, self.calls)

    def _stem(self) -> tuple[list[str], list[int]]:
        """`forward`'s lines for what comes before the first stage, and the channels then."""
        layout, image = self.layout, self.layout.graph.input
        later = [key for key in self.parts if layout.kind(key) in ("stage", "transition")]
        after = tuple(f"{key}." for key in [*later, *layout.head])
        calls = layout.uses(self.backbone)
        uses = tuple(takewhile(lambda use: not f"{use.key}.".startswith(after), calls))
        if not uses:
            return [], [image.type.channels]
        result = uses[-1].results[0]
        lines, code = Body(layout, self.backbone, {image.path: "x"}, uses, (result,)).write()
        if code[result] != "x":
            lines.append(f"        x = {code[result]}")
        return lines, self._channels((result,))

    def _head(self) -> str:
        """The head, whose layers lie at the network's top level, as published: `HRNet` inherits."""
        layout, graph = self.layout, self.layout.graph
        inputs, outputs = (
            [graph[path].type for path in paths] for paths in (self.maps, graph.output_paths)
        )
        pixels = f", {IMAGE}: {shapes_of([graph.input.type], inputs[0])}"
        read = shapes_of(inputs, inputs[0]) + (pixels if self.head_reads_image else "")
        shape = f"maps: {read} -> {shapes_of(outputs, inputs[0])}"
        nodes = (node for node in layout.members[""] if layout.in_head(node.key))
        image = {graph.input.path: IMAGE} if self.head_reads_image else {}
        forward, code = Body(layout, "", self.maps | image, self._head_uses()).write()
        given = "maps: list[Tensor]" + (f", {IMAGE}: Tensor" if image else "")
        made = attributes(layout, "", self.calls)
        parameter = f", {layout.outputs.name}: int" if layout.outputs else ""
        lines = [
            f"    def build_head(self{parameter}) -> None:",
            '        """Adds the layers, at the top level of the network as published."""',
            *(assignment(name, expr) for name, expr in made if layout.in_head(name)),
            "",
            f"    def forward_head(self, {given}) -> {RETURNS[graph.returns]}:",
            *forward,
            *return_lines(layout, "", code),
        ]
        return class_text(self.head, "nn.Module", summary(layout, "@head", nodes), shape, lines)


def _norms(graph: Graph, nodes: Sequence[Node]) -> dict[str, str]:
    """What stands in the place of the family's norms: theirs, or biases where they have none."""
    node = next((node for node in nodes if node.op.family == "norm"), None)
    if node is None:
        bare = {f"nn.BatchNorm2d({width})": "nn.Identity()" for width in FAMILY_WIDTHS}
        said = {"without bias": "with bias", ", and its normalisation": ", in the place of a norm"}
        return {**bare, ", bias=False": "", **said}
    norm = layer(graph, node)
    if norm is None:
        raise IrregularError("transitions and fuse units need a norm that is a layer")
    return {f"nn.BatchNorm2d({width})": _made(norm, width) for width in FAMILY_WIDTHS}


def _made(norm: Expr, width: str) -> str:
    """The code of a normalisation of as many channels as `width` says."""
    roles = (width if number.role != "num_groups" else str(number.value) for number in norm.numbers)
    return str(norm.fill(roles))


def _first(nodes: Sequence[Node], family: str) -> Node:
    found = next((node for node in nodes if node.op.family == family), None)
    if found is None:
        raise IrregularError(f"it has no {family}")
    return found
