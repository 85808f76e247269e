"""What the environment and a profile say about the client beside its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.config import ClientConfig
from aiohttp_s3_client.credentials.config_file import Section, SharedConfig, parse
from aiohttp_s3_client.credentials.settings import Settings, endpoint_of, profile_settings
from aiohttp_s3_client.errors import ConfigurationError

NOTHING = Settings(*(None,) * len(Settings._fields))


def settings(profile: str = "", environ: Mapping[str, str] | None = None) -> Settings:
    files = SharedConfig(parse(f"[default]\n{profile}", "config"), None)
    return profile_settings(environ or {}, files.profiles()["default"], files.services())


def test_nothing_said() -> None:
    assert settings() == NOTHING
    assert settings("region=\nmax_attempts =\ns3 =\n addressing_style =\n") == NOTHING
    assert NOTHING.client_config() == {}


EVERYTHING = """
region = eu-west-1
endpoint_url = http://localhost:9000
ca_bundle = /certificates
use_fips_endpoint = true
use_dualstack_endpoint = TRUE
request_checksum_calculation = WHEN_REQUIRED
response_checksum_validation = when_supported
retry_mode = adaptive
max_attempts = 7
sts_regional_endpoints = legacy
s3_disable_express_session_auth = true
s3 =
    addressing_style = path
    payload_signing_enabled = true
    use_accelerate_endpoint = false
    use_arn_region = false
    us_east_1_regional_endpoint = legacy
    s3_disable_multiregion_access_points = true
"""


def test_a_profile_may_say_everything() -> None:
    said = settings(EVERYTHING)
    assert said == Settings(
        region="eu-west-1",
        endpoint_url="http://localhost:9000",
        ca_bundle="/certificates",
        use_fips_endpoint=True,
        use_dualstack_endpoint=True,
        addressing_style="path",
        payload_signing_enabled=True,
        use_accelerate_endpoint=False,
        use_arn_region=False,
        us_east_1_regional_endpoint="legacy",
        disable_multiregion_access_points=True,
        disable_s3express_session_auth=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_supported",
        retry_mode="adaptive",
        max_attempts=7,
        sts_regional_endpoints="legacy",
    )
    made = ClientConfig(**said.client_config())  # type: ignore[arg-type]  # checked by itself
    assert made == ClientConfig(
        addressing_style="path",
        max_attempts=7,
        calculate_content_sha256=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_supported",
        use_fips_endpoint=True,
        use_dualstack_endpoint=True,
        use_accelerate_endpoint=False,
        use_global_endpoint=True,
        use_arn_region=False,
        disable_multiregion_access_points=True,
        disable_s3express_session_auth=True,
    )


@pytest.mark.parametrize(
    ("variable", "setting", "theirs", "ours", "other"),
    [
        ("AWS_REGION", "region", "a", "b", "a"),
        ("AWS_DEFAULT_REGION", "region", "a", "b", "a"),
        ("AWS_CA_BUNDLE", "ca_bundle", "a", "b", "a"),
        ("AWS_ENDPOINT_URL", "endpoint_url", "http://a", "http://b", "http://a"),
        ("AWS_ENDPOINT_URL_S3", "endpoint_url", "http://a", "http://b", "http://a"),
        ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", "False", "true", False),
        ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", "true", "false", True),
        ("AWS_S3_USE_ARN_REGION", "s3_use_arn_region", "true", "false", True),
        (
            "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
            "s3_us_east_1_regional_endpoint",
            "regional",
            "legacy",
            "regional",
        ),
        (
            "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
            "s3_disable_multiregion_access_points",
            "false",
            "true",
            False,
        ),
        (
            "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
            "s3_disable_express_session_auth",
            "true",
            "false",
            True,
        ),
        (
            "AWS_REQUEST_CHECKSUM_CALCULATION",
            "request_checksum_calculation",
            "when_required",
            "when_supported",
            "when_required",
        ),
        (
            "AWS_RESPONSE_CHECKSUM_VALIDATION",
            "response_checksum_validation",
            "when_required",
            "when_supported",
            "when_required",
        ),
        ("AWS_RETRY_MODE", "retry_mode", "standard", "legacy", "standard"),
        ("AWS_MAX_ATTEMPTS", "max_attempts", "2", "3", 2),
        ("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints", "legacy", "regional", "legacy"),
    ],
)
def test_a_variable_counts_more(
    variable: str, setting: str, theirs: str, ours: str, other: object
) -> None:
    said = settings(f"{setting} = {ours}", {variable: theirs})
    alone = settings("", {variable: theirs})
    assert said == alone
    assert other in alone
    assert settings(f"{setting} = {theirs}") == alone
    assert settings(f"{setting} = {theirs}", {variable: " "}) == alone


def test_of_two_regions_the_newer_variable_counts() -> None:
    said = settings("region = c", {"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"})
    assert said.region == "a"


def test_a_setting_counts_more_than_that_of_the_s3_section() -> None:
    said = settings("s3_use_arn_region = false\ns3 =\n use_arn_region = true\n")
    assert said.use_arn_region is False


@pytest.mark.parametrize("both", ["true false", "false true"])
def test_dual_stack_is_switched_on_in_either_place(both: str) -> None:
    first, second = both.split()
    said = settings(f"use_dualstack_endpoint={first}\ns3 =\n use_dualstack_endpoint = {second}\n")
    assert said.use_dualstack_endpoint is True


def test_legacy_retries_are_five_attempts() -> None:
    assert settings("retry_mode = legacy").client_config() == {"max_attempts": 5}
    assert settings("retry_mode = legacy\nmax_attempts = 2").client_config() == {"max_attempts": 2}
    assert settings("retry_mode = standard").client_config() == {}


def test_signing_payloads_off_is_the_default() -> None:
    assert settings("s3 =\n payload_signing_enabled = false").client_config() == {}


@pytest.mark.parametrize(
    ("profile", "environ", "words"),
    [
        ("use_fips_endpoint = yes", {}, "use_fips_endpoint must be true or false, not 'yes'"),
        ("", {"AWS_USE_FIPS_ENDPOINT": "1"}, "AWS_USE_FIPS_ENDPOINT must be true or false"),
        ("max_attempts = 0", {}, "max_attempts must be a whole number of at least 1, not '0'"),
        ("max_attempts = ²", {}, "not '²'"),
        ("retry_mode = fast", {}, "must be legacy or standard or adaptive, not 'fast'"),
        ("s3 =\n addressing_style = p", {}, r"s3\.addressing_style must be auto or path or v"),
        ("services = x", {}, r"refers to \[services x\], which does not exist"),
    ],
)
def test_what_cannot_be(profile: str, environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings(profile, environ)


SERVICES = """
[default]
services = local
endpoint_url = http://global.config
[services local]
s3 =
  endpoint_url = http://s3.config
sts =
  signature_version = v4
"""
VARIABLES = {"AWS_ENDPOINT_URL": "http://global.env", "AWS_ENDPOINT_URL_S3": "http://s3.env"}


@pytest.mark.parametrize(
    ("service", "environ", "url"),
    [
        ("s3", {}, "http://s3.config"),
        ("sts", {}, "http://global.config"),
        ("s3", {"AWS_ENDPOINT_URL": "http://global.env"}, "http://global.env"),
        ("s3", VARIABLES, "http://s3.env"),
        ("sts", VARIABLES, "http://global.env"),
        ("sso_oidc", {"AWS_ENDPOINT_URL_SSO_OIDC": "http://o"}, "http://o"),
        ("s3", {**VARIABLES, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}, None),
        ("s3", {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, "http://s3.config"),
    ],
)
def test_endpoints(service: str, environ: dict[str, str], url: str | None) -> None:
    files = SharedConfig(parse(SERVICES, "config"), None)
    profile = files.profiles()["default"]
    assert endpoint_of(service, environ, profile, files.services()) == url
    profile["ignore_configured_endpoint_urls"] = "true"
    ignores = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in environ
    assert endpoint_of(service, environ, profile, files.services()) == (None if ignores else url)


def test_the_mapping_names_fields_of_client_config() -> None:
    known = {field.name for field in fields(ClientConfig)}
    assert set(settings(EVERYTHING).client_config()) <= known


NAMES = st.sampled_from([*Settings._fields, "s3", "services", "ignore_configured_endpoint_urls"])


@given(st.dictionaries(NAMES, st.text()), st.dictionaries(NAMES, st.text()))
def test_no_value_is_too_much(profile: dict[str, str], nested: dict[str, str]) -> None:
    try:
        said = profile_settings({}, Section(profile, {"s3": nested}), {})
    except ConfigurationError:
        return
    ClientConfig(**said.client_config())  # type: ignore[arg-type]  # checked by itself
