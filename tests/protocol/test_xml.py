"""Small documents: errors, and the answers of multipart uploads and copies."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.models import ObjectPart
from aiohttp_s3_client.protocol.parts import (
    CopiedPart,
    ObjectPartsPage,
    PartsPage,
    UploadedPart,
    build_complete,
    parse_copied_part,
    parse_object_parts,
    parse_parts,
)
from aiohttp_s3_client.protocol.xml import (
    MAX_DETAILS,
    NAMESPACE,
    CompletedUpload,
    CopyResult,
    ErrorDocument,
    build_tagging,
    is_error,
    parse_complete,
    parse_copy,
    parse_error,
    parse_tagging,
    parse_upload_id,
    read,
)

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

UPLOAD_ID = b"<UploadId>VXBsb2FkIElE~2_a-b</UploadId>"
INITIATED = (
    b'<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Bucket>b</Bucket><Key>k</Key>" + UPLOAD_ID + b"</InitiateMultipartUploadResult>"
)
COMPLETED = (
    b'<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n'
    b"  <Location>http://b.s3.amazonaws.com/k</Location>\n  <Bucket>b</Bucket>\n"
    b"  <Key>k &amp; l</Key>\n  <ETag>&#34;3858f62230ac3c915f300c664312c11f-9&#34;</ETag>\n"
    b"  <ChecksumType>FULL_OBJECT</ChecksumType>\n</CompleteMultipartUploadResult>"
)
COPIED = (
    b'<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LastModified>2009-10-12T17:50:30.000Z</LastModified>"
    b"<ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag></CopyObjectResult>"
)
PARTS = (
    b'<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket>'
    b"<Initiator><ID>i</ID></Initiator><NextPartNumberMarker>3</NextPartNumberMarker>"
    b"<MaxParts>2</MaxParts><IsTruncated>true</IsTruncated>"
    b'<Part><PartNumber>2</PartNumber><ETag>"aa"</ETag><Size>5242880</Size></Part>'
    b"<Part><Size>9999999999</Size><ChecksumCRC32>AAAAAA==</ChecksumCRC32>"
    b"<PartNumber>3</PartNumber><ETag>&quot;bb&quot;</ETag></Part></ListPartsResult>"
)
COPIED_PART = (
    b'<CopyPartResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LastModified>2009-10-28T22:32:00.000Z</LastModified><ETag>&quot;9b2c&quot;</ETag>"
    b"<ChecksumSHA256>uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=</ChecksumSHA256>"
    b"</CopyPartResult>"
)
TAGGING = (
    b'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>'
    b"<Tag><Key>colour &amp; light</Key><Value>dark blue</Value></Tag>"
    b"<Tag><Value></Value><Key>empty</Key></Tag></TagSet></Tagging>"
)
ATTRIBUTES = (
    b'<GetObjectAttributesResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<ETag>9b2cf535f27731c974343645a3985328-3</ETag>"
    b"<Checksum><ChecksumCRC32C>4PjIGQ==-3</ChecksumCRC32C><ChecksumType>COMPOSITE</ChecksumType>"
    b"</Checksum><ObjectParts><IsTruncated>true</IsTruncated><MaxParts>2</MaxParts>"
    b"<NextPartNumberMarker>2</NextPartNumberMarker><PartNumberMarker>0</PartNumberMarker>"
    b"<Part><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C><PartNumber>1</PartNumber>"
    b"<Size>8388608</Size></Part>"
    b"<Part><PartNumber>2</PartNumber><Size>5242880</Size></Part><PartsCount>3</PartsCount>"
    b"</ObjectParts><StorageClass>STANDARD</StorageClass><ObjectSize>13631489</ObjectSize>"
    b"</GetObjectAttributesResponse>"
)
ERROR = (
    b"<Error><Code>NoSuchKey</Code><Message>The key is not there</Message><Key>k</Key>"
    b"<Resource>/b/k</Resource><RequestId>4442587FB7D0A2F9</RequestId><HostId>h</HostId></Error>"
)

XML_TEXT = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
)

PARSERS: dict[str, Callable[[bytes], object]] = {
    "InitiateMultipartUploadResult": parse_upload_id,
    "CompleteMultipartUploadResult": parse_complete,
    "CopyObjectResult": parse_copy,
    "ListPartsResult": parse_parts,
    "CopyPartResult": parse_copied_part,
    "Tagging": parse_tagging,
    "GetObjectAttributesResponse": parse_object_parts,
}
ANSWERS = (INITIATED, COMPLETED, COPIED, PARTS, COPIED_PART, TAGGING, ATTRIBUTES)
DOCUMENTS = (*ANSWERS, ERROR)

BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE Error [<!ENTITY a0 "ha">'
    + b"".join(
        b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12)
    )
    + b"]><Error><Code>&a11;</Code></Error>"
)
EXTERNAL = (
    b'<!DOCTYPE Error [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    b"<Error><Code>&x;</Code><UploadId>&x;</UploadId></Error>"
)
DECLARED = {
    "billion laughs": BILLION_LAUGHS,
    "external entity": EXTERNAL,
    "harmless": b"<!DOCTYPE Error><Error><Code>SlowDown</Code></Error>",
    "in UTF-16": EXTERNAL.decode().encode("utf-16"),
    "in UTF-16 without a mark": EXTERNAL.decode().encode("utf-16-le"),
}
JUNK = {
    "nothing": b"",
    "spaces": b"   \n",
    "html": b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>",
    "sloppy html": b"<html><body><p>Service unavailable<br></body></html>",
    "json": b'{"Error": {"Code": "SlowDown"}}',
    "text": b"upstream connect error",
    "binary": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00" + b"\xff" * 40,
    "another error": b"<Errors><Error><Code>SlowDown</Code></Error></Errors>",
}


# Errors


def test_the_error_of_the_documentation() -> None:
    assert parse_error(DECLARATION + ERROR) == ErrorDocument(
        code="NoSuchKey",
        message="The key is not there",
        details={"Key": "k", "Resource": "/b/k"},
    )


def test_what_else_an_error_says() -> None:
    found = parse_error(
        b"<Error><Code>InvalidObjectState</Code><Condition>first</Condition><Inner><A>b</A></Inner>"
        b"<Condition>second</Condition><AccessTier/><StorageClass>GLACIER</StorageClass></Error>"
    )
    assert found is not None
    assert list(found.details.items()) == [("Condition", "first"), ("StorageClass", "GLACIER")]


def test_what_else_an_error_says_is_bounded() -> None:
    many = b"".join(b"<E%d>x</E%d>" % (number, number) for number in range(2 * MAX_DETAILS))
    found = parse_error(b"<Error>" + many + b"</Error>")
    assert found is not None
    assert list(found.details) == [f"E{number}" for number in range(MAX_DETAILS)]


@pytest.mark.parametrize(
    "body",
    [
        b"<Error xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Code>SlowDown</Code></Error>",
        b"<s3:Error xmlns:s3='http://x'><s3:Code>SlowDown</s3:Code></s3:Error>",
        b"\xef\xbb\xbf<Error><Code>SlowDown</Code></Error>",
        b" \r\n\n  " + DECLARATION + b"  <Error>\n\t<Code>SlowDown</Code>\n</Error>\n",
        b"<?xml version='1.0' encoding='x-unheard-of'?><Error><Code>SlowDown</Code></Error>",
        b"<!-- hm --><Error><Code><![CDATA[Slow]]>Down</Code></Error>",
        b"<Error><Inner><Code>Other</Code></Inner><Code>SlowDown</Code><Code>Third</Code></Error>",
    ],
)
def test_errors_in_every_dress(body: bytes) -> None:
    assert parse_error(body) == ErrorDocument(code="SlowDown")
    assert is_error(body)


def test_errors_that_say_where_the_bucket_is() -> None:
    redirect = parse_error(
        b"<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>"
        b"<Bucket>b</Bucket></Error>"
    )
    assert redirect is not None
    assert redirect.details == {"Endpoint": "b.s3.eu-west-1.amazonaws.com", "Bucket": "b"}
    malformed = parse_error(
        b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
    )
    assert malformed is not None
    assert malformed.region == "eu-west-1"


@pytest.mark.parametrize("written", [b"no&#x1;such", b"no&#x01;such", b"no&#1;such", b"no\x01such"])
def test_p23_control_characters_do_not_hide_an_error(written: bytes) -> None:
    """P23: RGW, rclone and moto echo the key, in XML that is none."""
    body = (
        b"<Error><Resource>%s &#65; \xf4\x8f\xbf\xbdA&#x10FFFD;B</Resource><Code>C</Code></Error>"
        % written
    )
    found = parse_error(body)
    assert found is not None
    assert (found.code, found.details["Resource"]) == ("C", "no\x01such A \U0010fffdA\U0010fffdB")


def test_an_error_that_breaks_off_still_has_its_code() -> None:
    whole = ErrorDocument(code="NoSuchKey", message="The key is not there")
    assert parse_error(ERROR[: ERROR.index(b"<Key>") + 7]) == whole
    assert parse_error(b"<Error><Code>NoSuch") == ErrorDocument()


@pytest.mark.parametrize("body", JUNK.values(), ids=JUNK.keys())
def test_what_is_no_error_of_s3(body: bytes) -> None:
    assert parse_error(body) is None
    assert not is_error(body)


@pytest.mark.parametrize("body", DECLARED.values(), ids=DECLARED.keys())
def test_declarations_are_never_followed(body: bytes) -> None:
    start = time.perf_counter()
    assert parse_error(body) is None
    assert not is_error(body)
    for root, parse in PARSERS.items():
        with pytest.raises(ResponseParseError, match=root):
            parse(body)
    assert time.perf_counter() - start < 1


def test_entities_that_nobody_declared() -> None:
    assert parse_error(b"<Error><Code>SlowDown</Code><Message>&boom;</Message></Error>") == (
        ErrorDocument(code="SlowDown")
    )
    with pytest.raises(ResponseParseError, match="undefined entity"):
        parse_upload_id(INITIATED.replace(b"<Bucket>b", b"<Bucket>&boom;"))


def test_depth_is_bounded() -> None:
    def nested(depth: int) -> bytes:
        inner = b"<a>" * depth + b"</a>" * depth
        return INITIATED.replace(b"<Bucket>", inner + b"<Bucket>")

    assert parse_upload_id(nested(32)) == "VXBsb2FkIElE~2_a-b"
    with pytest.raises(ResponseParseError, match="deep"):
        parse_upload_id(nested(33))
    assert parse_error(b"<a>" * 100_000) is None


# Answers with status 200


@pytest.mark.parametrize("document", ANSWERS)
def test_answers_are_no_errors(document: bytes) -> None:
    assert not is_error(document)
    assert parse_error(document) is None


@pytest.mark.parametrize("before", [b"", b" " * 5000, b"\n\r\n" + DECLARATION, b"\xef\xbb\xbf"])
def test_p04_errors_that_come_with_200(before: bytes) -> None:
    """P4: S3 sends spaces while it completes an upload, and then may have failed."""
    body = before + b"<Error><Code>InternalError</Code></Error>"
    assert is_error(body)
    assert parse_error(body) == ErrorDocument(code="InternalError")
    for parse in PARSERS.values():
        with pytest.raises(ResponseParseError, match="root is 'Error'"):
            parse(body)


def test_a_document_about_errors_is_no_error() -> None:
    assert not is_error(b"<DeleteResult><Error><Key>k</Key></Error></DeleteResult>")


def test_upload_id() -> None:
    assert parse_upload_id(DECLARATION + INITIATED) == "VXBsb2FkIElE~2_a-b"
    rclone = b"<InitiateMultipartUpload>\n  " + UPLOAD_ID + b"\n</InitiateMultipartUpload>"
    assert parse_upload_id(rclone) == "VXBsb2FkIElE~2_a-b"


def test_completed_upload() -> None:
    assert parse_complete(b"  \n \n" + DECLARATION + COMPLETED) == CompletedUpload(
        etag='"3858f62230ac3c915f300c664312c11f-9"',
        location="http://b.s3.amazonaws.com/k",
        bucket="b",
        key="k & l",
    )


def test_completed_upload_without_an_etag() -> None:
    """Ceph RGW leaves it empty: the object is there all the same."""
    body = b"<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>"
    assert parse_complete(body).etag == ""


@pytest.mark.parametrize("root", [b"CopyObjectResult", b"CopyPartResult"])
def test_copy(root: bytes) -> None:
    body = COPIED.replace(b"CopyObjectResult", root)
    etag = '"9b2cf535f27731c974343645a3985328"'
    assert parse_copy(body) == CopyResult(etag, datetime(2009, 10, 12, 17, 50, 30, tzinfo=UTC))


def test_copy_without_a_time() -> None:
    assert parse_copy(b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>") == ("e", None)


def test_a_copy_without_an_etag_did_not_happen() -> None:
    """rclone takes a part's copy for an empty part and answers with an empty body."""
    for body in (b"", b"<CopyPartResult/>", b"<CopyPartResult><ETag></ETag></CopyPartResult>"):
        with pytest.raises(ResponseParseError):
            parse_copy(body)


def test_parts() -> None:
    second = UploadedPart(3, '"bb"', 9_999_999_999, {"CRC32": "AAAAAA=="})
    parts = [UploadedPart(2, '"aa"', 5242880), second]
    assert parse_parts(PARTS) == PartsPage(parts, next_marker=3)
    assert parse_parts(PARTS.replace(b"true", b"false")) == PartsPage(parts, next_marker=None)
    moto = PARTS.replace(b"ListPartsResult", b"ListPartsResponse")
    assert parse_parts(moto) == PartsPage(parts, next_marker=3)
    assert parse_parts(b"<ListPartsResult/>") == PartsPage([], None)


def test_a_part_that_was_copied() -> None:
    checksum = {"SHA256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="}
    assert parse_copied_part(DECLARATION + COPIED_PART) == CopiedPart('"9b2c"', checksum)
    assert parse_copied_part(b"<CopyPartResult><ETag>e</ETag></CopyPartResult>") == ("e", {})
    assert parse_copied_part(COPIED).etag == '"9b2cf535f27731c974343645a3985328"'


def test_tags() -> None:
    assert parse_tagging(TAGGING) == [("colour & light", "dark blue"), ("empty", "")]
    assert parse_tagging(b"<Tagging><TagSet/></Tagging>") == []
    assert parse_tagging(b"<Tagging/>") == []


@given(st.lists(st.tuples(XML_TEXT, XML_TEXT)))
def test_tags_are_read_as_they_are_written(tags: list[tuple[str, str]]) -> None:
    assert parse_tagging(build_tagging(tags)) == tags


@pytest.mark.parametrize("name", [b"Key", b"Value"])
def test_a_tag_that_is_not_whole(name: bytes) -> None:
    with pytest.raises(ResponseParseError, match=f"no {name.decode()}"):
        parse_tagging(TAGGING.replace(b"<%s>" % name, b"<x>").replace(b"</%s>" % name, b"</x>"))


def test_attributes() -> None:
    expected = ObjectPartsPage(
        (ObjectPart(1, 8388608, {"CRC32C": "AAAAAA=="}), ObjectPart(2, 5242880, {})), 2
    )
    assert parse_object_parts(DECLARATION + ATTRIBUTES) == expected
    documented = ATTRIBUTES.replace(b"AttributesResponse", b"AttributesOutput")
    assert parse_object_parts(documented) == expected
    last = ATTRIBUTES.replace(b"true", b"false")
    assert parse_object_parts(last) == expected._replace(next_marker=None)


def test_attributes_of_which_few_were_asked_for() -> None:
    root = b"GetObjectAttributesResponse"
    body = b"<%s><ObjectSize>7</ObjectSize></%s>" % (root, root)
    assert parse_object_parts(body) == ObjectPartsPage((), None)
    assert parse_object_parts(b"<%s/>" % root) == ObjectPartsPage((), None)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b"<NextPartNumberMarker>2</NextPartNumberMarker>", b""),
        (b"<Size>5242880</Size>", b""),
        (b"<PartNumber>1</PartNumber>", b"<PartNumber/>"),
    ],
)
def test_attributes_that_are_not_whole(written: bytes, instead: bytes) -> None:
    assert written in ATTRIBUTES
    with pytest.raises(ResponseParseError, match="GetObjectAttributes"):
        parse_object_parts(ATTRIBUTES.replace(written, instead))


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b"<Size>5242880</Size>", b""),
        (b"<Size>5242880</Size>", b"<Size>-1</Size>"),
        (b"<Size>5242880</Size>", b"<Size>1_0</Size>"),
        (b"<Size>5242880</Size>", b"<Size>" + b"9" * 5000 + b"</Size>"),
        (b"<PartNumber>3</PartNumber>", b"<PartNumber>\xd9\xa3</PartNumber>"),
        (b'<ETag>"aa"</ETag>', b""),
        (b"<NextPartNumberMarker>3</NextPartNumberMarker>", b""),
    ],
)
def test_parts_that_are_not_whole(written: bytes, instead: bytes) -> None:
    assert written in PARTS
    with pytest.raises(ResponseParseError, match="ListPartsResult"):
        parse_parts(PARTS.replace(written, instead))


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (parse_upload_id, INITIATED.replace(UPLOAD_ID, b"")),
        (parse_upload_id, INITIATED.replace(UPLOAD_ID, b"<UploadId/>")),
        (parse_upload_id, INITIATED.replace(UPLOAD_ID, b"<x>" + UPLOAD_ID + b"</x>")),
        (parse_copy, COPIED.replace(b"2009-10-12", b"yesterday")),
    ],
)
def test_documents_without_what_is_needed(parse: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(ResponseParseError):
        parse(body)


# Refusals


@pytest.mark.parametrize("body", JUNK.values(), ids=JUNK.keys())
@pytest.mark.parametrize("root", PARSERS)
def test_refusals_name_the_root_and_show_the_beginning(root: str, body: bytes) -> None:
    with pytest.raises(ResponseParseError) as caught:
        PARSERS[root](body)
    message = str(caught.value)
    assert f"<{root}>" in message
    assert message.endswith(repr(body[:200]))
    assert message.isascii()
    assert message.isprintable()


def test_refusals_show_200_bytes() -> None:
    with pytest.raises(ResponseParseError) as caught:
        parse_complete(b"<Nothing>" + b"x" * 1000)
    assert "x" * 191 in str(caught.value)
    assert "x" * 192 not in str(caught.value)


def test_refusals_show_no_signature() -> None:
    signature = b"0123456789abcdef" * 4
    body = b"<Error><SignatureProvided>%s</SignatureProvided></Error>" % signature
    with pytest.raises(ResponseParseError) as caught:
        parse_complete(body)
    assert signature.decode() not in str(caught.value)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_that_break_off(document: bytes) -> None:
    for end in range(len(document)):
        for parse in PARSERS.values():
            with pytest.raises(ResponseParseError):
                parse(document[:end])


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Documents with pieces cut out and others put in."""
    body = draw(st.sampled_from(DOCUMENTS))
    markup = b"< > & &#0; &#x1; </Error> <Error> <!-- --> <![CDATA[ ]]> <?a?> <a/>".split()
    pieces = st.sampled_from(
        [*markup, b" ", b"\x01", b"\xff", b"\xef\xbb\xbf", b"\xf4\x8f\xbf\xbd"]
    )
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 8)))
        body = body[:start] + draw(pieces | st.binary(max_size=3)) + body[end:]
    return body


@given(st.binary(max_size=60) | damaged())
def test_nothing_but_our_error_comes_out(body: bytes) -> None:
    assert is_error(body) == (parse_error(body) is not None)
    for root, parse in PARSERS.items():
        refusal = f"<{root}>"
        try:
            parse(body)
        except ResponseParseError as error:
            refusal = str(error)
        assert f"<{root}>" in refusal


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_text_comes_out_as_it_went_in(text: str) -> None:
    """P23: even characters that XML forbids, written as references."""
    written = "".join(f"&#{ord(char)};" if char != "\0" else "" for char in text)
    document = read(f"<Error><Code>{written}</Code></Error>".encode())
    if not document.flaw:
        assert document.elements == [("Code", text.replace("\0", ""))]
    else:
        assert set(text) & {"\ufffe", "\uffff"}


# What is sent


def test_complete_is_what_s3_documents() -> None:
    parts = [(2, '"b"'), (1, '"a"'), (10, "c&<>")]
    body = build_complete(iter(parts), checksums={2: "iQ+v7A==", 3: "unused"})
    assert body.decode() == (
        f'<CompleteMultipartUpload xmlns="{NAMESPACE}">'
        '<Part><PartNumber>1</PartNumber><ETag>"a"</ETag></Part>'
        '<Part><PartNumber>2</PartNumber><ETag>"b"</ETag>'
        "<ChecksumCRC32>iQ+v7A==</ChecksumCRC32></Part>"
        "<Part><PartNumber>10</PartNumber><ETag>c&amp;&lt;&gt;</ETag></Part>"
        "</CompleteMultipartUpload>"
    )


def test_complete_names_the_algorithm_of_its_checksums() -> None:
    body = build_complete([(1, "a")], checksums={1: "iQ+v7A=="}, algorithm="SHA256")
    assert b"<ETag>a</ETag><ChecksumSHA256>iQ+v7A==</ChecksumSHA256></Part>" in body


@given(st.dictionaries(st.integers(1, 10_000), XML_TEXT, min_size=1))
def test_complete_holds_every_part_in_order(parts: dict[int, str]) -> None:
    root = ElementTree.fromstring(build_complete(parts.items(), checksums=parts))
    name = f"{{{NAMESPACE}}}"
    found = [
        (
            int(part.findtext(f"{name}PartNumber", "")),
            part.findtext(f"{name}ETag", ""),
            part.findtext(f"{name}ChecksumCRC32", ""),
        )
        for part in root
    ]
    assert found == [(number, text, text) for number, text in sorted(parts.items())]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "parts must not be empty"),
        ([(0, "a")], "number 0"),
        ([(10_001, "a")], "number 10001"),
        ([(1, "a"), (2, "b"), (1, "c")], "number 1"),
    ],
)
def test_complete_refuses_what_s3_would(parts: list[tuple[int, str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_complete(parts)
