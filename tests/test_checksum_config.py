"""``ChecksumConfig``, and the settings that say when there are checksums."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any, get_args

import pytest

from aiohttp_s3_client import ChecksumConfig, ClientConfig, S3Client, TransferConfig
from aiohttp_s3_client.config import ChecksumAlgorithm


def test_the_defaults_leave_it_to_the_client() -> None:
    assert ChecksumConfig() == ChecksumConfig(None, None, True)
    config = ClientConfig()
    assert config.checksum is None
    assert config.request_checksum_calculation is None
    assert config.response_checksum_validation is None


@pytest.mark.parametrize("algorithm", get_args(ChecksumAlgorithm))
def test_every_algorithm_can_be_chosen(algorithm: ChecksumAlgorithm) -> None:
    config = ChecksumConfig(algorithm, "header", validate_response=False)
    assert (config.algorithm, config.location) == (algorithm, "header")
    assert TransferConfig(checksum=config).checksum is ClientConfig(checksum=config).checksum


def test_it_does_not_change() -> None:
    config = ChecksumConfig("CRC32")
    with pytest.raises(FrozenInstanceError):
        config.algorithm = "SHA1"  # type: ignore[misc]  # what is tested
    assert replace(config, location="trailer") == ChecksumConfig("CRC32", "trailer")
    assert len({config, ChecksumConfig("CRC32")}) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"algorithm": "crc32"}, ValueError, "algorithm must be None or one of CRC32.*'crc32'"),
        ({"algorithm": True}, ValueError, "algorithm.*True"),
        ({"algorithm": ["CRC32"]}, ValueError, r"algorithm.*\['CRC32'\]"),
        ({"location": "footer"}, ValueError, "location must be header, trailer.*'footer'"),
        ({"location": 1}, ValueError, "location.*1"),
        ({"algorithm": "MD5", "location": "trailer"}, ValueError, "location.*MD5"),
        ({"validate_response": None}, TypeError, "validate_response.*None"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        ChecksumConfig(**arguments)


@pytest.mark.parametrize("checksum", ["CRC32", True, False, {"algorithm": "CRC32"}])
def test_a_clients_checksum_is_a_checksum_config(checksum: Any) -> None:
    with pytest.raises(TypeError, match="checksum must be a ChecksumConfig"):
        ClientConfig(checksum=checksum)


@pytest.mark.parametrize("word", ["when_supported", "when_required", None])
@pytest.mark.parametrize("name", ["request_checksum_calculation", "response_checksum_validation"])
def test_boto3s_words(name: str, word: Any) -> None:
    settings: dict[str, Any] = {name: word}
    assert getattr(ClientConfig(**settings), name) == word
    settings[name] = "never"
    with pytest.raises(ValueError, match=f"{name} must be when_supported.*'never'"):
        ClientConfig(**settings)


@pytest.mark.parametrize("checksum", ["crc32", 1, object()])
async def test_a_call_refuses_what_is_no_checksum(checksum: Any) -> None:
    s3 = S3Client(url="http://localhost", access_key_id="id", secret_access_key="secret")
    with pytest.raises(ValueError, match="checksum must be True, False, None, a ChecksumConfig"):
        s3.put("bucket/key", b"", checksum=checksum)
    with pytest.raises(ValueError, match="checksum must be"):
        s3.put_file("bucket/key", "file", checksum=checksum)
    with pytest.raises(ValueError, match="checksum must be"):
        await s3.put_multipart("bucket/key", [b""], checksum=checksum)
    with pytest.raises(ValueError, match="checksum must be"):
        s3.multipart_upload("bucket/key", checksum=checksum)


def test_what_takes_no_checksum_says_so() -> None:
    s3 = S3Client(url="http://localhost", access_key_id="id", secret_access_key="secret")
    with pytest.raises(ValueError, match="checksum: CopyObject takes none"):
        s3.put("bucket/key", b"", checksum="CRC32", headers={"x-amz-copy-source": "b/k"})
