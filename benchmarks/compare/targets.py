"""Where the client must get to, against whom, and whether it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MIB = 1024 * 1024
RUST_AND_C = ("opendal", "awscrt", "obstore")


@dataclass(frozen=True, slots=True)
class Target:
    """*ours* may cost at most *at_most* times what the best of *peers* costs, in each of *works*.

    *peer_work* is the peer's own work where it differs; *measure* is a field of
    ``report.Median``; *allowance* is added to the peer's figure.
    """

    title: str
    works: tuple[str, ...]
    ours: str
    peers: tuple[str, ...]
    at_most: float
    measure: str = "cpu"
    peer_work: str = ""
    allowance: float = 0.0


TARGETS = (
    Target("small requests", ("get-1k", "put-1k"), "ours", ("raw-aiohttp",), 1.15),
    Target("small requests, uvloop", ("get-1k", "put-1k"), "ours-uvloop", RUST_AND_C, 1.10),
    Target("download, no checksum offered", ("download",), "ours", ("curl",), 0.90),
    Target("download, CRC verified", ("download-crc",), "ours", ("obstore",), 0.75),
    Target("download, TLS, uvloop", ("download-tls",), "ours-uvloop", ("obstore",), 1.10),
    Target("upload, unsigned body", ("upload",), "ours-unsigned", ("opendal",), 0.50),
    Target("upload, sha256", ("upload",), "ours", ("obstore",), 0.70),
    Target("upload, unsigned, with CRC", ("upload",), "ours-crc", ("obstore-unsigned",), 0.75),
    Target("upload, TLS, with CRC", ("upload-tls",), "ours-crc", ("obstore-unsigned",), 1.15),
    Target("listing", ("list",), "ours", ("obstore",), 1.00),
    Target("presigning", ("presign",), "ours", ("obstore",), 0.80),
    Target("import", ("import",), "ours", ("raw-aiohttp",), 1.15),
    Target(
        "peak RSS, against one GET of aiohttp + 32 MiB", ("download", "upload"), "ours",
        ("raw-aiohttp",), 1.00, "peak_rss", "first-get", 32 * MIB,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one work of a target; *ratio* is None where something was not measured."""

    target: Target
    work: str
    ratio: float | None
    peer: str = ""
    """The peer that was best, or those that are missing."""

    @property
    def verdict(self) -> str:
        """``met``, ``missed`` or ``not measured``."""
        if self.ratio is None:
            return "not measured"
        return "met" if self.ratio <= self.target.at_most else "missed"


Figure = Callable[[str, str, str], float | None]
"""The figure of (work, client, measure), or None when it was not measured."""


def outcomes(figure: Figure, targets: Sequence[Target] = TARGETS) -> list[Outcome]:
    """One outcome for each work of each target."""
    return [_outcome(figure, target, work) for target in targets for work in target.works]


def _outcome(figure: Figure, target: Target, work: str) -> Outcome:
    ours = figure(work, target.ours, target.measure)
    measured = [
        (value, peer)
        for peer in target.peers
        if (value := figure(target.peer_work or work, peer, target.measure)) is not None
    ]
    if ours is None or not measured:
        return Outcome(target, work, None, ", ".join(target.peers))
    best, peer = min(measured)
    return Outcome(target, work, ours / (best + target.allowance), peer)
