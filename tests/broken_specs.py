"""A good small spec, and what is said when one thing in it is broken."""

from __future__ import annotations

from hrnet_graph.rules.registry import names

GOOD = """\
input: [3, 64, 64]
width: 4
stages:
  - {block: bottleneck, branches: 1, blocks: 1, channels: [4]}
  - {block: basic, branches: 2, blocks: 1}
head: {kind: classification, classes: 5}
"""

BLOCKS, HEADS = (", ".join(names(role)) for role in ("block", "head"))

EDITS = [
    # (what is replaced, by what, the message)
    (
        "block: basic",
        "block: basik",
        "my.yaml:5:13: stages.1.block: unknown block 'basik'; did you mean 'basic'?"
        f" (known: {BLOCKS})",
    ),
    (
        "block: basic",
        "block: 7",
        f"my.yaml:5:13: stages.1.block: expected a block (one of {BLOCKS}), got 7",
    ),
    (
        "block: basic",
        "block: {kind: basik}",
        "my.yaml:5:20: stages.1.block.kind: unknown block 'basik'; did you mean 'basic'?"
        f" (known: {BLOCKS})",
    ),
    (
        "{kind: classification, classes: 5}",
        "{classes: 5}",
        f"my.yaml:6:7: head.kind: missing kind (known: {HEADS})",
    ),
    (
        "classes: 5",
        "klasses: 5",
        "my.yaml:6:7: head.classes: missing; expected it in every classification head\n"
        "my.yaml:6:30: head.klasses: unknown key; did you mean 'classes'?"
        " (known: kind, classes, channels, features, bias, depthwise, squeeze_excite, norm)",
    ),
    (
        "branches: 2",
        "branchs: 2",
        "my.yaml:5:20: stages.1.branchs: unknown key; did you mean 'branches'? (known: block,"
        " branches, modules, blocks, channels, multiples, strides, preactivated, outputs, transition, fuse)",
    ),
    (
        "branches: 2, ",
        "",
        "my.yaml:5:5: stages.1.branches: missing; expected the number of branches",
    ),
    (
        "width: 4",
        "widht: 4",
        "my.yaml:2:1: widht: unknown key; did you mean 'width'? (known: extends, name, input, backbone,"
        " width, stem, stages, transition, fuse, neck, head, keys, order, norm, activation, init, preprocess, labels, palette, published)",
    ),
    ("width: 4\n", "", "my.yaml:1:1: width: missing; expected it, or `channels` for every stage"),
    (
        "head: {kind: classification, classes: 5}\n",
        "",
        f"my.yaml:1:1: head: missing; expected it in every spec (known: {HEADS})",
    ),
    ("width: 4", "width: 4.5", "my.yaml:2:8: width: expected an integer, got 4.5"),
    ("width: 4", "width: 1e3", "my.yaml:2:8: width: expected an integer, got 1000.0\n  write 1000"),
    (
        "width: 4",
        "width: 1_000",
        "my.yaml:2:8: width: expected an integer, got '1_000'\n"
        "  write 1000, without quotes or underscores",
    ),
    (
        "width: 4",
        "width: '4'",
        "my.yaml:2:8: width: expected an integer, got '4'\n"
        "  write 4, without quotes or underscores",
    ),
    ("width: 4", "width: true", "my.yaml:2:8: width: expected an integer, got true"),
    ("width: 4", "width: 0", "my.yaml:2:8: width: expected at least 1, got 0"),
    ("width: 4", "width: 70000", "my.yaml:2:8: width: expected at most 65536, got 70000"),
    (
        "width: 4",
        "width: 123456789012345678901",
        "my.yaml:2:8: expected a number that fits, got one of 21 digits",
    ),
    ("[3, 64, 64]", "64", "my.yaml:1:8: input: expected a list, got 64"),
    (
        "[3, 64, 64]",
        "[3, 64]",
        "my.yaml:1:8: input: expected [channels, height, width], got [3, 64]; 1-D networks, of signals, are not in this language",
    ),
    ("[3, 64, 64]", "[3, 64, x]", "my.yaml:1:16: input.2: expected an integer, got 'x'"),
    (
        "blocks: 1}\nhead",
        "blocks: [1, 0]}\nhead",
        "my.yaml:5:41: stages.1.blocks: expected a number"
        " from 1 to 1000, or a list of one a branch, got [1, 0]",
    ),
    (
        "blocks: 1}\nhead",
        "blocks: [1]}\nhead",
        "my.yaml:5:41: stages.1.blocks: expected 2 numbers, one a branch, got 1",
    ),
    (
        "blocks: 1}\nhead",
        "channels: [4, 8, 9]}\nhead",
        "my.yaml:5:43: stages.1.channels: expected 2 numbers, one a branch, got 3",
    ),
    (
        "blocks: 1}\nhead",
        "outputs: 3}\nhead",
        "my.yaml:5:42: stages.1.outputs: expected at most 2, the number of branches, got 3",
    ),
    (
        "branches: 1, ",
        "branches: 1, modules: 2, ",
        "my.yaml:4:47: stages.0.modules: expected 1,"
        " since one branch has nothing to fuse, got 2; state more `blocks` instead",
    ),
    (
        "head:",
        "activation: rely\nhead:",
        "my.yaml:6:13: activation: expected 'relu', 'relu6',"
        " 'leaky_relu', 'silu', 'hardswish', 'gelu' or 'sigmoid', got 'rely'",
    ),
    (
        "head:",
        "fuse: {upsample: near}\nhead:",
        "my.yaml:6:18: fuse.upsample: expected 'nearest', 'bilinear', 'transposed' or"
        " 'pixel_shuffle', got 'near'",
    ),
    (
        "head:",
        "fuse: {align_corners: on, upsample: bilinear}\nhead:",
        "my.yaml:6:23:"
        " fuse.align_corners: expected true or false, got 'on'\n"
        "  only true and false are booleans here, as in YAML 1.2",
    ),
    (
        "head:",
        "fuse: {align_corners: true}\nhead:",
        "my.yaml:6:23: fuse.align_corners: nothing in the network reads it\n"
        "  it is read with `upsample: bilinear`",
    ),
    (
        "head:",
        "norm: {kind: group}\nhead:",
        "my.yaml:6:7: norm.groups: missing; group normalisation needs a number of groups",
    ),
    (
        "head:",
        "norm: {groups: 2}\nhead:",
        "my.yaml:6:16: norm.groups: nothing in the network reads it\n  it is for `kind: group`",
    ),
    (
        "head:",
        "norm: {kind: group, groups: 2, momentum: 0.1}\nhead:",
        "my.yaml:6:42: norm.momentum: nothing in the network reads it\n  it is for `kind: batch`",
    ),
    (
        "head:",
        "norm: {kind: group, groups: 3}\nhead:",
        "my.yaml:6:29: norm.groups: bn1 group norm splits 64 channels into 3 groups\n"
        "  64 channels make as many as one of 1, 2, 4, 8, 16, 32, 64",
    ),
    ("head:", "norm: {eps: 0}\nhead:", "my.yaml:6:13: norm.eps: expected more than 0, got 0"),
    (
        "head:",
        "norm: {eps: .inf}\nhead:",
        "my.yaml:6:13: norm.eps: expected a finite number, got .inf\n  only numbers that can be counted with are taken",
    ),
    ("head:", "norm: {eps: tiny}\nhead:", "my.yaml:6:13: norm.eps: expected a number, got 'tiny'"),
    (
        "head:",
        "norm: 3\nhead:",
        "my.yaml:6:7: norm: expected a norm (one of batch, sync_batch, frozen_batch, group, layer, instance, none), got 3",
    ),
    (
        "head:",
        "norm: null\nhead:",
        "my.yaml:6:7: norm: expected a norm (one of batch, sync_batch, frozen_batch, group, layer, instance, none), got null",
    ),
    (
        "head:",
        "norm: sync\nhead:",
        "my.yaml:6:7: norm.kind: expected 'batch', 'sync_batch', 'frozen_batch', 'group', 'layer',"
        " 'instance' or 'none', got 'sync'",
    ),
    (
        "head:",
        "norm: {kind: sync_batch, groups: 2}\nhead:",
        "my.yaml:6:34: norm.groups: nothing in the network reads it\n  it is for `kind: group`",
    ),
    (
        "head:",
        "name: ../../etc\nhead:",
        "my.yaml:6:7: name: expected letters, digits, '_', '.' and"
        " '-', the first a letter or digit, got '../../etc'",
    ),
    (
        "head:",
        "name: " + "x" * 101 + "\nhead:",
        "my.yaml:6:7: name: expected at most 100 characters, got '" + "x" * 56 + "...",
    ),
    ("head:", "name: 7\nhead:", "my.yaml:6:7: name: expected text, got 7"),
    (
        "head:",
        "published: {source: '', figures: []}\nhead:",
        "my.yaml:6:21: published.source: expected some text, got ''",
    ),
    (
        "head:",
        "published: {source: x, figures: [{metric: m, value: 1}]}\nhead:",
        "my.yaml:6:34: published.figures.0.unit: missing; expected it in every figure",
    ),
    (
        "classes: 5",
        "classes: 5, channels: [4]",
        "my.yaml:6:52: head.channels: expected 2 widths, one a branch, got 1",
    ),
    (
        "classes: 5",
        "classes: 5, channels: []",
        "my.yaml:6:52: head.channels: expected at least 1 in the list, got []",
    ),
    (
        "{kind: classification, classes: 5}",
        "{kind: features, channels: [4, 8]}",
        "my.yaml:6:34: head.channels: nothing in the network reads it\n"
        "  it is read with `pyramid: true`",
    ),
    (
        "{kind: classification, classes: 5}",
        "{kind: heatmap, joints: 2, kernel: 2}",
        "my.yaml:6:42: head.kernel: expected an odd number, got 2",
    ),
    (
        "[3, 64, 64]",
        "[3, 66, 64]",
        "my.yaml:1:8: input: 66x64 does not fit: stage2.0 fuse 0 adds"
        " 18x16 to 17x16\n  nearest upsampling by a fixed factor needs sizes that halve cleanly: use"
        " 64x64, or fuse.upsample: bilinear",
    ),
    (
        "width: 4",
        "width: 4\nwidth: 5",
        "my.yaml:3:1: width: duplicate key; it stands at my.yaml:2:1 already",
    ),
    ("width: 4", "width: *x", "my.yaml:2:8: alias *x names no anchor above it"),
    (
        "width: 4",
        "width: !!int 4",
        "my.yaml:2:8: expected a plain value, got the tag 'tag:yaml.org,2002:int'",
    ),
    (
        "width: 4",
        "width: !!python/object/apply:os.system [ls]",
        "my.yaml:2:8: expected a plain"
        " value, got the tag 'tag:yaml.org,2002:python/object/apply:os.system'",
    ),
    (
        "width: 4",
        "? [a]\n: 4",
        "my.yaml:2:3: expected a word as key, got a list, a mapping or an alias",
    ),
    (
        "width: 4",
        "\twidth: 4",
        "my.yaml:2:1: not YAML: found character '\\t' that cannot start any"
        " token\n  YAML indents with spaces; replace the tab by spaces",
    ),
    ("width: 4", "width: [4", "my.yaml:3:7: not YAML: expected ',' or ']', but got ':'"),
    (
        "head:",
        "extends: hrnet_w99_cls\nhead:",
        "my.yaml:6:10: extends: no spec named"
        " 'hrnet_w99_cls' in the catalogue; did you mean 'hrnet_w64_cls'?\n  `hrnet-graph list` shows"
        " the names; a file needs its suffix, as in my.yaml",
    ),
    (
        "head:",
        "extends: my.yaml\nhead:",
        "my.yaml:6:10: extends: my.yaml extends itself in the end",
    ),
    (
        "head:",
        "extends: [a]\nhead:",
        "my.yaml:6:10: extends: expected the name or the path of a spec, got ['a']",
    ),
    ("head:", "extends: gone.yaml\nhead:", "my.yaml:6:10: extends: no spec file at 'gone.yaml'"),
    ("width: 4", "width: 4\n---\na: 1", "my.yaml:3:1: expected one document, got a second one"),
    (
        "blocks: 1}\nhead",
        "blocks: 9, modules: 1000}\nhead",
        "my.yaml:5:5: stages.1: the network has more than 100000 operations",
    ),
]
