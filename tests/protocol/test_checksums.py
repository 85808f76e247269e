"""Checksums (P5): known values, every back end against a long division, joining, and answers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib.util
import itertools
import mmap
import subprocess
import sys
import types
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import xxhash
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.config import MIB, ChecksumAlgorithm
from aiohttp_s3_client.protocol import checksums, crc, hashes
from aiohttp_s3_client.protocol.checksums import ALGORITHMS, CONTENT_MD5, Checksum, from_headers

KINDS = {"CRC32": crc.CRC32, "CRC32C": crc.CRC32C, "CRC64NVME": crc.CRC64NVME}
CRCS = tuple(KINDS)
HASHES = ("SHA1", "SHA256", "SHA512", "MD5")
XXHASHES = ("XXHASH64", "XXHASH3", "XXHASH128")
BACK_ENDS = ("fastcrc", "anycrc", "awscrt")
SERVES = {
    "none": {"CRC32": "zlib", "CRC32C": "python", "CRC64NVME": "python"},
    "fastcrc": {"CRC32": "fastcrc", "CRC32C": "fastcrc", "CRC64NVME": "python"},
    "anycrc": {"CRC32": "anycrc", "CRC32C": "anycrc", "CRC64NVME": "anycrc"},
    "awscrt": {"CRC32": "zlib", "CRC32C": "awscrt", "CRC64NVME": "awscrt"},
}

SIZES = {"XXHASH64": 8, "XXHASH3": 8, "XXHASH128": 16}

any_crc = st.sampled_from(CRCS)
any_algorithm = st.sampled_from(ALGORITHMS)
bodies = st.binary(max_size=3000)


def hide(patch: pytest.MonkeyPatch, module: str) -> None:
    """Importing it fails, as if it were not installed."""
    for name in [module, *(known for known in sys.modules if known.startswith(f"{module}."))]:
        patch.setitem(sys.modules, name, None)


@pytest.fixture(scope="module", params=SERVES)
def only(request: pytest.FixtureRequest) -> Iterator[str]:
    """The one back end that there is, or ``none``."""
    name: str = request.param
    if name != "none" and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    with pytest.MonkeyPatch.context() as patch:
        for other in BACK_ENDS:
            if other != name:
                hide(patch, other)
        crc.backend.cache_clear()
        yield name
    crc.backend.cache_clear()


@pytest.fixture
def looked_anew() -> Iterator[None]:
    """The choice of back ends is made in the test, and forgotten after it."""
    crc.backend.cache_clear()
    yield
    crc.backend.cache_clear()


def long_division(width: int, polynomial: int, data: bytes) -> int:
    """A CRC as its definition has it, on bits in the order sent, with the polynomial as printed."""
    ones, top = (1 << width) - 1, 1 << (width - 1)
    value = ones
    for byte in data:
        for place in range(8):
            bit = bool(value & top) ^ (byte >> place & 1)
            value = value << 1 & ones ^ (polynomial if bit else 0)
    return int(f"{value ^ ones:0{width}b}"[::-1], 2)


DEFINITIONS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: long_division(32, 0x04C11DB7, data).to_bytes(4, "big"),
    "CRC32C": lambda data: long_division(32, 0x1EDC6F41, data).to_bytes(4, "big"),
    "CRC64NVME": lambda data: long_division(64, 0xAD93D23594C93659, data).to_bytes(8, "big"),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "SHA512": lambda data: hashlib.sha512(data).digest(),
    "MD5": lambda data: hashlib.md5(data).digest(),
    "XXHASH64": lambda data: xxhash.xxh64_intdigest(data, 0).to_bytes(8, "big"),
    "XXHASH3": lambda data: xxhash.xxh3_64_intdigest(data, 0).to_bytes(8, "big"),
    "XXHASH128": lambda data: xxhash.xxh3_128_intdigest(data, 0).to_bytes(16, "big"),
}

RISING = bytes(range(256))


# --- computing


@pytest.mark.parametrize(
    ("algorithm", "data", "digest"),
    [
        ("CRC32", b"", "00000000"),
        ("CRC32", b"123456789", "cbf43926"),
        ("CRC32C", b"", "00000000"),
        ("CRC32C", b"123456789", "e3069283"),
        # RFC 3720, appendix B.4
        ("CRC32C", bytes(32), "8a9136aa"),
        ("CRC32C", b"\xff" * 32, "62a8ab43"),
        ("CRC32C", RISING[:32], "46dd794e"),
        ("CRC32C", RISING[31::-1], "113fdb5c"),
        # NVM Command Set Specification, section on the 64b CRC
        ("CRC64NVME", b"", "0000000000000000"),
        ("CRC64NVME", b"123456789", "ae8b14860a799888"),
        ("CRC64NVME", bytes(4096), "6482d367eb22b64e"),
        ("CRC64NVME", b"\xff" * 4096, "c0ddba7302eca3ac"),
        ("CRC64NVME", RISING * 16, "3e729f5f6750449c"),
        ("CRC64NVME", RISING[::-1] * 16, "9a2df64b8e9e517e"),
        # AWS's own aws-checksums
        ("CRC64NVME", bytes(32), "cf3473434d4ecf3b"),
        ("CRC64NVME", RISING[:32], "b9d9d4a8492cbd7f"),
        ("CRC64NVME", b"Hello world", "38e259d03f312adb"),
        ("XXHASH64", b"Hello world", "c500b0c912b376d8"),
        ("XXHASH3", b"Hello world", "b6acb9d84a38ff74"),
        ("XXHASH128", b"Hello world", "7351f89812f97382b91d05b31e04dd7f"),
        # xxHash's specification: nothing, with seed 0
        ("XXHASH64", b"", "ef46db3751d8e999"),
        ("XXHASH3", b"", "2d06800538d394c2"),
        ("XXHASH128", b"", "99aa06d3014798d86001c324468d497f"),
        # FIPS 180-4's and RFC 1321's
        ("SHA1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "SHA256",
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "SHA512",
            b"abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        ("MD5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
    ],
)
def test_p5_published_values(only: str, algorithm: str, data: bytes, digest: str) -> None:
    assert checksums.compute(algorithm, data).hex() == digest
    assert checksums.compute(algorithm.lower(), memoryview(data)).hex() == digest
    assert checksums.compute(algorithm.title(), bytearray(data)).hex() == digest


@given(any_algorithm, bodies, st.lists(st.integers(min_value=0, max_value=3000), max_size=5))
def test_p5_pieces_give_what_the_definition_says(
    only: str, algorithm: str, data: bytes, cuts: list[int]
) -> None:
    """In whatever pieces the bytes come, and reading a digest early changes nothing."""
    running = checksums.new(algorithm)
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    view = memoryview(data)
    for start, stop in itertools.pairwise(places):
        running.update(view[start:stop])
        assert running.digest() == DEFINITIONS[algorithm](data[:stop])
    assert running.digest() == checksums.compute(algorithm, data) == DEFINITIONS[algorithm](data)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pieces_of_a_mapped_file(only: str, algorithm: str, tmp_path: Path) -> None:
    """More than a back end is handed at a time, read-only, and not at an aligned place."""
    fast = checksums.is_available(algorithm)
    size = (3 * 1024 * 1024 if fast else 30_000) + 17
    body = (RISING * (size // 251))[:size]
    path = tmp_path / "file"
    path.write_bytes(body)
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
        view[7:] as odd,
    ):
        found = checksums.compute(algorithm, odd)
        halves = checksums.new(algorithm)
        with odd[: size // 2] as first, odd[size // 2 :] as second:
            halves.update(first)
            halves.update(second)
    if algorithm == "CRC32":
        assert found == zlib.crc32(body[7:]).to_bytes(4, "big")
    elif algorithm not in CRCS:
        assert found == DEFINITIONS[algorithm](body[7:])
    assert found == halves.digest()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_buffers(only: str, algorithm: str) -> None:
    """Wider items count as their bytes; what is no buffer, or has gaps, is refused."""
    wide = memoryview(bytearray(RISING)).cast("I")
    assert checksums.compute(algorithm, wide) == checksums.compute(algorithm, RISING)
    with pytest.raises((BufferError, TypeError, ValueError)):
        checksums.compute(algorithm, memoryview(RISING)[::2])
    with pytest.raises(TypeError):
        checksums.new(algorithm).update("text")  # type: ignore[arg-type]  # what is refused


# --- which


@pytest.mark.parametrize("algorithm", CRCS)
def test_what_is_fast(only: str, algorithm: str) -> None:
    """Without a back end CRC32 can be borne, and the other two are for small bodies only."""
    by = SERVES[only][algorithm]
    assert crc.backend(KINDS[algorithm]).name == by
    assert checksums.is_fast(algorithm) == checksums.is_fast(algorithm.lower())
    assert checksums.is_fast(algorithm) == (by in BACK_ENDS)
    assert checksums.is_available(algorithm) == (by != "python")
    assert checksums.is_combinable(algorithm)


@pytest.mark.parametrize("algorithm", HASHES)
def test_hashes_are_there_and_not_fast(algorithm: str) -> None:
    assert checksums.is_available(algorithm)
    assert not checksums.is_fast(algorithm)
    assert not checksums.is_combinable(algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_python_itself_computes_is_for_small_bodies(only: str, algorithm: str) -> None:
    """Up to 1 MiB, and for nothing whose size is unknown; whoever named it hears what to do."""
    slow = SERVES[only].get(algorithm) == "python"
    for size, bearable in ((0, True), (MIB, True), (MIB + 1, not slow), (None, not slow)):
        assert checksums.is_affordable(algorithm.lower(), size) == bearable
        if bearable:
            checksums.check_affordable(algorithm, size)
        else:
            said = rf"{algorithm} of .*{size or MIB} bytes.*pip install .*\[checksums\]"
            with pytest.raises(ImportError, match=said):
                checksums.check_affordable(algorithm, size)


@pytest.mark.parametrize("algorithm", XXHASHES)
def test_an_xxhash_needs_its_package(monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    assert checksums.is_fast(algorithm)
    assert not checksums.is_combinable(algorithm)
    hide(monkeypatch, "xxhash")
    hashes.maker.cache_clear()
    try:
        assert not checksums.is_fast(algorithm)
        assert not checksums.is_available(algorithm)
        for call in (
            lambda: checksums.new(algorithm),
            lambda: checksums.compute(algorithm, b""),
            lambda: checksums.check_affordable(algorithm, 0),
        ):
            with pytest.raises(ImportError, match=rf"{algorithm} needs the package xxhash: pip"):
                call()
        # What nobody can compute here comes last, and is still told.
        offered = from_headers(
            {**header(algorithm, digest=bytes(SIZES[algorithm])), **header("MD5")}
        )
        assert [one.algorithm for one in offered] == ["MD5", algorithm]
    finally:
        hashes.maker.cache_clear()


def test_the_md5_of_requests_and_the_one_that_s3_keeps() -> None:
    """``Content-MD5`` is what this client's settings mean by MD5; S3's own parameter means S3's."""
    assert checksums.of_settings("MD5") == CONTENT_MD5
    assert {checksums.of_settings(name) for name in ALGORITHMS if name != "MD5"} == {
        name for name in ALGORITHMS if name != "MD5"
    }
    assert checksums.header_name(CONTENT_MD5) == "content-md5"
    assert checksums.compute(CONTENT_MD5, b"abc") == checksums.compute("MD5", b"abc")
    assert CONTENT_MD5 not in ALGORITHMS
    assert checksums.is_available(CONTENT_MD5)


def test_the_algorithms_are_those_of_the_public_model() -> None:
    from botocore.session import get_session

    model: Any = get_session().get_service_model("s3")
    assert sorted(ALGORITHMS) == sorted(model.shape_for("ChecksumAlgorithm").enum)
    assert sorted(ALGORITHMS) == sorted(get_args(ChecksumAlgorithm))


def test_preferred(only: str) -> None:
    assert checksums.preferred() == ("CRC64NVME" if only in ("anycrc", "awscrt") else "CRC32")


def test_names_of_headers() -> None:
    names = {name: checksums.header_name(name) for name in ALGORITHMS}
    assert names == {
        "CRC32": "x-amz-checksum-crc32",
        "CRC32C": "x-amz-checksum-crc32c",
        "CRC64NVME": "x-amz-checksum-crc64nvme",
        "SHA1": "x-amz-checksum-sha1",
        "SHA256": "x-amz-checksum-sha256",
        "SHA512": "x-amz-checksum-sha512",
        "MD5": "x-amz-checksum-md5",
        "XXHASH64": "x-amz-checksum-xxhash64",
        "XXHASH3": "x-amz-checksum-xxhash3",
        "XXHASH128": "x-amz-checksum-xxhash128",
    }
    assert checksums.header_name("crc64Nvme") == "x-amz-checksum-crc64nvme"


def test_algorithms_of_headers() -> None:
    for name in ALGORITHMS:
        assert checksums.algorithm_of(checksums.header_name(name)) == name
    assert checksums.algorithm_of("x-amz-checksum-blake3") == "BLAKE3"
    for setting in ("algorithm", "mode", "type"):
        assert checksums.algorithm_of(f"x-amz-checksum-{setting}") == ""
    assert checksums.algorithm_of("x-amz-sdk-checksum-algorithm") == ""
    assert checksums.algorithm_of("content-md5") == ""


@pytest.mark.parametrize("name", ["", "CRC", "CRC-32", "CRC32 ", "sha224", "xxh64", "ＣＲＣ32"])
def test_unknown_names(name: str) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: checksums.new(name),
        lambda: checksums.compute(name, b""),
        lambda: checksums.combine(name, b"", b"", 0),
        lambda: checksums.is_combinable(name),
        lambda: checksums.is_fast(name),
        lambda: checksums.is_available(name),
        lambda: checksums.header_name(name),
        lambda: checksums.composite(name, [b""]),
    )
    for call in calls:
        with pytest.raises(ValueError, match="algorithm must be one of") as caught:
            call()
        assert repr(name) in str(caught.value)


# --- joining


@given(any_crc, st.binary(max_size=300), st.data())
def test_p5_joining_is_computing(algorithm: str, data: bytes, draw: st.DataObject) -> None:
    """P5: at every place the whole is cut, and for three pieces joined either way round."""
    whole = checksums.compute(algorithm, data)
    for cut in range(len(data) + 1):
        first, second = (checksums.compute(algorithm, part) for part in (data[:cut], data[cut:]))
        assert checksums.combine(algorithm, first, second, len(data) - cut) == whole
    low = draw.draw(st.integers(0, len(data)))
    high = draw.draw(st.integers(low, len(data)))
    a, b, c = (checksums.compute(algorithm, x) for x in (data[:low], data[low:high], data[high:]))
    join = checksums.combine
    left = join(algorithm, join(algorithm, a, b, high - low), c, len(data) - high)
    right = join(algorithm, a, join(algorithm, b, c, len(data) - high), len(data) - low)
    assert left == right == whole


sizes = st.integers(min_value=0, max_value=2**63 - 1)


@given(any_crc, st.binary(min_size=8, max_size=8), sizes, sizes)
@example("CRC64NVME", b"\x01" * 8, 2**62, 2**62 - 1)
@example("CRC32", b"\x80" * 8, 255, 1)
def test_p5_zeros_of_any_size(algorithm: str, seed: bytes, one: int, two: int) -> None:
    """Sizes that nobody computes: adding zeros twice is adding as many at once."""
    if one + two >= 2**63:
        one, two = one // 2, two // 2
    size = len(checksums.compute(algorithm, b""))
    start, zero = seed[:size], bytes(size)
    by_two = checksums.combine(algorithm, checksums.combine(algorithm, start, zero, one), zero, two)
    assert by_two == checksums.combine(algorithm, start, zero, one + two)


@given(st.integers(min_value=0, max_value=100_000), st.binary(max_size=9))
def test_p5_long_second_pieces(size: int, first: bytes) -> None:
    joined = checksums.combine(
        "CRC32",
        zlib.crc32(first).to_bytes(4, "big"),
        zlib.crc32(bytes(size)).to_bytes(4, "big"),
        size,
    )
    assert joined == zlib.crc32(first + bytes(size)).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("SHA256", bytes(32), bytes(32), 1), "'SHA256' does not combine"),
        (("md5", bytes(16), bytes(16), 1), "'md5' does not combine"),
        (("CRC32", bytes(8), bytes(4), 1), "crc1 must be 4 bytes"),
        (("CRC64NVME", bytes(8), bytes(4), 1), "crc2 must be 8 bytes"),
        (("CRC32C", bytes(4), bytes(4), -1), "size2 must be .* not -1"),
        (("CRC32C", bytes(4), bytes(4), 2**63), "size2 must be .* not 9223372036854775808"),
    ],
)
def test_what_cannot_be_joined(arguments: tuple[str, bytes, bytes, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checksums.combine(*arguments)


# --- composites and answers


@given(any_algorithm, st.lists(st.binary(max_size=20), min_size=1, max_size=20))
def test_composite(algorithm: str, parts: list[bytes]) -> None:
    digests = [checksums.compute(algorithm, part) for part in parts]
    expected = base64.b64encode(DEFINITIONS[algorithm](b"".join(digests))).decode()
    assert checksums.composite(algorithm.lower(), iter(digests)) == f"{expected}-{len(parts)}"


def test_what_makes_no_composite() -> None:
    digest = bytes(4)
    assert checksums.composite("CRC32", [digest] * 10_000).endswith("-10000")
    for digests, message in (
        ([], "not 0"),
        ([digest] * 10_001, "not 10001"),
        ([digest, b"\x00"], "digests must be 4 bytes"),
    ):
        with pytest.raises(ValueError, match=message):
            checksums.composite("CRC32", digests)


def header(algorithm: str, suffix: str = "", *, digest: bytes | None = None) -> dict[str, str]:
    value = checksums.compute(algorithm, b"x") if digest is None else digest
    return {f"x-amz-checksum-{algorithm.lower()}": checksums.encode(value) + suffix}


TYPE = "x-amz-checksum-type"
SAID = sorted(ALGORITHMS)


@pytest.mark.parametrize("algorithm", SAID)
def test_p5_what_an_answer_says(algorithm: str) -> None:
    value = checksums.encode(checksums.compute(algorithm, b"x"))
    whole, of_three = Checksum(algorithm, value), Checksum(algorithm, value, 3)
    plain, dashed = header(algorithm), header(algorithm, "-3")
    assert from_headers(plain) == from_headers({**plain, TYPE: "FULL_OBJECT"}) == (whole,)
    assert from_headers(dashed) == from_headers({**dashed, TYPE: "COMPOSITE"}) == (of_three,)
    # Contradictions prove nothing, but a part's own checksum comes with the object's type.
    assert from_headers({**dashed, TYPE: "FULL_OBJECT"}) == ()
    assert from_headers({**plain, TYPE: "COMPOSITE"}) == ()
    assert from_headers({**plain, TYPE: "COMPOSITE"}, of_part=True) == (whole,)
    assert from_headers({**dashed, TYPE: "COMPOSITE"}, of_part=True) == (of_three,)
    # A type that nobody knows yet leaves it to the value.
    assert from_headers({**plain, TYPE: "LATER"}) == (whole,)
    assert from_headers({name: f" {text} " for name, text in plain.items()}) == (whole,)


XXH3 = ("XXHASH3", "XXHASH128")
SLOW_HASHES = ("SHA1", "SHA256", "SHA512", "MD5")


def test_the_cheapest_comes_first(only: str) -> None:
    every = {name: text for algorithm in SAID for name, text in header(algorithm).items()}
    found = [checksum.algorithm for checksum in from_headers(every)]
    assert (
        found
        == {
            "none": [*XXH3, "XXHASH64", "CRC32", *SLOW_HASHES, "CRC32C", "CRC64NVME"],
            "fastcrc": [*XXH3, "CRC32", "CRC32C", "XXHASH64", *SLOW_HASHES, "CRC64NVME"],
            "anycrc": [*XXH3, "CRC32", "CRC32C", "CRC64NVME", "XXHASH64", *SLOW_HASHES],
            "awscrt": [*XXH3, "CRC64NVME", "CRC32C", "XXHASH64", "CRC32", *SLOW_HASHES],
        }[only]
    )
    mixed = {**header("CRC32", "-2"), **header("SHA256")}
    assert [checksum.parts for checksum in from_headers(mixed)] == [None, 2]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-",
        "-3",
        "AAAAAA==-",
        "AAAAAA==-0",
        "AAAAAA==-03",
        "AAAAAA==-10001",
        "AAAAAA==-99999999999999999999",
        "AAAAAA==-3-3",
        "AAAAAA==--3",
        "AAAAAA==-٣",
        "AAAAAA",
        "AAAAAA=",
        "AAAAAA===",
        "AAAAAAA=",
        "AAAA",
        "AAAAAAAAAAA=",
        "AAA AAA==",
        "AAAAA_==",
        "00000000",
        '"AAAAAA=="',
        "é",
        "A" * 100_000,
    ],
)
def test_p5_malformed_values_are_as_good_as_none(value: str) -> None:
    assert from_headers({"x-amz-checksum-crc32": value}) == ()
    sound = header("SHA256")
    assert [c.algorithm for c in from_headers({"x-amz-checksum-crc32": value, **sound})] == [
        "SHA256"
    ]


@given(st.text(max_size=30), st.sampled_from(SAID))
def test_p5_any_value_is_sound_or_ignored(value: str, algorithm: str) -> None:
    for found in from_headers({f"x-amz-checksum-{algorithm.lower()}": value}):
        digest = binascii.a2b_base64(found.value, strict_mode=True)
        assert len(digest) == len(checksums.compute(algorithm, b""))
        assert checksums.encode(digest) == found.value


def test_spare_bits_do_not_make_another_checksum() -> None:
    """Base64 of four bytes has four bits to spare; values are compared as text."""
    assert from_headers({"x-amz-checksum-crc32": "AAAAAB=="}) == (Checksum("CRC32", "AAAAAA=="),)


# --- back ends


@pytest.mark.usefixtures("looked_anew")
@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        ({}, "cannot be used"),
        ({"iso_hdlc": lambda _: 0}, "cannot be used"),
        ({"iso_hdlc": lambda _, before: before ^ 1}, "computes wrong values"),
    ],
)
def test_p5_a_back_end_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, contents: dict[str, object], problem: str
) -> None:
    """P5: another interface or wrong values: the next one serves, and a warning says so."""
    hide(monkeypatch, "anycrc")
    for name in ("fastcrc", "fastcrc.crc32"):
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.warns(RuntimeWarning, match=f"fastcrc {problem}"):
        digest = checksums.compute("CRC32", b"123456789")
    assert digest.hex() == "cbf43926"
    assert crc.backend(crc.CRC32).name == "zlib"


IMPORTED = """
import sys
import aiohttp_s3_client
from aiohttp_s3_client.protocol import checksums
checksums.new("SHA256"), checksums.combine("CRC32", bytes(4), bytes(4), 5)
assert not {"fastcrc", "anycrc", "awscrt", "_awscrt", "xxhash"} & set(sys.modules), sys.modules
for name in sys.argv[1:]:
    sys.modules[name] = None
assert checksums.compute("CRC64NVME", b"123456789").hex() == "ae8b14860a799888"
print(checksums.preferred(), checksums.is_available("CRC64NVME"))
"""


def test_p25_importing_the_package_imports_no_back_end() -> None:
    """P25: nor do things that need none; and a fresh process does without any."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTED, *BACK_ENDS],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.stdout.split() == ["CRC32", "False"], done.stderr


# --- against others


@given(any_algorithm.filter(lambda name: name != "MD5"), bodies)
@example("SHA512", b"123456789")
def test_p5_as_botocore_computes_it(algorithm: str, data: bytes) -> None:
    """MD5 it never computes; CRC32C, CRC64NVME and the xxHashes only with awscrt."""
    from botocore import httpchecksum

    found = vars(httpchecksum)["_CHECKSUM_CLS"].get(algorithm.lower())
    if found is None:
        assert algorithm in ("CRC32C", "CRC64NVME", *XXHASHES)
        assert importlib.util.find_spec("awscrt") is None
        return
    assert checksums.encode(checksums.compute(algorithm, data)) == found().handle(data)


@given(any_crc, st.binary(min_size=16, max_size=16), sizes.filter(bool))
def test_p5_as_awscrt_joins_it(algorithm: str, seed: bytes, size: int) -> None:
    theirs = pytest.importorskip("awscrt.checksums")
    width = len(checksums.compute(algorithm, b""))
    first, second = seed[:width], seed[8 : 8 + width]
    join = getattr(theirs, f"combine_{algorithm.lower()}")
    expected = join(int.from_bytes(first, "big"), int.from_bytes(second, "big"), size)
    assert int.from_bytes(checksums.combine(algorithm, first, second, size), "big") == expected
