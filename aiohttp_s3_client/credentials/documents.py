"""The JSON that sources of credentials answer with.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from ..protocol.timestamps import parse_time
from .base import KeyNames, why_not_whole


def read_document(body: bytes | str, source: str) -> dict[str, object]:
    """The JSON object that *source* gave. Raises ``CredentialsError``, which shows none of it."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return document
    # Raised out here: the decoder's error holds the whole text.
    raise CredentialsError(f"{source} gave what is no JSON object")


def snapshot_of(
    document: Mapping[str, object], names: KeyNames, expiration: str, source: str
) -> CredentialsSnapshot:
    """The credentials in *document*, whose members are called *names* and *expiration*.

    A time without a zone is in UTC. Raises ``CredentialsError``, which shows no value.
    """
    key, secret, token = (document.get(name) or "" for name in names)
    if not (isinstance(key, str) and isinstance(secret, str) and isinstance(token, str)):
        raise CredentialsError(f"{source} gave credentials that are not text")
    problem = why_not_whole(key, secret, token, names) or ("" if key else f"no {names.key}")
    if problem:
        raise CredentialsError(f"{source} gave no credentials: {problem}")
    expires_at = _time(document.get(expiration), f"{source} gave an {expiration} that is no date")
    return CredentialsSnapshot(key, secret, token or None, expires_at)


def _time(text: object, problem: str) -> datetime | None:
    if text is None or text == "":
        return None
    if isinstance(text, str):
        try:
            return parse_time(text)
        except ValueError:
            pass
    raise CredentialsError(problem)
