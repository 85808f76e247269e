"""How a payload is protected: one table (P20)."""

from __future__ import annotations

import pytest

from aiohttp_s3_client.config import ChecksumCalculation
from aiohttp_s3_client.protocol.checksums import preferred
from aiohttp_s3_client.protocol.integrity import Protection, protection
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
        ("https", True, "when_required", "MD5"),
        ("http", False, None, "MD5"),
        ("https", False, None, "MD5"),
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
