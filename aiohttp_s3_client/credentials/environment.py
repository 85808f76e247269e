"""Credentials in environment variables.

https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
"""

from __future__ import annotations

import os

from .base import KeyNames, why_not_whole
from .static import HeldCredentials

_VARIABLES = KeyNames("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def environ(*names: str) -> str:
    """The first of these variables that is not empty; an empty one counts as not set.

    White space around a value goes: files that variables are filled from end in a line break.
    """
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def environ_region() -> str:
    return environ("AWS_REGION", "AWS_DEFAULT_REGION")


class EnvironmentCredentials(HeldCredentials):
    """Credentials of the environment, as it is when the object is made.

    ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN`` (or the older
    ``AWS_SECURITY_TOKEN``); the region is the argument, ``AWS_REGION`` or ``AWS_DEFAULT_REGION``.
    Half a pair counts as none: the object is false, and the error of a chain names it.
    """

    __slots__ = ()

    def __init__(self, region: str = "", service: str = "s3") -> None:
        key, secret = environ(_VARIABLES.key), environ(_VARIABLES.secret)
        token = environ(_VARIABLES.token, "AWS_SECURITY_TOKEN")
        lacks = why_not_whole(key, secret, token, _VARIABLES)
        if not (lacks or key):
            lacks = f"{_VARIABLES.key} is not set"
        super().__init__(
            key,
            secret,
            token,
            lacks and f"environment ({lacks})",
            region=region or environ_region(),
            service=service,
        )
