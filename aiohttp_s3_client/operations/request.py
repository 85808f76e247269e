"""What is sent of one operation: its parameters, completed and put in their places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import Engine
from ..errors import ParamValidationError
from ..protocol.bucket_names import is_arn
from ..protocol.customs import completed
from ..protocol.model.shapes import Operation
from ..protocol.restxml.request import serialize
from ..request import Request
from .loading import link_model

_BUCKET = r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}"
"""What can be a segment of a path or a label of a host; the server knows the finer rules. Dots
alone would lead a proxy elsewhere: /../a is the bucket a."""


def is_bucket(name: str) -> bool:
    """Whether *name* can be asked for; which ARNs can is for the endpoint rules to say."""
    return is_arn(name) or re.fullmatch(_BUCKET, name) is not None


def with_bucket(engine: Engine, operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
    """*params* with the bucket that the client is bound to, where they leave it out."""
    given = dict(params)
    shape = operation.input
    if shape is None or "Bucket" not in shape.members:
        return given
    bucket = given.get("Bucket")
    if bucket is None and engine.endpoint.bucket:
        given["Bucket"] = engine.endpoint.bucket
    elif isinstance(bucket, str) and not is_bucket(bucket):
        raise ParamValidationError(
            operation.name, [f"Bucket: {bucket!r:.100} is not a bucket name"]
        )
    return given


def link_request(engine: Engine, name: str, params: Mapping[str, Any]) -> Request:
    """The request of the operation *name* for somebody else to send, who brings its body.

    Parameters and errors are those of ``Caller.call``, but for what is in the body: it may not be
    given, since no link holds it. Nothing is read or sent.
    """
    model = link_model()
    operation = model.operation(name)
    in_body: Sequence[str] = model.facts["operations"][name].get("body", ())
    if given := [member for member in in_body if params.get(member) is not None]:
        raise ParamValidationError(
            name, [f"{member} is for who uses the link to send" for member in given]
        )
    kept = {member: value for member, value in params.items() if member not in in_body}
    request = serialize(operation, completed(operation, with_bucket(engine, operation, kept)))
    # As clients write the host of a URL, which is signed.
    return request._replace(host_prefix=request.host_prefix.lower())
