"""Large numbers as people read them."""

from __future__ import annotations

from hrnet_graph.analysis.cost import Cost


def short(number: int) -> str:
    """Three digits and a decimal prefix: 8921133056 -> `8.92 G`."""
    if number >= 1000:
        step = 10 ** (len(str(number)) - 3)
        number = (number + step // 2) // step * step
    for power, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= power:
            scaled = number / power
            return f"{scaled:.{max(0, 3 - len(str(int(scaled))))}f} {prefix}"
    return str(number)


def count_of(number: int, unit: str) -> str:
    """A large number with its unit: 8921133056 MACs -> `8.92 GMACs`."""
    text = short(number)
    return f"{text}{unit}" if text[-1].isalpha() else f"{text} {unit}"


def cost_lines(cost: Cost) -> list[str]:
    """Params and MACs, where there are any: `67.1 M params`, `17.3 GMACs`."""
    params = [f"{short(cost.params)} params"] if cost.params else []
    return params + ([count_of(cost.macs, "MACs")] if cost.macs else [])


def totals(cost: Cost) -> str:
    """Params and MACs in one line: `67.1 M parameters, 17.3 GMACs`."""
    return f"{short(cost.params)} parameters, {count_of(cost.macs, 'MACs')}"
