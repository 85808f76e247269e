"""Uploads by POST: the policy that says what a form may send, and the form's signed fields.

::

    fields ──────┬─> an exact condition for each that has none ─┐
    conditions ──┴──────────────────────────────────────────────┴─> policy ─> signature

A policy is JSON in base64: an expiration, and conditions that all have to hold. S3 refuses a form
with a field that no condition names.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from .sigv4 import SigV4Signer

Condition = Mapping[str, str] | Sequence[str | int]
"""``{"acl": "private"}``, ``["eq" | "starts-with", "$acl", "private"]`` or
``["content-length-range", least, most]``, in bytes."""

FILENAME = "${filename}"
"""What S3 replaces by the name of the file that is posted, before it looks at the policy."""

_LENGTH = "content-length-range"
_NEVER_CHECKED = "x-ignore-"
_OURS = frozenset(
    {
        "awsaccesskeyid", "file", "policy", "signature", "x-amz-algorithm", "x-amz-credential",
        "x-amz-date", "x-amz-s3session-token", "x-amz-security-token", "x-amz-signature",
    }
)  # fmt: skip


def signed_form(
    signer: SigV4Signer,
    bucket: str,
    key: str,
    fields: Mapping[str, str],
    conditions: Sequence[Condition],
    *,
    seconds: int,
    now: datetime,
) -> dict[str, str]:
    """The fields of a form that may be posted until *seconds* after *now*; the file goes last.

    A *key* with ``${filename}`` in it may go on in any way from there. Raises ``TypeError`` and
    ``ValueError`` for fields and conditions that no form could meet. No message shows a value of
    a field, which may be a customer's key.
    """
    if isinstance(conditions, str | bytes) or not isinstance(conditions, Sequence):
        raise TypeError(f"conditions must be a list, not {type(conditions).__name__}")
    given = _checked_fields(fields, bucket, key)
    pinned = {name.lower(): value for name, value in given.items()}
    pinned |= {"bucket": bucket, "key": _text("key", key)}
    named: set[str] = {"bucket", "key"}
    for place, condition in enumerate(conditions):
        named.add(_check(f"conditions[{place}]", condition, pinned))
    exact = [
        _allowing(name, value)
        for name, value in given.items()
        if name.lower() not in named and not name.lower().startswith(_NEVER_CHECKED)
    ]
    signed = signer.form_fields(now)
    policy = {
        "expiration": f"{now.astimezone(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}",
        "conditions": [
            *(dict(one) if isinstance(one, Mapping) else list(one) for one in conditions),
            *exact,
            {"bucket": bucket},
            _allowing("key", key),
            *({name: value} for name, value in signed.items()),
        ],
    }
    encoded = b64encode(json.dumps(policy).encode()).decode()
    signature = signer.signature(encoded, now)
    return {**given, "key": key, **signed, "policy": encoded, "x-amz-signature": signature}


def _checked_fields(fields: Mapping[str, str], bucket: str, key: str) -> dict[str, str]:
    if not isinstance(fields, Mapping):
        raise TypeError(f"fields must be a mapping of names to values, not {type(fields).__name__}")
    places = {"bucket": bucket, "key": key}
    for name, value in fields.items():
        known = _name("fields", name)
        if _text(f"fields: {name}", value) != places.get(known, value):
            raise ValueError(f"fields: {name} is not the {known} that the form is for")
    return {name: value for name, value in fields.items() if name.lower() != "key"}


def _allowing(name: str, value: str) -> Condition:
    """The narrowest condition for a field that is sent as *value*."""
    start, variable, _ = value.partition(FILENAME)
    return ["starts-with", f"${name}", start] if variable else {name: value}


def _check(argument: str, condition: object, pinned: Mapping[str, str]) -> str:
    """The field that *condition* is about, in small letters."""
    if isinstance(condition, Mapping):
        if len(condition) != 1:
            raise ValueError(f"{argument} must name one field, not {len(condition)}")
        ((name, value),) = condition.items()
        return _check_match(argument, "eq", name, value, pinned)
    if not isinstance(condition, list | tuple):
        raise TypeError(f"{argument} must be a dict or a list, not {type(condition).__name__}")
    if len(condition) != 3:
        raise ValueError(f"{argument} must have 3 items, not {len(condition)}")
    operator, name, value = condition
    if operator == _LENGTH:
        for size in (name, value):
            if isinstance(size, bool) or not isinstance(size, int):
                raise TypeError(f"{argument}: {_LENGTH} takes two ints (bytes), not {size!r}")
        if not 0 <= name <= value:
            raise ValueError(f"{argument}: {_LENGTH} from {name} to {value} allows no length")
        return _LENGTH
    if operator not in ("eq", "starts-with"):
        raise ValueError(f"{argument} must be eq, starts-with or {_LENGTH}, not {operator!r}")
    if not isinstance(name, str) or not name.startswith("$"):
        raise ValueError(f'{argument}: the field is written with a dollar, "$key", not {name!r}')
    return _check_match(argument, operator, name[1:], value, pinned)


def _check_match(
    argument: str, operator: str, name: object, value: object, pinned: Mapping[str, str]
) -> str:
    field = _name(argument, name)
    wanted = _text(f"{argument}: {name}", value)
    if field in pinned and not _may_match(operator, field, pinned[field], wanted):
        raise ValueError(f"{argument}: the form's own {field} does not meet it")
    return field


def _may_match(operator: str, field: str, value: str, wanted: str) -> bool:
    """Whether a field that is sent as *value* can meet the condition."""
    start, variable, _ = value.partition(FILENAME)
    if operator == "eq":
        return wanted.startswith(start) if variable else wanted == value
    if field == "content-type" and "," in wanted:
        return True  # A list of beginnings for a list of types.
    return value.startswith(wanted) or bool(variable and wanted.startswith(start))


def _name(argument: str, name: object) -> str:
    """A field's *name* in small letters: case does not tell them apart."""
    if not isinstance(name, str) or not name or name.startswith("$"):
        raise ValueError(f"{argument}: {name!r} is no field's name")
    known = _text(argument, name).lower()
    if known in _OURS:
        raise ValueError(f"{argument}: {name} is set by the signature")
    return known


def _text(argument: str, text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{argument} must be a str, not {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:  # It shows the text.
        raise ValueError(
            f"{argument} has a lone surrogate in it, which has no UTF-8 form"
        ) from None
    return text
