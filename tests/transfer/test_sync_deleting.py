"""Deleting what a source does not have, and the directories that are empty then."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiohttp_s3_client.errors import SyncError
from aiohttp_s3_client.models import SyncReport
from aiohttp_s3_client.transfer.sync.deleting import FileDeletion, Pretended
from aiohttp_s3_client.transfer.sync.entries import Entry
from aiohttp_s3_client.transfer.sync.landing import Landing
from aiohttp_s3_client.transfer.sync.outcome import Callbacks, Outcome
from aiohttp_s3_client.transport.disk import Disk


def outcome() -> Outcome:
    return Outcome(Callbacks(), lambda name: (name, name), 10)


async def deletion_of(root: Path, steps: str) -> Outcome:
    """*steps* are the names in order; those with a minus are deleted, the others kept."""
    told = outcome()
    deletion = FileDeletion(Landing(root), Disk(), told)
    for step in steps.split():
        name = step.removeprefix("-")
        await deletion.reached(name, kept=name == step)
        if name != step:
            found = (root / name).stat()
            await deletion.delete(Entry(name, found.st_size, found.st_mtime_ns, None))
    assert await deletion.finish() is None
    return told


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize(
    ("files", "steps", "left"),
    [
        ("d/a", "-d/a", []),
        ("d/e/f/a", "-d/e/f/a", []),
        ("d/a d/e/b x", "-d/a -d/e/b x", ["x"]),
        ("d/a d/e/b", "-d/a d/e/b", ["d", "d/e", "d/e/b"]),
        ("d/e/b d/x", "-d/e/b d/x", ["d", "d/x"]),
        ("d/a d/unseen", "-d/a", ["d", "d/unseen"]),
        # A file that is on its way keeps its directory, and those above it, before it lands.
        ("d/a", "-d/a d/b e", ["d"]),
        ("d/a", "-d/a d/e/b f", ["d"]),
        ("d/e/a", "d/c -d/e/a e", ["d"]),
        ("d/a d.x/a d0", "-d.x/a -d/a d0", ["d0"]),
    ],
)
async def test_directories_that_became_empty(
    tmp_path: Path, files: str, steps: str, left: list[str]
) -> None:
    make(tmp_path, *files.split())
    await deletion_of(tmp_path, steps)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == left


async def test_directories_that_were_empty_before(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    make(tmp_path, "a", "d/b")
    (tmp_path / "d/empty").mkdir()
    assert (await deletion_of(tmp_path, "-a -d/b")).report() == SyncReport(0, 2, 0, 0)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["d", "empty", "empty"]


async def test_what_cannot_be_deleted(tmp_path: Path) -> None:
    """The rest is all the same."""
    make(tmp_path, "d/a/file", "d/b")
    told = await deletion_of(tmp_path, "-d/a -d/b")
    with pytest.raises(SyncError) as caught:
        told.report()
    assert caught.value.report == SyncReport(0, 1, 0, 1)
    assert caught.value.failures[0].name == "d/a"
    assert (tmp_path / "d/a/file").exists()


async def test_what_would_be_gone() -> None:
    """Names are forgotten as soon as nothing that comes can be behind them."""
    pretended = Pretended(outcome())
    seen = []
    for name in ("a", "a!", "a-b", "a/b", "b", "c/d"):
        await pretended.reached(name, kept=False)
        seen.append(sorted(pretended.gone))
        await pretended.delete(Entry(name, 0, 0, None))
    assert seen == [[], ["a"], ["a"], ["a"], [], []]
