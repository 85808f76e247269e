"""What ``client.api`` does otherwise than boto3, on purpose: the one list.

``python -m tests.operations.differences`` writes it into the documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "differences.rst"


class Difference(NamedTuple):
    """``reason`` says why ours is right."""

    where: str
    boto3: str
    here: str
    reason: str


REQUESTS = (
    Difference(
        "every operation with a body",
        "sends a ``Content-Type`` only if ``ContentType`` is given",
        "``application/xml`` for documents, ``application/octet-stream`` for the rest",
        "it is signed, and what is between may add one otherwise",
    ),
    Difference(
        "every operation with a body",
        "adds a CRC32 that nobody asked for, to any server",
        "to servers other than AWS only the checksum without which S3 refuses the request, as "
        "``Content-MD5``; ``request_checksum_calculation`` decides otherwise",
        "servers that do not know the newer checksums refuse them; all know the MD5",
    ),
    Difference(
        "``ChecksumAlgorithm``",
        "needs ``awscrt`` for CRC32C and CRC64NVME",
        "computes both",
        "S3 takes them, and the second is its own choice",
    ),
    Difference(
        "``PutObject``, ``UploadPart``",
        "asks first (``Expect: 100-continue``), whatever the size",
        "from 2 MiB on",
        "for small bodies it costs more than it saves",
    ),
    Difference(
        "``WriteGetObjectResponse``",
        "signs the body over plain HTTP",
        "``UNSIGNED-PAYLOAD``",
        "S3's description says so, and the body may be a stream",
    ),
    Difference(
        "``GetObjectAttributes``, ``ListParts``",
        "``SSECustomerKey`` has to be encoded by the caller",
        "a raw key goes as base64 with its MD5, as in the other operations",
        "one rule for all",
    ),
    Difference(
        "texts that are not ASCII in headers",
        "refused in ``Metadata``; elsewhere Latin-1 or an error of the connection",
        "``Metadata`` as RFC 2047 has it, the rest as UTF-8; answers are read as UTF-8",
        "S3 decodes the first, and signs and sends the second",
    ),
    Difference(
        "``Body``",
        "bytes, str, and files",
        "also a ``Path``, a ``memoryview``, and iterables of bytes, async ones too; "
        "a stream of unknown length becomes an upload in parts when it is longer than one, and "
        "the members are then those of ``CompleteMultipartUpload``",
        "data is sent as it comes, without a file in between",
    ),
    Difference(
        "control characters and carriage returns in XML",
        "sends them as they are (``DeleteObjects``: the former), which is no XML or is read as a "
        "line feed",
        "as references (``&#x1;``, ``&#xD;``)",
        "such a key could not be deleted, nor a table with such lines selected from, otherwise",
    ),
)

PARAMETERS = (
    Difference(
        "None",
        "is a wrong type",
        "is a parameter that is not given",
        "code that passes its own optional arguments on needs no ``if``",
    ),
    Difference(
        "``Bucket``",
        "always needed",
        "may be left out where the client is bound to one",
        "the client's URL has said it",
    ),
    Difference(
        "True for a number",
        "is 1",
        "is a wrong type",
        "it is a mistake",
    ),
    Difference(
        "line breaks and control characters for headers, greatest lengths, integers past their "
        "bits, "
        "a ``CopySource`` without a key or with unknown names, a ``ContentLength`` that is "
        "not that of ``Body``, an empty ``UploadId`` or ``Id``, metadata names that differ in case "
        "alone, ``.`` and ``..`` as a bucket",
        "are sent, or fail later in another way",
        "``ParamValidationError``, before anything is sent",
        "the server would refuse it, or read another request: ``DELETE ?uploadId=`` deletes the "
        "object on some",
    ),
)

ANSWERS = (
    Difference(
        "``ListObjects``",
        "leaves ``Prefix`` percent-encoded, for which it asked itself",
        "decodes it, as the other members",
        "it is the prefix that was given",
    ),
    Difference(
        "markers of listings (``NextKeyMarker``), and parameters that are repeated",
        "are always decoded",
        "stay as they are where the server did not encode them (Swift, Ceph RGW, rclone)",
        "a key with a plus sign in it would lead back to itself, and the listing never end",
    ),
    Difference(
        "``ResponseMetadata``",
        "is one of the keys",
        'is not; ``output["ResponseMetadata"]`` works, and has ``RequestId`` and ``HostId`` in it '
        "also where the server sent none (empty)",
        "an answer can be compared and kept without it",
    ),
    Difference(
        "times",
        "have a zone of ``dateutil``, or none",
        "are all in ``datetime.UTC``",
        "they can always be compared",
    ),
    Difference(
        "booleans",
        "all but ``true`` is False, ``TRUE`` and ``1`` too",
        "``true``, ``false``, ``1`` and ``0`` in any case",
        "AWS's own pages and other servers write them so",
    ),
    Difference(
        "an ``<Error>`` with a 200 (P4)",
        "raises for most operations, as status 500",
        "raises for every one that does not stream; ``status`` is what came",
        "a failure must not look like a success",
    ),
    Difference(
        "errors without a body (HEAD, 304)",
        "have the status as code (``'404'``)",
        "have an empty ``code``, the ``status``, and its class: ``NotFound``, ``NotModified``",
        "a code is what S3 said",
    ),
    Difference(
        "errors without a message",
        "None",
        "the status's own words (``Bad Request``)",
        "there is always something to show",
    ),
    Difference(
        "an empty body where a document has to be",
        "has no members (``GetBucketLocation``: an error of the XML parser)",
        "``ResponseParseError`` where the document is the configuration itself, as in "
        "``GetObjectRetention``; ``LocationConstraint`` is None",
        "it would look like a configuration without settings",
    ),
)

_HEAD = """\
What differs from boto3
=======================

``client.api`` takes boto3's parameters and returns boto3's members. A test makes every call twice,
through boto3 and here, and compares what is sent and what is read. What it finds to differ, on
purpose, is this. The table is made from the list that the test goes by.
"""
_PARTS = {"Requests": REQUESTS, "Parameters": PARAMETERS, "Answers": ANSWERS}


def page() -> str:
    """The page of the documentation."""
    lines = [_HEAD]
    for title, differences in _PARTS.items():
        lines += [title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1"]
        lines += ["   :widths: 20 25 30 25", ""]
        for row in (Difference("where", "boto3", "here", "why"), *differences):
            first, *rest = row
            lines += [f"   * - {first}", *(f"     - {text}" for text in rest)]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
