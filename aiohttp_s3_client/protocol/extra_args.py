"""boto3's ``ExtraArgs`` as the headers and query parameters of S3's requests.

The names are those of boto3's ``ALLOWED_UPLOAD_ARGS``, ``ALLOWED_DOWNLOAD_ARGS`` and
``ALLOWED_COPY_ARGS``, and ``IfMatch`` and ``IfNoneMatch`` for all three. ``_FACTS`` says how each
is spelt on the wire; everything else here follows from that spelling.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

# Annotations are not postponed here: those of named tuples would be compiled from text, one by
# one, whenever the package is imported.

from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal, NamedTuple

from multidict import CIMultiDict

from .checksums import algorithm_of
from .header_values import (
    customer_key,
    http_date,
    integer,
    iso_date,
    metadata_name,
    metadata_value,
    text,
    word,
)

ExtraArgs = Mapping[str, object] | None
Call = Literal["upload", "download", "copy"]

_COPY_SOURCE = "x-amz-copy-source-"
_METADATA_DIRECTIVE = "x-amz-metadata-directive"
_TAGGING_DIRECTIVE = "x-amz-tagging-directive"
_ANNOTATION_DIRECTIVE = "x-amz-object-annotation-directive"
_DIRECTIVES = (_METADATA_DIRECTIVE, _TAGGING_DIRECTIVE, _ANNOTATION_DIRECTIVE)
_ALGORITHM = "x-amz-checksum-algorithm"
_ALGORITHM_OF_PUT = "x-amz-sdk-checksum-algorithm"
_CHECKSUM_TYPE = "x-amz-checksum-type"
_ONLY_IN_PARTS = (_CHECKSUM_TYPE, "x-amz-mp-object-size")
_METADATA_HEADERS = ("cache-control", "content-", "expires", "x-amz-meta-")
"""What CopyObject takes from the source, unless the metadata directive says REPLACE."""

_UPLOAD: frozenset[Call] = frozenset({"upload"})
_DOWNLOAD: frozenset[Call] = frozenset({"download"})
_COPY: frozenset[Call] = frozenset({"copy"})
_STORED = _UPLOAD | _COPY
_ALL = _UPLOAD | _DOWNLOAD | _COPY


class _Fact(NamedTuple):
    wire: str
    """The header's name; of ``VersionId`` the query parameter's, of ``Metadata`` the prefix."""
    calls: frozenset[Call]
    convert: Callable[[str, object], str] = text
    """From the argument's name and value to the header's value."""


_FACTS = {
    "ACL": _Fact("x-amz-acl", _STORED),
    "AnnotationDirective": _Fact(_ANNOTATION_DIRECTIVE, _COPY),
    "CacheControl": _Fact("Cache-Control", _STORED),
    "ChecksumAlgorithm": _Fact(_ALGORITHM, _STORED, word),
    "ChecksumCRC32": _Fact("x-amz-checksum-crc32", _UPLOAD),
    "ChecksumCRC32C": _Fact("x-amz-checksum-crc32c", _UPLOAD),
    "ChecksumCRC64NVME": _Fact("x-amz-checksum-crc64nvme", _UPLOAD),
    "ChecksumMD5": _Fact("x-amz-checksum-md5", _UPLOAD),
    "ChecksumMode": _Fact("x-amz-checksum-mode", _DOWNLOAD),
    "ChecksumSHA1": _Fact("x-amz-checksum-sha1", _UPLOAD),
    "ChecksumSHA256": _Fact("x-amz-checksum-sha256", _UPLOAD),
    "ChecksumSHA512": _Fact("x-amz-checksum-sha512", _UPLOAD),
    "ChecksumType": _Fact(_CHECKSUM_TYPE, _UPLOAD),
    "ChecksumXXHASH128": _Fact("x-amz-checksum-xxhash128", _UPLOAD),
    "ChecksumXXHASH3": _Fact("x-amz-checksum-xxhash3", _UPLOAD),
    "ChecksumXXHASH64": _Fact("x-amz-checksum-xxhash64", _UPLOAD),
    "ContentDisposition": _Fact("Content-Disposition", _STORED),
    "ContentEncoding": _Fact("Content-Encoding", _STORED),
    "ContentLanguage": _Fact("Content-Language", _STORED),
    "ContentType": _Fact("Content-Type", _STORED),
    "CopySourceIfMatch": _Fact("x-amz-copy-source-if-match", _COPY),
    "CopySourceIfModifiedSince": _Fact("x-amz-copy-source-if-modified-since", _COPY, http_date),
    "CopySourceIfNoneMatch": _Fact("x-amz-copy-source-if-none-match", _COPY),
    "CopySourceIfUnmodifiedSince": _Fact("x-amz-copy-source-if-unmodified-since", _COPY, http_date),
    "CopySourceSSECustomerAlgorithm": _Fact(
        "x-amz-copy-source-server-side-encryption-customer-algorithm", _COPY
    ),
    "CopySourceSSECustomerKey": _Fact(
        "x-amz-copy-source-server-side-encryption-customer-key", _COPY
    ),
    "CopySourceSSECustomerKeyMD5": _Fact(
        "x-amz-copy-source-server-side-encryption-customer-key-MD5", _COPY
    ),
    "ExpectedBucketOwner": _Fact("x-amz-expected-bucket-owner", _ALL),
    "Expires": _Fact("Expires", _STORED, http_date),
    "GrantFullControl": _Fact("x-amz-grant-full-control", _STORED),
    "GrantRead": _Fact("x-amz-grant-read", _STORED),
    "GrantReadACP": _Fact("x-amz-grant-read-acp", _STORED),
    "GrantWriteACP": _Fact("x-amz-grant-write-acp", _STORED),
    "IfMatch": _Fact("If-Match", _ALL),
    "IfNoneMatch": _Fact("If-None-Match", _ALL),
    "Metadata": _Fact("x-amz-meta-", _STORED, metadata_value),
    "MetadataDirective": _Fact(_METADATA_DIRECTIVE, _COPY),
    "MpuObjectSize": _Fact("x-amz-mp-object-size", _UPLOAD, integer),
    "ObjectLockLegalHoldStatus": _Fact("x-amz-object-lock-legal-hold", _STORED),
    "ObjectLockMode": _Fact("x-amz-object-lock-mode", _STORED),
    "ObjectLockRetainUntilDate": _Fact("x-amz-object-lock-retain-until-date", _STORED, iso_date),
    "RequestPayer": _Fact("x-amz-request-payer", _ALL),
    "SSECustomerAlgorithm": _Fact("x-amz-server-side-encryption-customer-algorithm", _ALL),
    "SSECustomerKey": _Fact("x-amz-server-side-encryption-customer-key", _ALL),
    "SSECustomerKeyMD5": _Fact("x-amz-server-side-encryption-customer-key-MD5", _ALL),
    "SSEKMSEncryptionContext": _Fact("x-amz-server-side-encryption-context", _STORED),
    "SSEKMSKeyId": _Fact("x-amz-server-side-encryption-aws-kms-key-id", _STORED),
    "ServerSideEncryption": _Fact("x-amz-server-side-encryption", _STORED),
    "StorageClass": _Fact("x-amz-storage-class", _STORED),
    "Tagging": _Fact("x-amz-tagging", _STORED),
    "TaggingDirective": _Fact(_TAGGING_DIRECTIVE, _COPY),
    "VersionId": _Fact("versionId", _DOWNLOAD),
    "WebsiteRedirectLocation": _Fact("x-amz-website-redirect-location", _STORED),
}


class Translated(NamedTuple):
    """Extra arguments as they are sent. The dicts are new ones, to be added to at will.

    They are not shown, since a customer's key may be in them.
    """

    headers: CIMultiDict[str]
    """Of the one request that does it all: PutObject, GetObject (and HeadObject)."""
    query: tuple[tuple[str, str], ...]
    """Of that same request."""
    multipart: CIMultiDict[str]
    """Of a multipart upload instead. ``upload_headers.py`` sorts them by its requests."""
    checksum_algorithm: str | None
    """The algorithm that was asked for by name, or by a checksum of the whole object: what the
    sender computes of each part, and of the whole where *headers* do not hold it. Announced alone
    (``x-amz-sdk-checksum-algorithm``), without the checksum, it is refused by S3."""

    def __repr__(self) -> str:
        return f"Translated(query={self.query!r}, checksum_algorithm={self.checksum_algorithm!r})"


class TranslatedCopy(NamedTuple):
    """Extra arguments of a copy, likewise new ones and not shown."""

    headers: CIMultiDict[str]
    """Of CopyObject, which does it all."""
    multipart: CIMultiDict[str]
    """Of a multipart upload instead: what is said of the destination."""
    part: CIMultiDict[str]
    """Of UploadPartCopy about its source, besides what a part has from *multipart*."""
    source: CIMultiDict[str]
    """Of the HeadObject that asks for the source's size. S3 answers an unmet ``If-None-Match`` or
    ``If-Modified-Since`` there with 304, where CopyObject says 412."""
    source_tagging: CIMultiDict[str]
    """Of GetObjectTagging for the source, which knows neither conditions nor customer keys."""
    keeps_metadata: bool
    """Whether the source's metadata is kept (``MetadataDirective`` is not REPLACE). What was given
    instead is left out of *multipart* then, as CopyObject ignores it."""
    keeps_tags: bool
    """Likewise for ``TaggingDirective``."""
    copies_annotations: bool
    """Whether ``AnnotationDirective`` is COPY; a multipart copy has no header that says so."""

    def __repr__(self) -> str:
        return (
            f"TranslatedCopy(keeps_metadata={self.keeps_metadata}, keeps_tags={self.keeps_tags}, "
            f"copies_annotations={self.copies_annotations})"
        )


def upload_args(extra_args: ExtraArgs) -> Translated:
    """The arguments of an upload.

    Raises ``ValueError`` for names that uploads do not take and for values that HTTP cannot
    carry, ``TypeError`` for values of the wrong type.
    """
    return upload_of(*_translate("upload", extra_args))


def upload_of(headers: CIMultiDict[str], query: tuple[tuple[str, str], ...] = ()) -> Translated:
    """The arguments of an upload that are headers already: of PutObject, or of an upload's
    creation. They are changed."""
    announced = headers.pop(_ALGORITHM_OF_PUT, None)
    if announced is not None:
        headers.setdefault(_ALGORITHM, announced)
    multipart = headers.copy()
    algorithm = headers.pop(_ALGORITHM, None)
    if algorithm is not None:
        headers[_ALGORITHM_OF_PUT] = algorithm
    for name in _ONLY_IN_PARTS:
        headers.popall(name, None)
    if of_whole := _algorithm_of_whole(multipart):
        # S3 compares a checksum of the whole object only with one of its own of the same kind.
        multipart[_ALGORITHM], multipart[_CHECKSUM_TYPE] = of_whole, "FULL_OBJECT"
        algorithm = of_whole
    return Translated(
        headers=headers, query=query, multipart=multipart, checksum_algorithm=algorithm
    )


def download_args(extra_args: ExtraArgs) -> Translated:
    """The arguments of a download, for each of its requests. Raises as ``upload_args``."""
    headers, query = _translate("download", extra_args)
    return Translated(
        headers=headers, query=query, multipart=CIMultiDict(), checksum_algorithm=None
    )


def copy_args(extra_args: ExtraArgs) -> TranslatedCopy:
    """The arguments of a copy. Raises as ``upload_args``."""
    headers, _ = _translate("copy", extra_args)
    keeps_metadata = headers.get(_METADATA_DIRECTIVE) != "REPLACE"
    keeps_tags = headers.get(_TAGGING_DIRECTIVE) != "REPLACE"
    multipart, part, source = _headers_of_copies(headers, keeps_metadata, keeps_tags)
    paid = ((name, value) for name, value in source.items() if name == "x-amz-request-payer")
    return TranslatedCopy(
        headers=headers,
        multipart=multipart,
        part=part,
        source=source,
        source_tagging=CIMultiDict(paid),
        keeps_metadata=keeps_metadata,
        keeps_tags=keeps_tags,
        copies_annotations=headers.get(_ANNOTATION_DIRECTIVE) == "COPY",
    )


@cache
def allowed(call: Call) -> frozenset[str]:
    """The names that a *call* takes."""
    return frozenset(name for name, fact in _FACTS.items() if call in fact.calls)


def _translate(
    call: Call, extra_args: ExtraArgs
) -> tuple[CIMultiDict[str], tuple[tuple[str, str], ...]]:
    if not isinstance(extra_args, Mapping | None):
        raise TypeError(f"extra_args must be a mapping, not {type(extra_args).__name__}")
    given = dict(extra_args or {})
    _refuse_unknown(call, given)
    for prefix in ("SSECustomer", "CopySourceSSECustomer"):
        key, md5 = f"{prefix}Key", f"{prefix}KeyMD5"
        if key in given and md5 not in given:  # With its MD5 it is encoded already.
            given[key], given[md5] = customer_key(key, given[key])
    headers: CIMultiDict[str] = CIMultiDict()
    query: list[tuple[str, str]] = []
    for name, value in given.items():
        fact = _FACTS[name]
        if name == "Metadata":
            _add_metadata(headers, fact, value)
        elif name == "VersionId":
            query.append((fact.wire, fact.convert(name, value)))
        else:
            headers[fact.wire] = fact.convert(name, value)
    return headers, tuple(query)


def _refuse_unknown(call: Call, given: Mapping[str, object]) -> None:
    unknown = [name for name in given if name not in allowed(call)]
    if not unknown:
        return
    a = "an" if call == "upload" else "a"
    elsewhere = [
        f"{name} is for {' and '.join(sorted(_FACTS[name].calls))} alone"
        for name in unknown
        if name in _FACTS
    ]
    raise ValueError(
        f"extra_args: {', '.join(map(repr, unknown))} not allowed for {a} {call}"
        + (f" ({'; '.join(elsewhere)})" if elsewhere else "")
    )


def _add_metadata(headers: CIMultiDict[str], fact: _Fact, metadata: object) -> None:
    if not isinstance(metadata, Mapping):
        raise TypeError(f"Metadata must be a mapping of str to str, not {metadata!r}")
    for name, value in metadata.items():
        header = fact.wire + metadata_name(name)
        if header in headers:
            raise ValueError(f"Metadata: {name!r} is there twice; its case makes no difference")
        headers[header] = fact.convert(f"Metadata[{name!r}]", value)


def _algorithm_of_whole(headers: CIMultiDict[str]) -> str | None:
    """The algorithm of the whole object's checksum, where one is given."""
    return next(filter(None, map(algorithm_of, headers)), None)


def _headers_of_copies(
    headers: CIMultiDict[str], keeps_metadata: bool, keeps_tags: bool
) -> tuple[CIMultiDict[str], CIMultiDict[str], CIMultiDict[str]]:
    """CopyObject's headers as those of a multipart upload, of UploadPartCopy, and of a HEAD."""
    multipart: CIMultiDict[str] = CIMultiDict()
    part: CIMultiDict[str] = CIMultiDict()
    source: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if name.startswith(_COPY_SOURCE):
            part[name] = value
            of_source = name.removeprefix(_COPY_SOURCE)
            source[of_source if of_source.startswith("if-") else f"x-amz-{of_source}"] = value
            continue
        if name == "x-amz-request-payer":
            source[name] = value
        unwanted = (
            name in _DIRECTIVES
            or (keeps_metadata and name.lower().startswith(_METADATA_HEADERS))
            or (keeps_tags and name == "x-amz-tagging")
        )
        if not unwanted:
            multipart[name] = value
    return multipart, part, source
