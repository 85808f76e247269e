"""What a server supports, found by asking it: one probe per feature.

``capabilities.py`` holds what the probes found with the reasons in words; a test holds that table
to these probes. For a user's own server (``S3_URL``) the probe itself decides.

A probe is true where the server does as AWS documents, false where it answers otherwise; an error
that boto3 raises means no, and so does an answer that lacks what AWS's has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..oracle import Oracle

Probe = Callable[[Oracle, str], bool]
PROBES: dict[str, Probe] = {}


def probe(function: Probe) -> Probe:
    """Register *function* under its own name, which is the feature's."""
    PROBES[function.__name__] = function
    return function


def supports(feature: str, oracle: Oracle, bucket: str) -> bool:
    """Whether the server of *oracle* has *feature*, tried in *bucket*."""
    from botocore.exceptions import ClientError

    try:
        return PROBES[feature](oracle, bucket)
    except (ClientError, KeyError):
        return False


def status_of(call: Callable[..., Any], **arguments: Any) -> int:
    """The HTTP status that a boto3 call got, whether it raised or not."""
    from botocore.exceptions import ClientError

    try:
        answer = call(**arguments)
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def code_of(call: Callable[..., Any], **arguments: Any) -> str:
    """S3's error code that a boto3 call got, empty when it succeeded."""
    from botocore.exceptions import ClientError

    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""
