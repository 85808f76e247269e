"""``ClientConfig`` and the checks of sizes and counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.config import (
    GIB,
    MIB,
    check_part_size,
    check_positive,
    plain_paths_only,
)

URL = "http://127.0.0.1"


def test_the_defaults() -> None:
    config = ClientConfig()
    assert config.max_attempts == 3
    assert config.write_timeout == config.read_timeout == 60.0
    assert config.addressing_style == "auto"


@pytest.mark.parametrize("style", ["auto", "path", "virtual"])
def test_boto3s_word_for_the_addressing_style(style: str) -> None:
    config = ClientConfig(s3={"addressing_style": style})
    assert config.addressing_style == style
    assert config == ClientConfig(addressing_style=style)


@pytest.mark.parametrize(
    ("given", "setting", "value"),
    [
        ({"use_accelerate_endpoint": True}, "use_accelerate_endpoint", True),
        ({"use_dualstack_endpoint": True}, "use_dualstack_endpoint", True),
        ({"use_arn_region": False}, "use_arn_region", False),
        ({"us_east_1_regional_endpoint": "legacy"}, "use_global_endpoint", True),
        ({"us_east_1_regional_endpoint": "regional"}, "use_global_endpoint", False),
        ({"payload_signing_enabled": True}, "calculate_content_sha256", True),
        ({"payload_signing_enabled": False}, "calculate_content_sha256", None),
        (
            {"s3_disable_multiregion_access_points": True},
            "disable_multiregion_access_points",
            True,
        ),
        ({"disable_s3_express_session_auth": True}, "disable_s3express_session_auth", True),
    ],
)
def test_boto3s_words_for_endpoints(given: dict[str, Any], setting: str, value: Any) -> None:
    config = ClientConfig(s3=given)
    assert getattr(config, setting) is value
    assert config == ClientConfig(**{setting: value})
    assert config == replace(config), "a copy keeps what was said in boto3's words"


def test_a_style_given_twice_has_to_agree() -> None:
    both = ClientConfig(addressing_style="path", s3={"addressing_style": "path"})
    assert both.addressing_style == "path"
    with pytest.raises(ValueError, match="given twice"):
        ClientConfig(addressing_style="path", s3={"addressing_style": "virtual"})
    with pytest.raises(ValueError, match="addressing_style"):
        S3Client(
            url="http://localhost",
            addressing_style="path",
            config=ClientConfig(addressing_style="virtual"),
        )


def test_a_client_takes_the_style_from_either() -> None:
    for client in (
        S3Client(url="http://localhost", addressing_style="virtual"),
        S3Client(url="http://localhost", config=ClientConfig(s3={"addressing_style": "virtual"})),
    ):
        assert client._engine.config.addressing_style == "virtual"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"addressing_style": "odd"}, "addressing_style.*'odd'"),
        ({"s3": {"addressing_style": "odd"}}, "addressing_style.*'odd'"),
        ({"s3": {"use_accelerate": True}}, "unknown setting 'use_accelerate'"),
        ({"s3": {"us_east_1_regional_endpoint": "global"}}, "us_east_1_regional.*'global'"),
        ({"s3": {"use_dualstack_endpoint": False}, "use_dualstack_endpoint": True}, "given twice"),
        ({"signature_version": "s3"}, "signature_version.*'s3'"),
        ({"signature_version": "s3v2"}, "signature_version.*'s3v2'"),
        ({"signature_version": None}, "signature_version"),
        ({"max_attempts": 0}, "max_attempts.*0"),
        ({"max_attempts": -1}, "max_attempts.*-1"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"read_timeout": -1.0}, "read_timeout.*-1"),
        ({"write_timeout": float("nan")}, "write_timeout.*nan"),
        ({"expect_continue_from": -1}, "expect_continue_from.*-1"),
        ({"request_checksum_calculation": "always"}, "request_checksum_calculation.*'always'"),
        ({"calculate_content_sha256": "yes"}, "calculate_content_sha256.*'yes'"),
    ],
)
def test_bad_settings_are_refused_by_name(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ClientConfig(**settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connect_timeout", "1"),
        ("read_timeout", True),
        ("write_timeout", None),
        ("expect_continue_from", "2M"),
        ("legacy_bucket_names", 1),
        ("use_fips_endpoint", "yes"),
        ("use_dualstack_endpoint", None),
        ("use_accelerate_endpoint", 1),
        ("use_global_endpoint", "legacy"),
        ("use_arn_region", 0),
        ("disable_multiregion_access_points", "no"),
        ("enable_s3express", None),
        ("disable_s3express_session_auth", 1),
    ],
)
def test_settings_of_the_wrong_type_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} must be .* not {value!r}"):
        ClientConfig(**{name: value})


@pytest.mark.parametrize("value", [1.5, "3", None, True])
def test_a_count_is_an_int(value: object) -> None:
    with pytest.raises(TypeError, match="max_attempts must be an int"):
        ClientConfig(max_attempts=value)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match="n must be an int"):
        check_positive("n", value)


def test_part_sizes() -> None:
    assert check_part_size("part_size", 5 * MIB) == 5 * MIB
    assert check_part_size("part_size", 5 * GIB) == 5 * GIB
    for size in (5 * MIB - 1, 5 * GIB + 1, 1):
        with pytest.raises(ValueError, match=f"part_size .*5 MiB.*5 GiB.*{size}"):
            check_part_size("part_size", size)
    with pytest.raises(ValueError, match="at least 1"):
        check_part_size("part_size", 0)


def test_a_config_is_frozen() -> None:
    with pytest.raises(AttributeError):
        ClientConfig().max_attempts = 5  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    ("value", "plain"), [("1", True), ("yes", True), ("0", False), ("", False)]
)
def test_fast_paths_are_switched_off_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str, plain: bool
) -> None:
    monkeypatch.setenv("AIOS3_PLAIN", value)
    assert plain_paths_only() is plain
