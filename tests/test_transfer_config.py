"""``TransferConfig``: boto3's words, order and defaults, S3's limits, and every value checked."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any, get_args

import pytest
from boto3.s3.transfer import TransferConfig as BotosTransferConfig
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.config import (
    GIB,
    KIB,
    MAX_OBJECT_SIZE,
    MAX_PART_SIZE,
    MAX_PARTS,
    MIB,
    MIN_PART_SIZE,
    ChecksumAlgorithm,
    TransferConfig,
)
from aiohttp_s3_client.protocol.checksums import ALGORITHMS

BOTOS_NAMES = (
    "multipart_threshold",
    "max_concurrency",
    "multipart_chunksize",
    "num_download_attempts",
    "max_io_queue",
    "io_chunksize",
    "use_threads",
    "max_bandwidth",
    "preferred_transfer_client",
)


def test_names_and_defaults_are_boto3s() -> None:
    ours, botos = TransferConfig(), BotosTransferConfig()
    for name in (*BOTOS_NAMES, "max_request_concurrency", "max_io_queue_size"):
        assert getattr(ours, name) == getattr(botos, name), name


def test_the_order_is_boto3s() -> None:
    values: tuple[Any, ...] = (1, 2, 3, 4, 5, 6, False, 7, "classic")
    ours, botos = TransferConfig(*values), BotosTransferConfig(*values)
    for name, value in zip(BOTOS_NAMES, values, strict=True):
        assert getattr(ours, name) == getattr(botos, name) == value, name
    assert ours.max_request_concurrency == 2
    assert ours.max_io_queue_size == 5


def test_our_own_settings_are_by_keyword() -> None:
    config = TransferConfig(memory_limit=64 * MIB, checksum="CRC64NVME", resume=True, fsync=True)
    assert (config.memory_limit, config.checksum) == (64 * MIB, "CRC64NVME")
    assert config.resume is config.fsync is True
    unset = TransferConfig()
    assert unset.memory_limit is unset.checksum is None
    assert unset.resume is unset.fsync is False
    with pytest.raises(TypeError, match="positional"):
        TransferConfig(1, 2, 3, 4, 5, 6, True, 7, "auto", 64 * MIB)  # type: ignore[call-arg]  # tested


def test_without_threads_there_is_one_worker() -> None:
    assert TransferConfig(max_concurrency=7).workers == 7
    assert TransferConfig(max_concurrency=7, use_threads=False).workers == 1


def test_it_is_a_value() -> None:
    config = TransferConfig(max_concurrency=3)
    assert config == TransferConfig(max_concurrency=3)
    assert hash(config) == hash(TransferConfig(max_concurrency=3))
    assert dataclasses.replace(config, max_concurrency=10) == TransferConfig()
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(AttributeError):
        config.max_concurrency = 5  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize("word", ["auto", "classic", "crt", "CRT", "Classic"])
def test_boto3s_words_for_the_transfer_client(word: Any) -> None:
    assert TransferConfig(preferred_transfer_client=word).preferred_transfer_client == word.lower()


@pytest.mark.parametrize("name", BOTOS_NAMES[:6])
@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("8", TypeError), (True, TypeError)],
)
def test_counts_and_sizes_are_positive_ints(
    name: str, value: object, error: type[Exception]
) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(error, match=f"{name} must be .*{value}"):
        TransferConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"max_bandwidth": 0}, ValueError, "max_bandwidth.*0"),
        ({"max_bandwidth": 1e6}, TypeError, "max_bandwidth.*1000000.0"),
        ({"memory_limit": -1}, ValueError, "memory_limit.*-1"),
        ({"memory_limit": "1G"}, TypeError, "memory_limit.*'1G'"),
        ({"use_threads": 1}, TypeError, "use_threads.*1"),
        ({"use_threads": None}, TypeError, "use_threads.*None"),
        ({"resume": "yes"}, TypeError, "resume.*'yes'"),
        ({"fsync": 0}, TypeError, "fsync.*0"),
        ({"preferred_transfer_client": "curl"}, ValueError, "auto, classic or crt, not 'curl'"),
        ({"preferred_transfer_client": None}, ValueError, "preferred_transfer_client.*None"),
        ({"checksum": "crc32"}, ValueError, "checksum.*CRC64NVME.*'crc32'"),
        ({"checksum": 1}, ValueError, "checksum.*not 1"),
        ({"checksum": ["CRC32"]}, ValueError, r"checksum.*\['CRC32'\]"),
    ],
)
def test_bad_settings_are_refused_by_name(
    settings: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        TransferConfig(**settings)


@pytest.mark.parametrize("checksum", [True, False, None, "CRC32", "SHA256", "MD5"])
def test_checksums(checksum: Any) -> None:
    assert TransferConfig(checksum=checksum).checksum is checksum


def test_the_checksums_are_those_that_can_be_computed() -> None:
    assert set(get_args(ChecksumAlgorithm)) == set(ALGORITHMS)


def test_the_memory_limit_holds_one_part() -> None:
    assert TransferConfig(memory_limit=8 * MIB).memory_limit == 8 * MIB
    with pytest.raises(ValueError, match=f"memory_limit .* {8 * MIB} bytes, not {8 * MIB - 1}"):
        TransferConfig(memory_limit=8 * MIB - 1)
    # Ranges may be smaller, but an upload has to hold 5 MiB.
    assert TransferConfig(multipart_chunksize=MIB, memory_limit=5 * MIB).memory_limit == 5 * MIB
    with pytest.raises(ValueError, match=f"memory_limit .* {5 * MIB} bytes"):
        TransferConfig(multipart_chunksize=MIB, memory_limit=5 * MIB - 1)


# --- part sizes


@pytest.mark.parametrize(
    ("chunksize", "size", "part_size"),
    [
        (8 * MIB, None, 8 * MIB),
        (8 * MIB, 0, 8 * MIB),
        (8 * MIB, 8 * MIB * MAX_PARTS, 8 * MIB),
        (8 * MIB, 8 * MIB * MAX_PARTS + 1, 9 * MIB),
        (16 * MIB, 8 * MIB * MAX_PARTS + 1, 16 * MIB),
        (256 * KIB, 1 * GIB, 5 * MIB),
        (256 * KIB, None, 5 * MIB),
        (6 * GIB, None, 5 * GIB),
        (8 * MIB, 10 * 1000**4, 954 * MIB),
        (8 * MIB, MAX_OBJECT_SIZE - 1, 5 * GIB),
        (8 * MIB, MAX_OBJECT_SIZE, 5 * GIB),
        (6 * GIB, MAX_OBJECT_SIZE, 5 * GIB),
    ],
)
def test_part_sizes(chunksize: int, size: int | None, part_size: int) -> None:
    assert TransferConfig(multipart_chunksize=chunksize).part_size_for(size) == part_size


def test_the_largest_object_is_s3s() -> None:
    assert int(MAX_OBJECT_SIZE / 1024**4 * 10) / 10 == 48.8  # TiB, as S3's page of limits has it
    assert MAX_OBJECT_SIZE >= 50 * 1000**4


@pytest.mark.parametrize("size", [MAX_OBJECT_SIZE + 1, -1])
def test_an_object_that_s3_cannot_hold_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"{MAX_OBJECT_SIZE} bytes.* not {size}"):
        TransferConfig().part_size_for(size)


@given(size=st.integers(0, MAX_OBJECT_SIZE), chunksize=st.integers(1, 2 * MAX_PART_SIZE))
@example(size=MAX_OBJECT_SIZE, chunksize=1)
@example(size=MAX_OBJECT_SIZE, chunksize=MAX_PART_SIZE - 1)
def test_every_object_fits_into_an_upload(size: int, chunksize: int) -> None:
    part_size = TransferConfig(multipart_chunksize=chunksize).part_size_for(size)
    assert MIN_PART_SIZE <= part_size <= MAX_PART_SIZE
    assert part_size * MAX_PARTS >= size
    # And it is no larger than it has to be.
    least = max(min(max(chunksize, MIN_PART_SIZE), MAX_PART_SIZE), size / MAX_PARTS)
    assert part_size < least + MIB
