"""How well latency is predicted from measured sections: random variants, predicted and measured.

`python benchmarks/latency.py --variants 100 --target openvino` takes half an hour. On a machine
that others use, `--cpu-time --threads 1` counts the seconds of the processor.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Sequence
from tempfile import TemporaryDirectory

import hrnet_graph as hg
from hrnet_graph.engines.engine import choose_engine
from hrnet_graph.search.latency import Latency


def main() -> None:
    """Prints a line a variant, then the errors and the correlation of the ranks; keeps nothing."""
    options = _options()
    with TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        _run(options)


def _run(options: argparse.Namespace) -> None:
    draw = random.Random(options.seed)
    clock = time.process_time if options.cpu_time else time.perf_counter
    asked = options.target, options.precision, options.threads
    engine, precision, threads, _ = choose_engine(*asked)
    own = hg.build_graph(options.network)
    latency = Latency(own, engine, precision, threads, most=1.0, clock=clock)
    found, start = list[tuple[float, float]](), time.perf_counter()
    print("width, modules of each stage, predicted ms, measured ms, error %")
    while len(found) < options.variants and time.perf_counter() - start < options.seconds:
        width, modules = draw.randint(*options.widths), [draw.randint(1, n) for n in (1, 4, 3)]
        values = {f"stages.{i + 1}.modules": n for i, n in enumerate(modules)}
        graph = hg.build_graph(hg.load_spec(options.network, {"width": width, **values}))
        predicted, measured = latency.predict(graph), latency.measure(graph)
        found.append((predicted, measured))
        row = (width, *modules, f"{1e3 * predicted:.2f}", f"{1e3 * measured:.2f}")
        print(*row, f"{100 * (predicted / measured - 1):+.1f}", flush=True)
    errors = sorted(abs(a / b - 1) for a, b in found)
    print(f"{len(found)} variants in {time.perf_counter() - start:.0f} s")
    print(f"error: median {statistics.median(errors):.1%}, largest {errors[-1]:.1%}")
    print(f"within 10 %: {sum(error <= 0.1 for error in errors)} of {len(errors)}")
    print(f"correlation of ranks: {_rank_correlation(found):.4f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="hrnet_w18_cls")
    parser.add_argument("--variants", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--target", default="openvino")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--widths", type=int, nargs=2, default=(12, 64))
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's, of values that are all different."""
    ranks = [{x: i for i, x in enumerate(sorted(column))} for column in zip(*pairs, strict=True)]
    n = len(pairs)
    apart = sum((ranks[0][a] - ranks[1][b]) ** 2 for a, b in pairs)
    return 1 - 6 * apart / (n * (n * n - 1)) if n > 1 else 1.0


if __name__ == "__main__":
    main()
