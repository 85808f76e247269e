"""Forms for uploads: the same policies as botocore's, and what no form could meet is refused."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.post_policy import signed_form
from aiohttp_s3_client.protocol.sigv4 import SigV4Signer

KEY_ID, SECRET, TOKEN = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "to/ken+",
)
NOW = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)


def ours(
    key: str = "key",
    fields: Any = None,
    conditions: Any = None,
    token: str | None = None,
    seconds: int = 3600,
) -> dict[str, str]:
    signer = SigV4Signer(KEY_ID, SECRET, token, region="eu-west-1")
    return signed_form(
        signer, "bucket", key, fields or {}, conditions or [], seconds=seconds, now=NOW
    )


@cache
def _client(token: str | None) -> Any:  # boto3 has no types
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
        region_name="eu-west-1",
        config=Config(signature_version="s3v4"),
    )


def botocores(
    key: str = "key",
    fields: Any = None,
    conditions: Any = None,
    token: str | None = None,
    seconds: int = 3600,
) -> dict[str, str]:
    naive = NOW.replace(tzinfo=None)
    with (
        patch("botocore.auth.get_current_datetime", return_value=naive),
        patch("botocore.signers.get_current_datetime", return_value=naive),
    ):
        post = _client(token).generate_presigned_post("bucket", key, fields, conditions, seconds)
    found: dict[str, str] = post["fields"]
    return found


def policy(fields: dict[str, str]) -> Any:
    return json.loads(b64decode(fields["policy"], validate=True))


def conditions_of(fields: dict[str, str]) -> list[Any]:
    found: list[Any] = policy(fields)["conditions"]
    return found


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"token": TOKEN},
        {"key": "user/${filename}", "seconds": 60},
        {"key": "ünï/a \"b\"/'\\$1'"},
        {
            "fields": {"acl": "public-read"},
            "conditions": [{"acl": "public-read"}, ["content-length-range", 10, 100]],
        },
        {
            "key": "user/${filename}",
            "fields": {"Content-Type": "image/png", "success_action_status": "201"},
            "conditions": [
                ["starts-with", "$Content-Type", "image/"],
                ["eq", "$success_action_status", "201"],
                ["starts-with", "$x-amz-meta-note", ""],
                ["starts-with", "$key", "user/"],
                {"bucket": "bucket"},
            ],
            "token": TOKEN,
        },
    ],
)
def test_the_same_as_botocores(asked: dict[str, Any]) -> None:
    """Policies, fields, their order, and so the signature."""
    theirs, here = botocores(**deepcopy(asked)), ours(**asked)
    assert policy(here) == policy(theirs)
    assert list(here.items()) == list(theirs.items())


text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(
    key=text,
    fields=st.dictionaries(text.map("x-amz-meta-{}".format), text, max_size=3),
    token=st.none() | st.just(TOKEN),
)
def test_the_same_as_botocores_for_any_text(
    key: str, fields: dict[str, str], token: str | None
) -> None:
    assume(len({name.lower() for name in fields}) == len(fields))
    asked: dict[str, Any] = {
        "key": key,
        "fields": fields,
        "conditions": [{name: value} for name, value in fields.items()],
        "token": token,
    }
    assert ours(**asked) == botocores(**deepcopy(asked))


def test_a_field_without_a_condition_gets_one() -> None:
    """S3 refuses a form with a field of which its policy says nothing."""
    fields = {"acl": "private", "x-ignore-me": "1", "x-amz-meta-name": "a-${filename}"}
    found = conditions_of(ours(fields=fields, conditions=[["starts-with", "$tagging", "<"]]))
    assert found[:4] == [
        ["starts-with", "$tagging", "<"],
        {"acl": "private"},
        ["starts-with", "$x-amz-meta-name", "a-"],
        {"bucket": "bucket"},
    ]
    assert not [one for one in found if "x-ignore-me" in one]


def test_a_condition_by_another_spelling_is_the_fields_own() -> None:
    found = conditions_of(
        ours(
            fields={"content-type": "image/png"}, conditions=[["starts-with", "$Content-Type", ""]]
        )
    )
    assert {"content-type": "image/png"} not in found


def test_the_name_of_the_file_may_stand_anywhere_in_the_key() -> None:
    """botocore looks at the end alone, and asks for a key that no form has once S3 has put the
    name in."""
    form = ours(key="in/${filename}.part")
    assert form["key"] == "in/${filename}.part"
    assert ["starts-with", "$key", "in/"] in conditions_of(form)


def test_what_is_given_stays_as_it_is() -> None:
    fields, conditions = {"acl": "private"}, [{"acl": "private"}]
    ours(fields=fields, conditions=conditions)
    assert (fields, conditions) == ({"acl": "private"}, [{"acl": "private"}])


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"fields": [("acl", "private")]}, TypeError, "fields must be a mapping"),
    ({"fields": {"acl": 1}}, TypeError, "fields: acl must be a str, not int"),
    ({"fields": {"": "x"}}, ValueError, "fields: '' is no field's name"),
    ({"fields": {3: "x"}}, ValueError, "fields: 3 is no field's name"),
    ({"fields": {"$acl": "x"}}, ValueError, "fields: '$acl' is no field's name"),
    ({"fields": {"Policy": "x"}}, ValueError, "fields: Policy is set by the signature"),
    ({"fields": {"file": "x"}}, ValueError, "fields: file is set by the signature"),
    ({"fields": {"key": "other"}}, ValueError, "fields: key is not the key that"),
    ({"fields": {"Bucket": "other"}}, ValueError, "fields: Bucket is not the bucket that"),
    ({"key": "\udcff"}, ValueError, "key has a lone surrogate"),
    ({"fields": {"acl": "\udcff"}}, ValueError, "fields: acl has a lone surrogate"),
    ({"conditions": {"acl": "private"}}, TypeError, "conditions must be a list, not dict"),
    ({"conditions": "acl"}, TypeError, "conditions must be a list, not str"),
    ({"conditions": ["acl"]}, TypeError, "conditions[0] must be a dict or a list, not str"),
    ({"conditions": [{}]}, ValueError, "conditions[0] must name one field, not 0"),
    ({"conditions": [{"a": "1", "b": "2"}]}, ValueError, "must name one field, not 2"),
    ({"conditions": [{"acl": 1}]}, TypeError, "conditions[0]: acl must be a str, not int"),
    ({"conditions": [{"$acl": "x"}]}, ValueError, "conditions[0]: '$acl' is no field's name"),
    ({"conditions": [{"x-amz-date": "x"}]}, ValueError, "x-amz-date is set by the signature"),
    ({"conditions": [["eq", "$acl"]]}, ValueError, "conditions[0] must have 3 items, not 2"),
    ({"conditions": [["eq", "acl", "x"]]}, ValueError, "the field is written with a dollar"),
    ({"conditions": [["eq", 1, "x"]]}, ValueError, "the field is written with a dollar"),
    ({"conditions": [["eq", "$", "x"]]}, ValueError, "'' is no field's name"),
    ({"conditions": [["ends-with", "$acl", "x"]]}, ValueError, "not 'ends-with'"),
    ({"conditions": [["content-length-range", 2, 1]]}, ValueError, "from 2 to 1 allows no length"),
    ({"conditions": [["content-length-range", -1, 1]]}, ValueError, "from -1 to 1"),
    ({"conditions": [["content-length-range", "1", 2]]}, TypeError, "takes two ints (bytes)"),
    ({"conditions": [["content-length-range", 0, True]]}, TypeError, "takes two ints (bytes)"),
    ({"conditions": [{"key": "other"}]}, ValueError, "the form's own key does not meet it"),
    ({"conditions": [{"bucket": "other"}]}, ValueError, "the form's own bucket does not meet it"),
    (
        {"key": "in/${filename}", "conditions": [["starts-with", "$key", "out/"]]},
        ValueError,
        "the form's own key does not meet it",
    ),
    (
        {"fields": {"acl": "private"}, "conditions": [{"ACL": "public-read"}]},
        ValueError,
        "conditions[0]: the form's own acl does not meet it",
    ),
]


@pytest.mark.parametrize(("asked", "error", "message"), REFUSED)
def test_what_no_form_could_meet_is_refused(
    asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        ours(**asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"key": "in/${filename}", "conditions": [["starts-with", "$key", "in/2026"]]},
        {"key": "in/${filename}", "conditions": [{"key": "in/report.txt"}]},
        {
            "fields": {"Content-Type": "image/png,text/plain"},
            "conditions": [["starts-with", "$Content-Type", "image/,text/"]],
        },
        {"fields": {"key": "key", "bucket": "bucket"}},
    ],
)
def test_what_some_form_can_meet_is_not(asked: dict[str, Any]) -> None:
    form = ours(**asked)
    assert all(one in conditions_of(form) for one in asked.get("conditions", ()))


def test_no_message_shows_a_customers_key() -> None:
    name = "x-amz-server-side-encryption-customer-key"
    for asked in (
        {"fields": {name: b"secret"}},
        {"fields": {name: "secret\udcff"}},
        {"fields": {name: "secret"}, "conditions": [{name: "secret2"}]},
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            ours(**asked)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
