"""Where a download goes: both forms keep every byte in its place and leave nothing behind (P5)."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aiohttp_s3_client.transport.disk import Disk
from aiohttp_s3_client.transport.sink import PositionedFile, RangeFiles, Sink, open_sink

FORMS = [PositionedFile, RangeFiles] if hasattr(os, "pwrite") else [RangeFiles]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Callable[[Path], Sink]:
    made: Callable[[Path, Disk], Sink] = request.param
    return lambda path: made(path, Disk())


async def test_nothing_appears_before_the_end(form: Callable[[Path], Sink], tmp_path: Path) -> None:
    path = tmp_path / "file"
    sink = form(path)
    await sink.write(3, b"def")
    await sink.write(0, b"abc")
    assert not path.exists()
    await sink.commit(6)
    assert path.read_bytes() == b"abcdef"
    await sink.discard()
    assert path.read_bytes() == b"abcdef", "safe after commit"
    assert list(tmp_path.iterdir()) == [path]


async def test_discarded_nothing_is_left(form: Callable[[Path], Sink], tmp_path: Path) -> None:
    sink = form(tmp_path / "file")
    await sink.write(0, b"abc")
    await sink.write(100, b"def")
    await sink.discard()
    await sink.discard()
    assert not list(tmp_path.iterdir())


async def test_an_empty_object_is_an_empty_file(
    form: Callable[[Path], Sink], tmp_path: Path
) -> None:
    sink = form(tmp_path / "file")
    await sink.commit(0)
    await sink.discard()
    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.parametrize("size", [5, 7])
async def test_another_size_than_the_objects_is_never_committed(
    form: Callable[[Path], Sink], tmp_path: Path, size: int
) -> None:
    sink = form(tmp_path / "file")
    await sink.write(0, b"abcdef")
    with pytest.raises(RuntimeError, match="6 bytes"):
        await sink.commit(size)
    await sink.discard()
    assert not list(tmp_path.iterdir())


async def test_a_hole_between_ranges_is_never_committed_as_separate_files(tmp_path: Path) -> None:
    sink = RangeFiles(tmp_path / "file", Disk())
    await sink.write(0, b"abc")
    await sink.write(4, b"ef")
    with pytest.raises(RuntimeError):
        await sink.commit(6)
    await sink.discard()


@pytest.mark.parametrize("seed", range(3))
async def test_p05_ranges_written_side_by_side_keep_every_byte(
    form: Callable[[Path], Sink], tmp_path: Path, seed: int
) -> None:
    """Neighbours begin while the one before is being written, in any order, some twice."""
    rng = random.Random(seed)
    for turn in range(30):
        count, size = rng.randint(2, 24), rng.choice([1, 17, 4096])
        data = rng.randbytes(count * size)
        path = tmp_path / f"file-{turn}"
        sink = form(path)
        order = [*range(count), *rng.choices(range(count), k=3)]
        rng.shuffle(order)
        await asyncio.gather(
            *(sink.write(n * size, data[n * size : (n + 1) * size]) for n in order)
        )
        await sink.commit(len(data))
        await sink.discard()
        assert path.read_bytes() == data


async def test_a_buffer_may_be_used_again_after_the_write(
    form: Callable[[Path], Sink], tmp_path: Path
) -> None:
    sink = form(tmp_path / "file")
    buffer = bytearray(b"abc")
    await sink.write(0, buffer)
    buffer[:] = b"xyz"
    await sink.write(3, memoryview(buffer))
    await sink.commit(6)
    await sink.discard()
    assert (tmp_path / "file").read_bytes() == b"abcxyz"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_a_new_file_has_the_mode_that_the_umask_leaves(
    form: Callable[[Path], Sink], tmp_path: Path
) -> None:
    (tmp_path / "plain").touch()
    sink = form(tmp_path / "file")
    await sink.write(0, b"abc")
    await sink.commit(3)
    await sink.discard()
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("plain", "file")]
    assert modes[0] == modes[1]


async def test_a_long_name_leaves_room_for_the_temporary_one(
    form: Callable[[Path], Sink], tmp_path: Path
) -> None:
    for name in ("n" * 255, "ü" * 127):
        sink = form(tmp_path / name)
        await sink.write(0, b"abc")
        await sink.commit(3)
        await sink.discard()
        assert (tmp_path / name).read_bytes() == b"abc"


async def test_a_destination_that_is_a_symbolic_link_is_replaced(
    form: Callable[[Path], Sink], tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "file").symlink_to("other")
    sink = form(tmp_path / "file")
    await sink.write(0, b"abc")
    await sink.commit(3)
    await sink.discard()
    assert (tmp_path / "file").read_bytes() == b"abc"


@pytest.mark.parametrize(("plain", "kind"), [("1", RangeFiles), ("0", FORMS[0])])
async def test_which_form(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plain: str, kind: type
) -> None:
    monkeypatch.setenv("AIOS3_PLAIN", plain)
    sink = await open_sink(tmp_path / "file", Disk())
    assert isinstance(sink, kind)
    await sink.discard()
    with pytest.raises(FileNotFoundError):
        await open_sink(tmp_path / "missing" / "file", Disk())
