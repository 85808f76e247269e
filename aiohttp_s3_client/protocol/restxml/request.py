"""An operation and its parameters as the one request that the pipeline sends."""

from __future__ import annotations

import json
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from multidict import CIMultiDict

from ...request import REQUIRED, Request
from ..body import DocumentBody
from ..bucket_names import is_arn
from ..checksums import algorithm_of
from ..encoding import quote_path, quote_query, unquote
from ..header_values import metadata_value
from ..model.shapes import Operation, Shape, labels
from ..operations import is_idempotent
from ..sigv4 import UNSIGNED_PAYLOAD
from ..timestamps import formatted_seconds
from .document import document, text
from .validation import check

_BUCKET = "/{Bucket}"
_KEY = "/{Bucket}/{Key+}"
_METADATA = "x-amz-meta-"
_CONTENT_TYPE = "Content-Type"
_XML = "application/xml"
_CONTENT_MD5 = "content-md5"


class _Places(NamedTuple):
    """Where parameters go."""

    labels: dict[str, str]
    query: list[tuple[str, str]]
    more_query: list[tuple[str, str]]
    """What gives way to a pair of the same name in ``query``."""
    headers: CIMultiDict[str]
    more_headers: list[tuple[str, str]]
    body: dict[str, object]


def serialize(operation: Operation, params: Mapping[str, object]) -> Request:
    """The request of *operation* with *params*, by boto3's names.

    A parameter that is None, at any depth of structures, counts as not given (boto3 refuses it).
    The body of an operation that streams may be left out, to be sent in another form; bytes-like
    objects and strings are taken. Raises ``ParamValidationError`` with everything that is wrong.
    """
    check(operation, params)
    shape = operation.input
    places = _Places({}, list(operation.query), [], CIMultiDict(), [], {})
    body: DocumentBody | None = None
    if shape is not None:
        given = params
        if shape.tokens:
            fresh = {name: str(uuid.uuid4()) for name in shape.tokens if params.get(name) is None}
            given = {**params, **fresh}
        _place(shape, given, places)
        body = _body(shape, places)
    headers = places.headers
    query = places.query
    if places.more_query:
        taken = {name for name, _ in query}
        query += [pair for pair in places.more_query if pair[0] not in taken]
    template, values = operation.path, places.labels
    path = ""
    # What other services call Bucket may hold a slash, which is no place of a path to end at; in
    # S3 an access point's ARN does.
    is_bucket = template in (_KEY, _BUCKET) and (
        "/" not in values["Bucket"] or is_arn(values["Bucket"])
    )
    if is_bucket:
        bucket, key = values["Bucket"], values["Key"] if template == _KEY else None
    elif template == "/":
        bucket, key = "", None
    else:
        path = _expanded(template, values)
        bucket, key = "", unquote(path[1:])
    return Request(
        method=operation.method,
        operation=operation.name,
        bucket=bucket,
        key=key,
        query=tuple(query),
        headers=headers,
        body=body,
        content_sha256=UNSIGNED_PAYLOAD if operation.unsigned_payload else None,
        checksum=_checksum(operation, params, headers),
        idempotent=is_idempotent(operation.method, operation.name),
        document=not operation.streams,
        path=path,
        host_prefix=_host_prefix(operation, params) if operation.host_prefix else "",
        service=operation.service,
    )


def _place(shape: Shape, params: Mapping[str, object], places: _Places) -> None:
    members = shape.members
    for name, value in params.items():
        if value is None:
            continue
        member = members[name]
        location = member.location
        if location == "header":
            if member.kind == "string" and not member.json:
                places.headers[member.name] = text(member, value)
            elif value or member.kind != "list":
                places.headers[member.name] = _header(member, value)
        elif location == "uri":
            places.labels[member.name] = text(member, value)
        elif location == "querystring":
            _into_query(member, value, places)
        elif location == "headers":
            _into_headers(member, value, places)
        else:
            places.body[name] = value
    for called, line in places.more_headers:
        places.headers.setdefault(called, line)


def _header(shape: Shape, value: Any) -> str:
    if shape.json:
        return b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()
    if shape.kind == "list":
        item = shape.item
        if item.kind == "string":
            return ",".join([_quoted(text(item, given)) for given in value])
        return ",".join([_header(item, given) for given in value])
    if shape.kind == "timestamp":
        return formatted_seconds(value, shape.time or "rfc822")
    return text(shape, value)


def _quoted(item: str) -> str:
    if "," in item or '"' in item:
        return '"' + item.replace('"', '\\"') + '"'
    return item


def _into_headers(shape: Shape, value: Any, places: _Places) -> None:
    prefix, held = shape.name, shape.value
    for name, given in value.items():
        line = text(held, given)
        if prefix == _METADATA:
            line = metadata_value(f"Metadata {name!r}", line)
        places.more_headers.append((prefix + name, line))


def _into_query(shape: Shape, value: Any, places: _Places) -> None:
    if shape.kind == "map":
        held = shape.value
        for name, given in value.items():
            places.more_query.extend((name, line) for line in _lines(held, given))
    else:
        places.query.extend((shape.name, line) for line in _lines(shape, value))


def _lines(shape: Shape, value: Any) -> Sequence[str]:
    if shape.kind == "list":
        return [text(shape.item, given) for given in value]
    return (text(shape, value),)


def _body(shape: Shape, places: _Places) -> DocumentBody | None:
    if shape.payload:
        member = shape.members[shape.payload]
        value: Any = places.body.get(shape.payload)
        if value is None:
            return None
        if member.kind in {"string", "blob"}:
            return DocumentBody(value.encode() if isinstance(value, str) else bytes(value))
        data = document(member, value)
    elif places.body:
        data = document(shape, places.body)
    else:
        return None
    places.headers.setdefault(_CONTENT_TYPE, _XML)
    return DocumentBody(data)


def _checksum(
    operation: Operation, params: Mapping[str, object], headers: CIMultiDict[str]
) -> bool | str:
    if not (operation.checksum_algorithm or operation.checksum_required):
        return False
    if any(algorithm_of(header.lower()) for header in headers):
        return False
    algorithm = params.get(operation.checksum_algorithm)
    if isinstance(algorithm, str):
        # Also beside an MD5: S3 refuses an algorithm whose checksum does not come.
        return algorithm.upper()
    if _CONTENT_MD5 in headers:
        return False
    return REQUIRED if operation.checksum_required else True


def _expanded(template: str, values: Mapping[str, str]) -> str:
    for label, greedy in labels(template):
        value = values[label]
        template = template.replace(
            f"{{{label}+}}" if greedy else f"{{{label}}}",
            quote_path(value) if greedy else quote_query(value),
        )
    return template


def _host_prefix(operation: Operation, params: Mapping[str, object]) -> str:
    prefix = operation.host_prefix
    for label in operation.labels:
        prefix = prefix.replace(f"{{{label}}}", str(params[label]))
    return prefix
