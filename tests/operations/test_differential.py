"""Whole calls: ``client.api`` against boto3, with all that boto3 does around its description.

What may differ stands in ``differences.py``.
"""

from __future__ import annotations

from random import Random
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError
from botocore.exceptions import ParamValidationError as BotoValidationError
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aiohttp_s3_client.errors import AwsError

from ..protocol.rest_xml_models import s3, s3_operations
from . import differences
from .answers import answer_to
from .calls import broken_calls, calls, full_calls
from .comparing import (
    BOTOCORE,
    OBJECT,
    answered,
    assert_same_error,
    assert_same_request,
    error_document,
    members,
    problems,
    sent_by,
    without_prefix,
)
from .wire import Wire

OPERATIONS = s3_operations()
FEW = settings(
    max_examples=max(1, settings().max_examples // 8),  # For each of 116 operations.
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_member_goes_where_boto3_puts_it(wire: Wire, name: str) -> None:
    for params in full_calls(s3().operation(name)):
        assert_same_request(wire, name, params)


@pytest.mark.parametrize("name", OPERATIONS)
@FEW
@given(data=st.data())
def test_any_call_makes_the_request_that_boto3_makes(
    wire: Wire, name: str, data: st.DataObject
) -> None:
    assert_same_request(wire, name, data.draw(calls(s3().operation(name))))


@pytest.mark.parametrize("name", OPERATIONS)
@FEW
@given(random=st.randoms(use_true_random=False))
def test_any_answer_is_read_as_boto3_reads_it(wire: Wire, name: str, random: Random) -> None:
    (params, *_) = full_calls(s3().operation(name))
    if name != "ListMultipartUploads" and random.random() < 0.7:
        params.pop("EncodingType", None)
    answer = answer_to(BOTOCORE.operation_model(name), random)
    theirs, ours = wire.both(name, params, answer)
    assume(not isinstance(theirs.error, KeyError))  # It fails over a common prefix without name.
    assert (theirs.error, ours.error) == (None, None)
    assert without_prefix(name, ours) == without_prefix(name, theirs)


def has_document(name: str) -> bool:
    """Whether what comes with an answer is read as a whole, if anything is."""
    operation = s3().operation(name)
    return operation.method != "HEAD" and not operation.streams


ERRORS = [
    *(
        (code.name, code.metadata.get("error", {}).get("httpStatusCode", 400))
        for code in BOTOCORE.error_shapes
    ),
    ("SlowDown", 503), ("PreconditionFailed", 412), ("NoSuchCORSConfiguration", 404),
    ("SomethingNew", 400), ("SomethingNew", 418), ("InternalError", 500),
]  # fmt: skip


@pytest.mark.parametrize("name", ["GetObject", "PutBucketCors", "CopyObject"])
@pytest.mark.parametrize(("code", "status"), ERRORS)
def test_errors_have_code_status_and_message(wire: Wire, name: str, code: str, status: int) -> None:
    (params, *_) = full_calls(s3().operation(name))
    more = "<StorageClass>GLACIER</StorageClass><Key>a &amp; b</Key>"
    answer = answered(error_document(code, "It <did> not".replace("<", "&lt;"), more))
    assert_same_error(*wire.both(name, params, answer._replace(status=status)))


@pytest.mark.parametrize("name", [name for name in OPERATIONS if has_document(name)])
def test_p04_an_error_with_a_200_raises(wire: Wire, name: str) -> None:
    (params, *_) = full_calls(s3().operation(name))
    theirs, ours = wire.both(name, params, answered(error_document("InternalError", "Again.")))
    assert isinstance(ours.error, AwsError)
    assert (ours.error.code, ours.error.message, ours.error.status) == (
        "InternalError", "Again.", 200,
    )  # fmt: skip
    if theirs.error is None:  # It leaves out operations that answer with nothing, or a text.
        output = BOTOCORE.operation_model(name).output_shape
        assert output is None or output.serialization.get("payload")


@pytest.mark.parametrize("name", ["HeadObject", "HeadBucket"])
@pytest.mark.parametrize("status", [304, 400, 403, 404, 405, 412, 500, 503])
def test_errors_without_a_body(wire: Wire, name: str, status: int) -> None:
    params = OBJECT if name == "HeadObject" else {"Bucket": "b"}
    theirs, ours = wire.both(name, params, answered(b"")._replace(status=status))
    assert isinstance(theirs.error, ClientError)
    assert isinstance(ours.error, AwsError)
    said = theirs.error.response["Error"]
    assert (ours.error.code, said["Code"]) == ("", str(status))
    assert (ours.error.status, ours.error.message) == (status, said["Message"])


def test_an_error_without_a_message_has_the_words_of_its_status(wire: Wire) -> None:
    answer = answered(error_document("New", ""))._replace(status=400)
    theirs, ours = wire.both("GetObject", OBJECT, answer)
    assert isinstance(theirs.error, ClientError)
    assert isinstance(ours.error, AwsError)
    said: dict[str, object] = dict(theirs.error.response["Error"])
    assert (said["Message"], ours.error.message) == (None, "Bad Request")


@pytest.mark.parametrize("name", OPERATIONS)
@FEW
@given(data=st.data())
def test_what_boto3_refuses_is_refused_and_named(
    wire: Wire, name: str, data: st.DataObject
) -> None:
    params, path = data.draw(broken_calls(s3().operation(name)))
    theirs, ours = wire.both(name, params)
    assert isinstance(theirs.error, BotoValidationError)
    assert (theirs.sent, ours.sent) == ([], [])
    assert path in {problem.split(" ")[0] for problem in problems(ours)}


def test_p23_control_characters_go_as_references(wire: Wire) -> None:
    params = {"Bucket": "b", "Delete": {"Objects": [{"Key": "a\x01b\x0b"}]}}
    theirs, ours = wire.both("DeleteObjects", params, answered(b"<DeleteResult/>"))
    assert b"<Key>a\x01b\x0b</Key>" in sent_by(theirs).body
    assert b"<Key>a&#x1;b&#xB;</Key>" in sent_by(ours).body


def test_p23_carriage_returns_arrive_as_such(wire: Wire) -> None:
    table = {"CSV": {"RecordDelimiter": "\r\n"}}
    how = {"Expression": "*", "ExpressionType": "SQL", "OutputSerialization": {"CSV": {}}}
    outcomes = wire.both("SelectObjectContent", {**OBJECT, **how, "InputSerialization": table})
    documents = [ElementTree.fromstring(sent_by(outcome).body) for outcome in outcomes]
    delimiters = [document.findtext(".//{*}RecordDelimiter") for document in documents]
    assert delimiters == ["\n", "\r\n"]


@pytest.mark.parametrize(
    ("text", "boto3s", "here"),
    [
        ("true", True, True),
        ("false", False, False),
        ("TRUE", False, True),
        ("1", False, True),
        ("0", False, False),
        ("False", False, False),
    ],
)
def test_booleans_however_they_are_written(wire: Wire, text: str, boto3s: bool, here: bool) -> None:
    document = f"<ListBucketResult><IsTruncated>{text}</IsTruncated></ListBucketResult>"
    theirs, ours = wire.both("ListObjectsV2", {"Bucket": "b"}, answered(document.encode()))
    assert members(theirs)["IsTruncated"] is boto3s
    assert members(ours)["IsTruncated"] is here


def test_the_page_shows_the_list() -> None:
    assert differences.PAGE.read_text(encoding="utf-8") == differences.page()
