"""`keys:` calls parts of a network otherwise, by names that they can have."""

from __future__ import annotations

import pytest

import hrnet_graph as hg

LITE = "litehrnet18_mpii"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"backbone.stage1": "forward"}, "every torch module has 'forward' already"),
        ({"backbone.stage1": "stage2"}, "two operations are named"),
        ({"backbone.stage9": "stage0"}, "no part of the network is called 'backbone.stage9'"),
        ({"backbone.stage1": "__init__"}, "expected letters"),
        ({"backbone.stage1": "a\nb"}, "expected letters"),
        ({"backbone.stage1": "/"}, "expected a name behind '/'"),
        ({"final_layer": ""}, "nothing is left of the name of 'head.final_layer'"),
    ],
)
def test_a_name_that_no_part_can_have_is_refused(keys: dict[str, str], message: str) -> None:
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(hg.load_spec(LITE, {"keys": keys}))
    assert message in str(refused.value)


def test_a_part_is_renamed_with_all_that_is_inside() -> None:
    keys = {"stage2": "second", "*.0.fuse_layers": "fuse", "classifier": "head.fc"}
    before = hg.build_graph("hrnet_w18_small_v1_cls").state()
    spec = hg.load_spec("hrnet_w18_small_v1_cls", {"keys": keys})
    after = hg.build_graph(spec).state()
    assert [entry.shape for entry in after.values()] == [entry.shape for entry in before.values()]
    assert "second.0.fuse.0.1.0.weight" in after
    assert "head.fc.weight" in after
    assert not [key for key in after if "fuse_layers" in key or key.startswith("stage2")]
