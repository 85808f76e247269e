"""What others may do without any keys, for some time: links, and forms for uploads.

Nothing is sent or read here. All of it is signed with the credentials at hand, for the region that
is known of the bucket, by the clock that requests are signed by.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Unpack

from yarl import URL

from .arguments import (
    Headers,
    Params,
    bound_place,
    locate,
    merged_headers,
    object_name_of,
    query_pairs,
)
from .boto_names import Given
from .engine import Engine
from .errors import CredentialsError
from .models import CredentialsSnapshot, PresignedPost
from .operations.request import link_request
from .protocol.auth import EXPRESS, Auth
from .protocol.base_url import named_by_host
from .protocol.encoding import encode_query, respelt_path, unquote
from .protocol.endpoint import Address
from .protocol.model.names import OPERATIONS
from .protocol.operations import operation_name
from .protocol.post_policy import Condition, signed_form
from .protocol.sigv4 import UNSIGNED_PAYLOAD, SigV4Signer, whole_seconds

if TYPE_CHECKING:
    from .boto_names import PostNames, UrlNames

_HOUR = 60 * 60


class Presigning:
    """Links and forms that end by themselves."""

    _engine: Engine

    def presign_url(
        self,
        method: str,
        url: str | PurePath | URL,
        headers: Headers = None,
        content_sha256: str | None = None,
        expires: int | timedelta = 86400,
        *,
        params: Params = None,
    ) -> URL:
        """A link that anybody may use for *expires* seconds (1 to 604,800).

        *url* as a str is an object name, taken literally (``?``, ``#`` and ``%`` belong to it);
        only a ``yarl.URL`` is a URL. *headers* have to be sent by whoever uses the link.
        Synchronous: it signs with the credentials at hand, so after ``await
        client.resolve_credentials()`` where they come from a file, and for a directory bucket
        (S3 Express) after ``await client.resolve_credentials(bucket=…)``. Credentials that end
        earlier end the link too, with a ``UserWarning``.

        Raises ``CredentialsError`` where none are at hand or they have ended, ``ValueError`` for
        an expiry out of bounds and for anonymous credentials.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        """
        engine = self._engine
        seconds = whole_seconds("expires", expires)
        own = _own_credentials(engine)
        routes = engine.routes(own)
        if isinstance(url, URL) and params:
            raise ValueError("params: put them into the URL that is to be signed")
        bucket = ""
        if isinstance(url, URL) and url.absolute:
            path = respelt_path(url.raw_path) or "/"
            query, route = url.raw_query_string, routes.default
            bucket, auth = named_by_host(url.host or "", route.region, engine.config)
            place = Address(url.scheme, url.host_port_subcomponent or "", path, auth)
        else:
            if isinstance(url, URL):
                name, query = unquote(url.raw_path), url.raw_query_string
                pairs = tuple(url.query.items())
            else:
                name, pairs = object_name_of(url), query_pairs(params)
                query = encode_query(pairs)
            bucket, key = locate(engine.endpoint, name, query)
            route = routes.of(bucket)
            operation = operation_name(method, bool(key), pairs, merged_headers(headers))
            place = route.to(bucket, key, operation)
        auth = route.auth(place)
        signer, now, seconds = _terms(engine, own, bucket, auth, "expires", seconds)
        return signer.presign_parts(
            method,
            place.scheme,
            place.authority,
            place.path,
            query,
            merged_headers(headers) if headers else None,
            expires=seconds,
            payload_hash=content_sha256 or UNSIGNED_PAYLOAD,
            now=now,
        )

    def generate_presigned_url(
        self,
        client_method: str | None = None,
        params: Mapping[str, Any] | None = None,
        expires_in: int | timedelta = _HOUR,
        http_method: str | None = None,
        **boto: Unpack[UrlNames],
    ) -> str:
        """A link by which anybody may call one of S3's operations for *expires_in* seconds.

        :param client_method: the operation under boto3's name: ``"put_object"``.
        :param params: its parameters as ``client.api`` takes them, but for what is in the body,
            which whoever uses the link sends. What goes into headers (``ContentType``,
            ``SSECustomerKey``, ``ChecksumSHA256``, …) is signed, so has to be sent with the link.
        :param expires_in: 1 to 604,800 s, or a ``timedelta``.
        :param http_method: another verb than the operation's own.

        Synchronous, and with the credentials at hand, as ``presign_url``, which says what is
        raised; also ``ParamValidationError``.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
        """
        given = Given(
            boto,
            client_method=client_method,
            params=params,
            expires_in=None if expires_in is _HOUR else expires_in,
            http_method=http_method,
        )
        engine = self._engine
        name, asked = given.needed("client_method"), given.optional("params", {})
        if not isinstance(name, str) or name not in OPERATIONS:
            raise ValueError(f"client_method: S3 has no operation {name!r}")
        if not isinstance(asked, Mapping):
            raise TypeError(f"params must be a mapping, not {type(asked).__name__}")
        request = link_request(engine, OPERATIONS[name], asked)
        verb = given.optional("http_method", request.method)
        if not isinstance(verb, str):
            raise TypeError(f"http_method must be a str, not {verb!r}")
        seconds = whole_seconds("expires_in", given.optional("expires_in", _HOUR))
        own = _own_credentials(engine)
        route = engine.routes(own).of(request.bucket)
        place = route.address(request)
        auth = route.auth(place, request.service)
        signer, now, seconds = _terms(engine, own, request.bucket, auth, "expires_in", seconds)
        url = signer.presign_parts(
            verb,
            place.scheme,
            place.authority,
            place.path,
            encode_query(request.query),
            request.headers,
            expires=seconds,
            now=now,
        )
        return str(url)

    def generate_presigned_post(
        self,
        bucket: str | None = None,
        key: str | None = None,
        fields: Mapping[str, str] | None = None,
        conditions: Sequence[Condition] | None = None,
        expires_in: int | timedelta = _HOUR,
        **boto: Unpack[PostNames],
    ) -> PresignedPost:
        """A form by which anybody may upload an object for *expires_in* seconds.

        Post all ``fields`` and, last of all, the ``file`` to ``url``, as multipart/form-data.

        :param key: with ``${filename}`` in it, everything may follow from there on; S3 puts the
            name of the posted file there.
        :param fields: what is sent besides: ``{"acl": "public-read"}``. One that no condition
            names has to be sent exactly so.
        :param conditions: what the form may send: ``{"acl": "public-read"}``,
            ``["starts-with", "$Content-Type", "image/"]``, ``["content-length-range", 10, 100]``
            (bytes). Bucket and key have theirs.

        Synchronous, and with the credentials at hand, as ``presign_url``, which says what is
        raised; also ``ValueError`` for fields and conditions that no form could meet. A *key* is
        relative to the client's URL, as in ``upload_file``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
        """
        given = Given(
            boto,
            bucket=bucket,
            key=key,
            fields=fields,
            conditions=conditions,
            expires_in=None if expires_in is _HOUR else expires_in,
        )
        engine = self._engine
        name, within = bound_place(engine.endpoint, given.bucket, given.key)
        seconds = whole_seconds("expires_in", given.optional("expires_in", _HOUR))
        own = _own_credentials(engine)
        route = engine.routes(own).of(name)
        place = route.to(name, None)
        auth = route.auth(place)
        signer, now, seconds = _terms(engine, own, name, auth, "expires_in", seconds)
        signed = signed_form(
            signer,
            name,
            within,
            given.optional("fields", {}),
            given.optional("conditions", ()),
            seconds=seconds,
            now=now,
        )
        return {"url": str(place.url()), "fields": signed}


def _own_credentials(engine: Engine) -> CredentialsSnapshot:
    snapshot = engine.credentials.at_hand()
    if snapshot.anonymous:
        raise ValueError("presigning: anonymous credentials sign nothing")
    return snapshot


def _terms(
    engine: Engine,
    own: CredentialsSnapshot,
    bucket: str,
    auth: Auth,
    argument: str,
    seconds: int,
) -> tuple[SigV4Signer, datetime, int]:
    """What signs, the time, and for how many seconds: not past the credentials' end."""
    snapshot = own if auth.scheme != EXPRESS else engine.express_session(bucket).at_hand()
    now = engine.pipeline.clock.now()
    if snapshot.expires_at is not None:
        left = (snapshot.expires_at - now) // timedelta(seconds=1)
        if left < 1:
            raise CredentialsError(
                f"the credentials at hand ended at {snapshot.expires_at:%Y-%m-%d %H:%M:%S%z}; call "
                "`await client.resolve_credentials()` first"
            )
        if left < seconds:
            warnings.warn(
                f"{argument}: {seconds} s are wanted, but the credentials end in {left} s and what "
                "they sign ends with them",
                stacklevel=3,
            )
            seconds = left
    return engine.pipeline.signers.at_hand(snapshot, auth), now, seconds
