"""torch's compiler on what a network repeats: blocks and fuse units, each kind of them once."""

from __future__ import annotations

import inspect
from itertools import chain

import torch

from hrnet_graph.checks import check_kind
from hrnet_graph.compiler.torch.inference import refuse_optimized
from hrnet_graph.compiler.torch.network import Network, Scope
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import key_of
from hrnet_graph.ir.hierarchy import boxes_at

WAYS = 8
"""In how many ways a kind may be compiled: sizes, training and evaluation, precisions."""


def compile_blocks(model: Network, *, backend: str = "inductor") -> int:
    """Has torch compile the blocks and fuse units that a network repeats, in place, when they run.

    Those of one kind and size share what is compiled, so that it takes a fraction of the time that
    `torch.compile` of the whole takes; what stands once runs as it is, as do stem and head. Keys,
    training, copies and files are as before, and a copy is not compiled. Returns how many kinds
    are compiled.

    Raises `HRNetGraphError` for a backend that there is not, for a torch that cannot do it, and for
    a network that repeats nothing, is optimized for inference or chooses by itself what training
    keeps.

    Example:
        >>> model = hg.build_module("hrnet_w18_cls")
        >>> hg.compile_blocks(model, backend="aot_eager")
        12
    """
    check_kind("compile_blocks", model, Network, "hg.build_module makes one of a spec")
    refuse_optimized(model)
    known = torch.compiler.list_backends(exclude_tags=())
    if backend not in known:
        meant = did_you_mean(str(backend), known)
        raise HRNetGraphError(f"unknown backend {quoted(backend)}{meant}")
    if "recompile_limit" not in inspect.signature(torch.compile).parameters:
        what = (
            f"torch {torch.__version__} compiles no parts of a network once for all that are alike"
        )
        raise HRNetGraphError(what, "pip install -U torch")
    if any(isinstance(m, Scope) and m.chooses_what_it_keeps for m in model.modules()):
        raise HRNetGraphError(
            f"{model.graph.name} keeps what it chooses, and torch's compiler would choose as well",
            "build it without checkpoint_activations",
        )
    keys = {key_of(box) for box in boxes_at(model.graph, "block")}
    of_kind: dict[str, list[Scope]] = {}
    for key, module in model.named_modules():
        if key in keys and isinstance(module, Scope):
            of_kind.setdefault(repr(module), []).append(module)
    repeated = [scopes for scopes in of_kind.values() if len(scopes) > 1]
    if not repeated:
        what = f"no block or fuse unit of {model.graph.name} stands more than once"
        raise HRNetGraphError(what, "torch.compile(model) compiles it as a whole")
    for scope in chain.from_iterable(repeated):
        scope.compile(backend=backend, dynamic=False, recompile_limit=WAYS * len(repeated))
    return len(repeated)
