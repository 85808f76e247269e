"""What is made of the runs: medians, tables, and a file that can be read again."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .chart import Bar, bar_chart
from .clients import BY_NAME, CATALOGUE
from .runner import Results, Run
from .targets import Outcome, outcomes
from .works import Work, all_works

MIB = 1024 * 1024
HEADINGS = (
    "client",
    "CPU",
    "user",
    "system",
    "CPU range",
    "wall",
    "peak RSS, MiB",
    "to the best peer",
)


@dataclass(frozen=True, slots=True)
class Median:
    """Medians of the runs of one client at one work, a single operation: seconds and bytes."""

    work: str
    client: str
    runs: int
    cpu: float
    cpu_min: float
    cpu_max: float
    user: float
    system: float
    wall: float
    peak_rss: float


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison, ready to be written; ``machine`` is what it ran on, name by name."""

    machine: dict[str, str]
    big_size: int
    effort: float
    rounds: int
    results: Results

    @property
    def works(self) -> list[Work]:
        """The works that anything is known of."""
        measured = {run.work for run in self.results.runs}
        return [work for work in all_works(self.big_size, self.effort) if work.name in measured]

    def medians(self, work: Work) -> list[Median]:
        """Those of *work*, the cheapest first."""
        by_client: dict[str, list[Run]] = {}
        for run in self.results.runs:
            if run.work == work.name:
                by_client.setdefault(run.client, []).append(run)
        found = [_median(work, client, runs) for client, runs in by_client.items()]
        return sorted(found, key=lambda median: median.cpu)

    def outcomes(self) -> list[Outcome]:
        """What came of the targets."""
        known = {
            (work.name, median.client): median
            for work in self.works
            for median in self.medians(work)
        }

        def figure(work: str, client: str, measure: str) -> float | None:
            median = known.get((work, client))
            return None if median is None else float(getattr(median, measure))

        return outcomes(figure)

    def to_json(self) -> str:
        told = {
            **asdict(self),
            "medians": [asdict(median) for work in self.works for median in self.medians(work)],
            "targets": [
                {"target": found.target.title, "work": found.work, "client": found.target.ours,
                 "peer": found.peer, "ratio": found.ratio, "at_most": found.target.at_most,
                 "verdict": found.verdict}
                for found in self.outcomes()
            ],
        }  # fmt: skip
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """What ``to_json`` wrote; medians and targets are computed anew."""
        told: dict[str, Any] = json.loads(text)
        results = told["results"]
        runs = [Run(**run) for run in results.pop("runs")]
        return cls(
            told["machine"], told["big_size"], told["effort"], told["rounds"],
            Results(runs=runs, **results),
        )  # fmt: skip

    def to_rst(self, charts: str = "") -> str:
        """Tables in reStructuredText; with *charts*, the folder of the charts, those too."""
        parts = [self._conditions(), *_section("Targets", rst_table(*self._targets()))]
        for work in self.works:
            chart = (
                f".. image:: {charts}/{work.name}.svg\n   :alt: {work.title}\n" if charts else ""
            )
            parts += _section(
                f"{work.title} ({work.unit.name})", chart, rst_table(*self._rows(work))
            )
        parts += _section("What the clients do", rst_table(*self._clients()))
        parts += _section("Left out", self._left_out())
        return "\n".join(part for part in parts if part)

    def write(self, folder: Path) -> None:
        """``results.json``, ``tables.txt`` and a chart of each work, all in *folder*."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(self.to_json(), encoding="utf-8")
        (folder / "tables.txt").write_text(self.to_rst(folder.name), encoding="utf-8")
        for work in self.works:
            (folder / f"{work.name}.svg").write_text(self.chart(work), encoding="utf-8")

    def chart(self, work: Work) -> str:
        """The bar chart of *work*, as SVG."""
        bars = []
        for median in self.medians(work):
            # The medians of the two need not add up to that of their sum.
            both = median.user + median.system
            share = median.user / both if both else 1.0
            cost, entry = median.cpu * work.unit.scale, BY_NAME[median.client]
            bars.append(Bar(entry.title, cost * share, cost * (1 - share), entry.kind == "ours"))
        return bar_chart(f"{work.title}: processor time, {work.unit.name}", bars)

    def _targets(self) -> tuple[Sequence[str], list[list[str]]]:
        rows = [
            [
                found.target.title, found.work, BY_NAME[found.target.ours].title, found.peer,
                "–" if found.ratio is None else f"{found.ratio:.2f}",
                f"{found.target.at_most:.2f}", found.verdict,
            ]
            for found in self.outcomes()
        ]  # fmt: skip
        return ("target", "work", "client", "peer", "ratio", "at most", "verdict"), rows

    def _rows(self, work: Work) -> tuple[Sequence[str], list[list[str]]]:
        medians, scale = self.medians(work), work.unit.scale
        peers = [median.cpu for median in medians if BY_NAME[median.client].kind == "peer"]
        best = min(peers, default=0.0)

        def told(seconds: float) -> str:
            return number(seconds * scale)

        rows = [
            [
                BY_NAME[median.client].title, told(median.cpu), told(median.user),
                told(median.system), f"{told(median.cpu_min)}–{told(median.cpu_max)}",
                told(median.wall), f"{median.peak_rss / MIB:.0f}",
                f"{median.cpu / best:.2f}" if best else "–",
            ]
            for median in medians
        ]  # fmt: skip
        return HEADINGS, rows

    def _clients(self) -> tuple[Sequence[str], list[list[str]]]:
        measured = {run.client for run in self.results.runs}
        rows = [[entry.title, entry.note] for entry in CATALOGUE if entry.name in measured]
        return ("client", "with bodies"), rows

    def _conditions(self) -> str:
        machine = "; ".join(f"{name}: {value}" for name, value in self.machine.items())
        found = {
            f"{name} {version}"
            for versions in self.results.versions.values()
            for name, version in versions.items()
        }
        packages = ", ".join(sorted(found))
        lines = [
            f"Medians of {self.rounds} rounds, big objects of {self.big_size // MIB} MiB, "
            f"{self.effort:g} times the usual numbers of requests. {machine}. {packages}.\n"
        ]
        if self.results.unfinished:
            lines.append("**The time was up before everything was measured.**\n")
        return "\n".join(lines)

    def _left_out(self) -> str:
        told = {**self.results.skipped, **self.results.failed}
        if not told:
            return "Nothing: every client did all that it can.\n"
        return "\n".join(f"* ``{name}``: ``{why}``" for name, why in told.items()) + "\n"


def _median(work: Work, client: str, runs: list[Run]) -> Median:
    def of(values: list[float]) -> float:
        return statistics.median(values) / work.count

    cpu = [run.user + run.system for run in runs]
    return Median(
        work.name, client, len(runs), of(cpu), min(cpu) / work.count, max(cpu) / work.count,
        of([run.user for run in runs]), of([run.system for run in runs]),
        of([run.wall for run in runs]), statistics.median(run.peak_rss for run in runs),
    )  # fmt: skip


def number(value: float) -> str:
    """*value* with three digits that count."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _section(title: str, *parts: str) -> list[str]:
    return [f"{title}\n{'~' * len(title)}\n", *parts]


def rst_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A simple table of reStructuredText, which reads well as text too."""
    cells = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule]) + "\n"
