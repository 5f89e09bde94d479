"""Draws what `loadtests/report/*.json` holds, in an environment of its own that has matplotlib.

It imports nothing of this repository, and draws what is there: a missing file is a missing picture.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

_OURS, _OTHERS = "#1b6ca8", "#9aa5b1"
_SIZE = (9, 5)


def _colour(target: str) -> str:
    return _OURS if target.startswith("gateway") else _OTHERS


def draw_cost(data: Mapping[str, Any], file: Path) -> None:
    """Draw tokens per second of one core, paced and flood, a bar for each target."""
    figure, axes = plt.subplots(1, 2, figsize=_SIZE, sharey=True)
    for axis, load in zip(axes, ("paced", "flood"), strict=True):
        found: dict[str, list[float]] = {}
        for row in data["rows"]:
            if row["load"] == load and row["cpu_seconds"]:
                rate = row["tokens"] / row["cpu_seconds"]
                found.setdefault(row["target"], []).append(rate)
        for target, rates in reversed(found.items()):
            axis.barh(target, median(rates), color=_colour(target))
            axis.plot([min(rates), max(rates)], [target, target], color="black", linewidth=1)
        axis.set_xscale("log")
        axis.set_title(load)
        axis.set_xlabel("tokens/s that one core carries")
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)


def draw_latency(data: Mapping[str, Any], file: Path) -> None:
    """Draw how the one-way latency of a word and the time to the first token are distributed."""
    figure, axes = plt.subplots(1, 2, figsize=_SIZE, sharey=True)
    titles = {"latency_seconds": "one way, paced", "first_token_seconds": "first token, unloaded"}
    for axis, (member, load) in zip(
        axes, (("latency_seconds", "paced"), ("first_token_seconds", "first")), strict=True
    ):
        for result in data["results"]:
            values = result[member]
            if result["load"] == load and values[0] is not None:
                style = "-" if result["target"].startswith("gateway") else "--"
                shown = [max(1e-2, 1e3 * value) for value in values]
                axis.plot(shown, data["quantiles"], style, label=result["target"])
        axis.set_xscale("log")
        axis.set_xlabel("ms")
        axis.set_title(titles[member])
        axis.legend(fontsize="x-small")
    axes[0].set_ylabel("share of tokens that took no longer")
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)


def draw_steps(data: Mapping[str, Any], file: Path) -> None:
    """Draw what each step costs per token, one upon the other, beside the whole."""
    figure, axis = plt.subplots(figsize=_SIZE)
    bottom = 0.0
    for step in data["steps"]:
        cost = max(0.0, step["microseconds_per_token"])  # what drowns in noise may be below zero
        axis.bar("sum of the steps", cost, bottom=bottom, label=f"{step['name']} {cost:.1f}")
        bottom += cost
    axis.bar("all of it", data["whole"]["microseconds_per_token"], color=_OURS)
    axis.set_ylabel("CPU microseconds per token")
    axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)


def draw_scaling(data: Mapping[str, Any], file: Path) -> None:
    """Draw tokens per second and latency by the number of streams, a line for each way to serve."""
    figure, axes = plt.subplots(1, 2, figsize=_SIZE)
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for point in data["points"]:
        lines.setdefault(point["target"], []).append(point)
    for target, points in lines.items():
        streams = [point["streams"] for point in points]
        rates = [point["tokens_per_second"] for point in points]
        axes[0].plot(streams, rates, "o-", label=target)
        late = [1e3 * point["latency_seconds_p99"] for point in points]
        axes[1].plot(streams, late, "o-", label=target)
    axes[0].plot(
        [point["streams"] for point in data["points"]],
        [point["offered_tokens_per_second"] for point in data["points"]],
        "k.",
        label="offered",
    )
    axes[0].set_ylabel("tokens/s")
    axes[1].set_ylabel("one way p99, ms")
    for axis in axes:
        axis.set_xlabel("streams")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)


_DRAWN: Mapping[str, tuple[str, Callable[[Mapping[str, Any], Path], None]]] = {
    "cost.png": ("bench.json", draw_cost),
    "latency.png": ("bench.json", draw_latency),
    "steps.png": ("steps.json", draw_steps),
    "scaling.png": ("scaling.json", draw_scaling),
}


def main(directory: Path) -> None:
    """Draw everything for which there is data in *directory*."""
    for picture, (source, draw) in _DRAWN.items():
        if (directory / source).exists():
            draw(json.loads((directory / source).read_text("utf-8")), directory / picture)
            sys.stdout.write(f"{directory / picture}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
