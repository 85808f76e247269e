"""Where an ``HttpRequest`` goes: its ``Host`` and its path as our endpoint, bucket, key, query."""

from __future__ import annotations

import re
from typing import NamedTuple

from multidict import CIMultiDict

from ..config import AddressingStyle, ClientConfig
from ..protocol.base_url import resolve_base_url
from ..protocol.encoding import unquote, unquote_plus
from ..protocol.endpoint import Endpoint
from ..redaction import redact_text
from .http import HttpHeaders, RequestLike

_HOST = r"[A-Za-z0-9._~:\[\]-]+"
_METHOD = r"[A-Z]+"
_LENGTH = r"[0-9]{1,18}"
_MADE_ANEW = ("Host", "Content-Length", "Expect")
"""What every request that is sent gets its own of."""


class Target(NamedTuple):
    """What a request asks for. The headers are not shown: a customer's key may be in them."""

    method: str
    url: str
    """The scheme and the host."""
    style: AddressingStyle
    """Where the bucket stands."""
    bucket: str
    """Empty where a host of one's own may hold it: then the path alone is the key."""
    key: str | None
    query: tuple[tuple[str, str], ...]
    headers: CIMultiDict[str]
    content_length: int | None

    def __repr__(self) -> str:
        return f"Target({self.method} {self.url} bucket={self.bucket!r} key={self.key!r})"


def target_of(request: RequestLike, scheme: str, *, of_object: bool, express: bool) -> Target:
    """What *request*, which may have to be *of_object*, asks for over *scheme*.

    *express* says whether S3 Express is known.

    Raises ``ValueError`` for a request that names no host, or no path from the root, and
    ``TypeError`` for what is no request.
    """
    for name in ("method", "path", "headers", "body_stream"):
        if not hasattr(request, name):
            raise TypeError(f"request must be an HttpRequest, not {type(request).__name__}")
    method, path = request.method, request.path
    # Those of awscrt may hold what cannot be sent, and these tell what it is.
    headers = CIMultiDict(HttpHeaders(CIMultiDict(request.headers).items()))
    if not re.fullmatch(_METHOD, str(method)):
        raise ValueError(f"request: {method!r} is no method of HTTP")
    if not str(path).startswith("/"):
        raise ValueError(
            f"request: the path must begin with a slash, not be {redact_text(str(path))!r}"
        )
    host, length = headers.get("Host", ""), headers.get("Content-Length")
    if not re.fullmatch(_HOST, host):
        raise ValueError(f"request: it needs a Host header that names a host, not {host!r}")
    if length is not None and not re.fullmatch(_LENGTH, length):
        raise ValueError(f"request: Content-Length must be a number of bytes, not {length!r}")
    for name in _MADE_ANEW:
        headers.popall(name, None)
    raw_path, _, raw_query = path.partition("?")
    url = f"{scheme}://{host}"
    config = ClientConfig(
        addressing_style="path", legacy_bucket_names=True, enable_s3express=express
    )
    endpoint = resolve_base_url(url, config=config)
    bucket, key = _located(endpoint, unquote(raw_path), of_object=of_object)
    return Target(
        method,
        url,
        # The URL has no path: a bucket that it names is in its host.
        "virtual" if endpoint.bucket else "path",
        bucket,
        key,
        tuple(_pair(text) for text in raw_query.split("&") if text),
        headers,
        None if length is None else int(length),
    )


def _located(endpoint: Endpoint, name: str, *, of_object: bool) -> tuple[str, str | None]:
    """Bucket and key of the path *name*. Elsewhere than at AWS the host may stand for a bucket of
    any name; the path is the same either way."""
    if endpoint.is_aws:
        return endpoint.locate(name)
    try:
        bucket, key = endpoint.locate(name)
    except ValueError:
        return "", name[1:]
    return ("", bucket) if of_object and key is None and bucket else (bucket, key)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return unquote_plus(name), unquote_plus(value)
