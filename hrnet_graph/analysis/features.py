"""What the feature maps of a network are, for those who build on them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypedDict

from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import branch_of, feature_paths, prefixes


class Feature(TypedDict):
    """One map: its channels, its stride, the module that gives it, and its branch or level."""

    num_chs: int
    reduction: int
    module: str
    index: int


@dataclass(frozen=True)
class FeatureInfo:
    """What a network's `forward_features` gives, finest first; it is asked as timm's is.

    Each of `info` says of one map its channels (`num_chs`), how many pixels of the image lie from
    one cell to the next (`reduction`), the submodule at which a hook sees it (`module`), and which
    branch or level it is (`index`).

    Example:
        >>> model = hg.build_module("hrnetv2_w18", features_only=True, out_indices=(0, 2))
        >>> info = model.feature_info
        >>> info.channels(), info.reduction(), info.module_name()[0]
        ([18, 72], [4, 16], 'stage4.2.fuse_layers.0')
    """

    info: tuple[Feature, ...]

    @property
    def out_indices(self) -> tuple[int, ...]:
        """Which branches or levels there are, 0 the finest."""
        return tuple(feature["index"] for feature in self.info)

    def channels(self) -> list[int]:
        """The channels of each map."""
        return [feature["num_chs"] for feature in self.info]

    def reduction(self) -> list[int]:
        """The stride of each map, in pixels of the image."""
        return [feature["reduction"] for feature in self.info]

    def module_name(self) -> list[str]:
        """The submodule that gives each map."""
        return [feature["module"] for feature in self.info]

    def get_dicts(self) -> list[Feature]:
        """All that is known of each map."""
        return [*self.info]

    def __getitem__(self, index: int) -> Feature:
        return self.info[index]

    def __len__(self) -> int:
        return len(self.info)


def feature_info(graph: Graph, called: AbstractSet[str]) -> FeatureInfo:
    """What is known of a graph's feature maps; `called` are the scopes with one result."""
    paths, stride = feature_paths(graph), strides(graph)
    branches = [branch_of(graph, path) for path in paths]
    known = None not in branches and len({*branches}) == len(paths)
    return FeatureInfo(
        tuple(
            Feature(
                num_chs=graph[path].type.channels,
                reduction=int(stride[path]),
                module=next((s for s in prefixes(graph[path].key) if s in called), graph[path].key),
                index=branch if known and branch is not None else place,
            )
            for place, (path, branch) in enumerate(zip(paths, branches, strict=True))
        )
    )
