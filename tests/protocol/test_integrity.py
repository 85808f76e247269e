"""How a payload is protected: one table (P20)."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_s3_client.config import ChecksumCalculation, ChecksumConfig
from aiohttp_s3_client.protocol.auth import SIGV4A
from aiohttp_s3_client.protocol.checksums import CONTENT_MD5, preferred
from aiohttp_s3_client.protocol.integrity import Protection, protection, wish_of
from aiohttp_s3_client.request import REQUIRED


@pytest.mark.parametrize("is_aws", [True, False])
def test_over_http_the_payload_is_signed_and_over_tls_it_is_not(is_aws: bool) -> None:
    for scheme, signed in (("http", True), ("https", False)):
        guard = protection(
            scheme=scheme, is_aws=is_aws, checksum=False, calculate_sha256=None, calculation=None
        )
        assert guard == Protection(sign_sha256=signed, checksum=None)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("wish", [True, False])
def test_the_caller_decides_about_hashing(scheme: str, wish: bool) -> None:
    guard = protection(
        scheme=scheme, is_aws=False, checksum=True, calculate_sha256=wish, calculation=None
    )
    assert guard.sign_sha256 is wish


@pytest.mark.parametrize(
    ("scheme", "is_aws", "calculation", "sent"),
    [
        ("https", True, None, True),
        ("http", True, None, False),
        ("https", False, None, False),
        ("http", False, None, False),
        ("http", False, "when_supported", True),
        ("https", False, "when_supported", True),
        ("https", True, "when_required", False),
    ],
)
def test_p20_checksums_by_default_on_aws_alone(
    scheme: str, is_aws: bool, calculation: ChecksumCalculation | None, sent: bool
) -> None:
    for fits in (True, False):
        guard = protection(
            scheme=scheme,
            is_aws=is_aws,
            checksum=fits,
            calculate_sha256=None,
            calculation=calculation,
        )
        assert guard.checksum == (preferred() if sent and fits else None)


def test_an_algorithm_that_is_named_is_always_sent() -> None:
    guard = protection(
        scheme="http",
        is_aws=False,
        checksum="SHA1",
        calculate_sha256=None,
        calculation="when_required",
    )
    assert guard == Protection(sign_sha256=True, checksum="SHA1")


@pytest.mark.parametrize(
    ("scheme", "is_aws", "calculation", "algorithm"),
    [
        ("https", True, None, preferred()),
        ("https", True, "when_required", CONTENT_MD5),
        ("http", False, None, CONTENT_MD5),
        ("https", False, None, CONTENT_MD5),
        ("http", False, "when_supported", preferred()),
    ],
)
def test_p20_a_checksum_that_has_to_go_is_one_that_the_server_knows(
    scheme: str, is_aws: bool, calculation: ChecksumCalculation | None, algorithm: str
) -> None:
    guard = protection(
        scheme=scheme,
        is_aws=is_aws,
        checksum=REQUIRED,
        calculate_sha256=None,
        calculation=calculation,
    )
    assert guard.checksum == algorithm


ALGORITHM = preferred()
STREAM: dict[str, Any] = {"read_ahead": False}


def decided(scheme: str, *, is_aws: bool = False, checksum: bool | str = True, **more: Any) -> Any:
    wishes: dict[str, Any] = {"calculate_sha256": None, "calculation": None, **more}
    return protection(scheme=scheme, is_aws=is_aws, checksum=checksum, **wishes)


@pytest.mark.parametrize(
    ("scheme", "is_aws", "expected"),
    [
        ("https", True, Protection(False, ALGORITHM, trailer=True)),
        ("http", True, Protection(False, None, sign_chunks=True)),
        ("https", False, Protection(False, None)),
        ("http", False, Protection(False, None)),
    ],
)
def test_p20_a_stream_is_framed_on_aws_alone(
    scheme: str, is_aws: bool, expected: Protection
) -> None:
    assert decided(scheme, is_aws=is_aws, read_ahead=False) == expected


@pytest.mark.parametrize("is_aws", [True, False])
def test_a_body_that_can_be_read_ahead_is_not_framed(is_aws: bool) -> None:
    for scheme in ("http", "https"):
        for wish in (None, "when_supported", "when_required"):
            guard = decided(scheme, is_aws=is_aws, calculation=wish)
            assert (guard.trailer, guard.sign_chunks) == (False, False)


@pytest.mark.parametrize("is_aws", [True, False])
@pytest.mark.parametrize(
    ("scheme", "hashing", "signed"),
    [
        ("https", None, False),
        ("http", None, True),
        ("http", False, False),
        ("https", True, True),
    ],
)
@pytest.mark.parametrize(
    "wish",
    [
        {"trailer": True, "checksum": "CRC32"},
        {"settings": ChecksumConfig("CRC32", "trailer")},
        {"trailer": True, "settings": ChecksumConfig("CRC32", "header")},
    ],
    ids=["call", "settings", "call before settings"],
)
def test_a_trailer_that_is_wanted_is_signed_over_http(
    scheme: str, is_aws: bool, hashing: bool | None, signed: bool, wish: dict[str, Any]
) -> None:
    guard = decided(scheme, is_aws=is_aws, calculate_sha256=hashing, **wish)
    assert guard == Protection(False, "CRC32", trailer=True, sign_chunks=signed)
    anonymous = decided(scheme, is_aws=is_aws, calculate_sha256=hashing, auth=None, **wish)
    assert anonymous == Protection(False, "CRC32", trailer=True)


@pytest.mark.parametrize(
    ("is_aws", "hashing", "signed"),
    [
        (True, None, True),
        (True, False, False),
        (False, None, False),
        (False, False, False),
        (False, True, True),
    ],
)
@pytest.mark.parametrize(
    "wish",
    [
        {"settings": ChecksumConfig("CRC32")},
        {"checksum": "CRC32"},
        {"calculation": "when_supported", "settings": ChecksumConfig("CRC32")},
    ],
)
def test_p20_the_checksum_of_a_stream_follows_it_and_is_signed_where_that_is_known(
    is_aws: bool, hashing: bool | None, signed: bool, wish: dict[str, Any]
) -> None:
    guard = decided("http", is_aws=is_aws, calculate_sha256=hashing, read_ahead=False, **wish)
    assert guard == Protection(False, "CRC32", trailer=True, sign_chunks=signed)


def test_a_call_that_wants_a_header_has_it_in_one() -> None:
    settings = ChecksumConfig("CRC32", "trailer")
    guard = decided("https", is_aws=True, trailer=False, settings=settings)
    assert guard == Protection(False, "CRC32")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_cannot_be_framed_is_not(scheme: str) -> None:
    """Documents, empty bodies, and those whose hash is known."""
    settings = ChecksumConfig("SHA1", "trailer")
    guard = decided(scheme, is_aws=True, settings=settings, may_frame=False)
    assert guard == Protection(scheme == "http", "SHA1")
    for checksum in (True, "SHA1", REQUIRED):
        guard = decided(
            scheme, is_aws=True, checksum=checksum, settings=settings, may_frame=False, **STREAM
        )
        assert guard == Protection(False, None)


@pytest.mark.parametrize(
    "wish",
    [
        {"trailer": False, "checksum": "CRC32"},
        {"settings": ChecksumConfig("CRC32", "header")},
        {"settings": ChecksumConfig("MD5")},
        {"checksum": CONTENT_MD5},
        {"checksum": CONTENT_MD5, "trailer": True},
    ],
)
def test_no_header_can_hold_the_checksum_of_a_stream(wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot go in a header"):
        decided("https", is_aws=True, read_ahead=False, **wish)


def test_sigv4a_signs_no_chunks() -> None:
    for wish in ({"trailer": True, "checksum": "CRC32"}, {**STREAM}):
        guard = decided("https", is_aws=True, auth=SIGV4A, **wish)
        assert (guard.trailer, guard.sign_chunks) == (True, False)
        with pytest.raises(ValueError, match="SigV4a signs no body chunk by chunk"):
            decided("http", is_aws=True, auth=SIGV4A, **wish)
        decided("http", is_aws=True, auth=SIGV4A, calculate_sha256=False, **wish)


@pytest.mark.parametrize(
    ("calculation", "checksum", "expected"),
    [
        (None, True, "SHA1"),
        ("when_supported", True, "SHA1"),
        ("when_required", True, None),
        ("when_required", REQUIRED, "SHA1"),
        ("when_required", "CRC32C", "CRC32C"),
        ("when_supported", False, None),
    ],
)
def test_p20_settings_say_which_and_the_word_says_when(
    calculation: ChecksumCalculation | None, checksum: bool | str, expected: str | None
) -> None:
    for scheme in ("http", "https"):
        guard = decided(
            scheme, checksum=checksum, calculation=calculation, settings=ChecksumConfig("SHA1")
        )
        assert guard.checksum == expected


def test_what_is_needed_before_the_body_is_sent() -> None:
    assert Protection(True, "CRC32").digests == ("SHA256", "CRC32")
    assert Protection(True, "SHA256").digests == Protection(False, "SHA256").digests == ("SHA256",)
    assert Protection(False, "CRC32", trailer=True).digests == ()
    assert Protection(False, None).digests == ()


def test_what_a_call_says() -> None:
    assert wish_of(None) == wish_of(True) == (True, None)
    assert wish_of(False) == (False, None)
    assert wish_of("SHA1") == ("SHA1", None)
    assert wish_of("MD5") == (CONTENT_MD5, None)
    assert wish_of(ChecksumConfig()) == (ALGORITHM, None)
    assert wish_of(ChecksumConfig("SHA1", "trailer")) == ("SHA1", True)
    assert wish_of(ChecksumConfig("MD5", "header")) == (CONTENT_MD5, False)
