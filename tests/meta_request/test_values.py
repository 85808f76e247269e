"""The words of seed 004, with its numbers, and the one checksum config that they come to."""

from __future__ import annotations

from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import pytest

from aiohttp_s3_client.config import ChecksumConfig
from aiohttp_s3_client.meta_request.signing import (
    AwsSignatureType,
    AwsSignedBodyHeaderType,
    AwsSigningAlgorithm,
)
from aiohttp_s3_client.meta_request.values import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
    S3RequestTlsMode,
    S3RequestType,
    checksum_config,
)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (S3RequestType, {"DEFAULT": 0, "GET_OBJECT": 1, "PUT_OBJECT": 2}),
        (S3RequestTlsMode, {"ENABLED": 0, "DISABLED": 1}),
        (
            S3ChecksumAlgorithm,
            {"CRC32C": 1, "CRC32": 2, "SHA1": 3, "SHA256": 4, "CRC64NVME": 5},
        ),
        (S3ChecksumLocation, {"HEADER": 1, "TRAILER": 2}),
        (AwsSigningAlgorithm, {"V4": 0, "V4_ASYMMETRIC": 1, "V4_S3EXPRESS": 2}),
        (AwsSignatureType, {"HTTP_REQUEST_HEADERS": 0, "HTTP_REQUEST_QUERY_PARAMS": 1}),
        (AwsSignedBodyHeaderType, {"NONE": 0, "X_AMZ_CONTENT_SHA_256": 1}),
    ],
)
def test_numbers(words: type[IntEnum], numbers: dict[str, int]) -> None:
    assert {word.name: int(word) for word in words} == numbers


def test_checksum_config_as_the_seed_has_it() -> None:
    config = S3ChecksumConfig()
    assert (config.algorithm, config.location, config.validate_response) == (None, None, False)
    config.algorithm = S3ChecksumAlgorithm.SHA1
    config.location = S3ChecksumLocation.HEADER
    assert config == S3ChecksumConfig(S3ChecksumAlgorithm.SHA1, S3ChecksumLocation.HEADER)


@pytest.mark.parametrize("algorithm", S3ChecksumAlgorithm)
@pytest.mark.parametrize(
    ("location", "where"),
    [(S3ChecksumLocation.HEADER, "header"), (S3ChecksumLocation.TRAILER, "trailer")],
)
def test_config_is_made_from_it(
    algorithm: S3ChecksumAlgorithm, location: S3ChecksumLocation, where: str
) -> None:
    made = checksum_config(S3ChecksumConfig(algorithm, location, validate_response=True))
    assert isinstance(made, ChecksumConfig)
    assert (made.algorithm, made.location, made.validate_response) == (algorithm.name, where, True)


def test_nothing_said_leaves_it_to_the_client() -> None:
    assert checksum_config(S3ChecksumConfig()) == ChecksumConfig(validate_response=False)
    located = checksum_config(S3ChecksumConfig(location=S3ChecksumLocation.TRAILER))
    assert located == ChecksumConfig(location="trailer", validate_response=False)


def test_the_one_class_is_taken_as_it_is() -> None:
    config = ChecksumConfig("SHA256")
    assert checksum_config(config) is config


def test_algorithm_needs_a_location() -> None:
    with pytest.raises(ValueError, match=r"location must be set .*CRC32.*TRAILER"):
        checksum_config(S3ChecksumConfig(algorithm=S3ChecksumAlgorithm.CRC32))


def awscrts(**changed: object) -> Any:
    """What awscrt's own looks like, which has grown since the seed."""
    known: dict[str, object] = {
        "algorithm": None,
        "location": None,
        "validate_response": False,
        "expected_checksum": None,
        "expected_checksum_algorithm": None,
        "response_validation_mode": None,
    }
    return SimpleNamespace(**{**known, **changed})


def test_awscrts_own_is_read_by_its_attributes() -> None:
    made = checksum_config(awscrts(algorithm=4, location=2, validate_response=True))
    assert made == ChecksumConfig("SHA256", "trailer")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"algorithm": 99, "location": 1}, "algorithm must be an S3ChecksumAlgorithm, not 99"),
        ({"algorithm": 1, "location": 3}, "location must be an S3ChecksumLocation, not 3"),
        ({"expected_checksum": "NSRBwg=="}, "expected_checksum='NSRBwg==' is not supported"),
        ({"response_validation_mode": 1}, "response_validation_mode=1 is not supported"),
    ],
)
def test_what_cannot_be_done_is_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checksum_config(awscrts(**changed))


@pytest.mark.parametrize("given", ["CRC32", None, True, object()])
def test_what_is_no_config_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match="checksum_config must be an S3ChecksumConfig"):
        checksum_config(given)  # type: ignore[arg-type]  # what is tested


def test_validate_response_is_a_bool() -> None:
    with pytest.raises(TypeError, match="validate_response must be True or False, not 'yes'"):
        checksum_config(S3ChecksumConfig(validate_response="yes"))  # type: ignore[arg-type]  # wrong
