"""What the environment and a profile say about the client, beside its keys: one value.

Of a variable and a profile's setting the variable counts, as for boto3. What is empty says nothing.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
https://docs.aws.amazon.com/cli/latest/topic/s3-config.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, TypeVar

from .config_file import ConfigFileError, Section

_T = TypeVar("_T")

ADDRESSING_STYLES = ("auto", "path", "virtual")
CHECKSUM_WORDS = ("when_supported", "when_required")
REGIONAL_WORDS = ("legacy", "regional")
RETRY_MODES = ("legacy", "standard", "adaptive")


class Settings(NamedTuple):
    """What is said of each setting; None where nothing is."""

    region: str | None
    endpoint_url: str | None
    """Of S3, as ``endpoint_of`` finds it."""
    ca_bundle: str | None
    """The path of a file of certificates."""
    use_fips_endpoint: bool | None
    use_dualstack_endpoint: bool | None
    addressing_style: str | None
    payload_signing_enabled: bool | None
    use_accelerate_endpoint: bool | None
    use_arn_region: bool | None
    us_east_1_regional_endpoint: str | None
    disable_multiregion_access_points: bool | None
    disable_s3express_session_auth: bool | None
    request_checksum_calculation: str | None
    response_checksum_validation: str | None
    retry_mode: str | None
    max_attempts: int | None
    sts_regional_endpoints: str | None

    def client_config(self) -> dict[str, object]:
        """The arguments of ``ClientConfig`` that these settings come to, without those not set.

        ``region``, ``endpoint_url`` and ``ca_bundle`` are the client's and the session's,
        ``sts_regional_endpoints`` is ``STSEndpoint``'s, and ``retry_mode`` only tells how many
        attempts are made when ``max_attempts`` does not: five in boto3's ``legacy``.
        """
        legacy = self.us_east_1_regional_endpoint
        attempts = self.max_attempts or (5 if self.retry_mode == "legacy" else None)
        said = {
            "addressing_style": self.addressing_style,
            "max_attempts": attempts,
            # What boto3 calls False is the default here, too: to hash where nothing else protects.
            "calculate_content_sha256": self.payload_signing_enabled or None,
            "request_checksum_calculation": self.request_checksum_calculation,
            "response_checksum_validation": self.response_checksum_validation,
            "use_fips_endpoint": self.use_fips_endpoint,
            "use_dualstack_endpoint": self.use_dualstack_endpoint,
            "use_accelerate_endpoint": self.use_accelerate_endpoint,
            "use_global_endpoint": None if legacy is None else legacy == "legacy",
            "use_arn_region": self.use_arn_region,
            "disable_multiregion_access_points": self.disable_multiregion_access_points,
            "disable_s3express_session_auth": self.disable_s3express_session_auth,
        }
        return {name: value for name, value in said.items() if value is not None}


def profile_settings(
    environ: Mapping[str, str], profile: Section, services: Mapping[str, Section]
) -> Settings:
    """The settings of *environ* and *profile*, which may refer to one of *services*.

    Raises ``ConfigFileError`` for a value that a setting cannot have, and names both.
    """
    say = _Sayings(environ, profile)
    dualstack = say("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", _truth)
    dualstack_of_s3 = say("", "s3.use_dualstack_endpoint", _truth)
    return Settings(
        region=say("AWS_REGION", "", str) or say("AWS_DEFAULT_REGION", "region", str),
        endpoint_url=endpoint_of("s3", environ, profile, services),
        ca_bundle=say("AWS_CA_BUNDLE", "ca_bundle", str),
        use_fips_endpoint=say("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", _truth),
        # Either of the two switches it on, as for boto3.
        use_dualstack_endpoint=dualstack_of_s3 or dualstack,
        addressing_style=say("", "s3.addressing_style", _one_of(ADDRESSING_STYLES)),
        payload_signing_enabled=say("", "s3.payload_signing_enabled", _truth),
        use_accelerate_endpoint=say("", "s3.use_accelerate_endpoint", _truth),
        use_arn_region=say(
            "AWS_S3_USE_ARN_REGION", "s3_use_arn_region", _truth, "s3.use_arn_region"
        ),
        us_east_1_regional_endpoint=say(
            "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
            "s3_us_east_1_regional_endpoint",
            _one_of(REGIONAL_WORDS),
            "s3.us_east_1_regional_endpoint",
        ),
        disable_multiregion_access_points=say(
            "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
            "s3_disable_multiregion_access_points",
            _truth,
            "s3.s3_disable_multiregion_access_points",
        ),
        disable_s3express_session_auth=say(
            "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
            "s3_disable_express_session_auth",
            _truth,
            "s3.disable_s3_express_session_auth",
        ),
        request_checksum_calculation=say(
            "AWS_REQUEST_CHECKSUM_CALCULATION",
            "request_checksum_calculation",
            _one_of(CHECKSUM_WORDS),
        ),
        response_checksum_validation=say(
            "AWS_RESPONSE_CHECKSUM_VALIDATION",
            "response_checksum_validation",
            _one_of(CHECKSUM_WORDS),
        ),
        retry_mode=say("AWS_RETRY_MODE", "retry_mode", _one_of(RETRY_MODES)),
        max_attempts=say("AWS_MAX_ATTEMPTS", "max_attempts", _count),
        sts_regional_endpoints=say(
            "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints", _one_of(REGIONAL_WORDS)
        ),
    )


def endpoint_of(
    service: str,
    environ: Mapping[str, str],
    profile: Section,
    services: Mapping[str, Section],
) -> str | None:
    """The URL at which *service* (``s3``, ``sts``, ``sso``, ``sso_oidc``) is asked; None is AWS's.

    The first of ``AWS_ENDPOINT_URL_<SERVICE>``, ``AWS_ENDPOINT_URL``, the service's own in the
    section ``[services …]`` that the profile names, and the profile's ``endpoint_url``. None
    counts where ``AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`` (or the profile's setting of that name)
    is true. Raises ``ConfigFileError`` when the section does not exist.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    say = _Sayings(environ, profile)
    variable = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
    if say(variable, "ignore_configured_endpoint_urls", _truth):
        return None
    if url := say(f"AWS_ENDPOINT_URL_{service.upper()}", "", str) or say(
        "AWS_ENDPOINT_URL", "", str
    ):
        return url
    name = profile.get("services")
    if name and name not in services:
        raise ConfigFileError(f"the profile refers to [services {name}], which does not exist")
    own = services[name].nested.get(service, {}) if name else {}
    return own.get("endpoint_url") or profile.get("endpoint_url") or None


class _Sayings(NamedTuple):
    """Who may say something about a setting, the variables first."""

    environ: Mapping[str, str]
    profile: Section

    def __call__(
        self, variable: str, name: str, read: Callable[[str], _T], nested: str = ""
    ) -> _T | None:
        """What *variable*, the setting *name* or the *nested* one says, read by *read*."""
        for said_by, value in (
            (variable, self.environ.get(variable, "")),
            (name, self._setting(name)),
            (nested, self._setting(nested)),
        ):
            if value := value.strip():
                try:
                    return read(value)
                except ValueError as error:
                    problem = f"{said_by} must be {error}, not {value!r}"
                raise ConfigFileError(problem)
        return None

    def _setting(self, name: str) -> str:
        setting, dot, nested = name.partition(".")
        if dot:
            return self.profile.nested.get(setting, {}).get(nested, "")
        return self.profile.get(setting, "")


def _truth(text: str) -> bool:
    if (word := text.lower()) not in ("true", "false"):
        raise ValueError("true or false")
    return word == "true"


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text)):
        raise ValueError("a whole number of at least 1")
    return int(text)


def _one_of(words: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if (word := text.lower()) not in words:
            raise ValueError(" or ".join(words))
        return word

    return read
