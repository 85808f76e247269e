"""The one description of a request: the faces make it, the pipeline sends it."""

# Annotations are not postponed here: those of named tuples would be compiled from text, one by
# one, whenever the package is imported.

from collections.abc import AsyncGenerator, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from multidict import CIMultiDict, CIMultiDictProxy


class Body(Protocol):
    """What a request sends. Made anew for each attempt by ``open``; see ``transport/source.py``."""

    @property
    def size(self) -> int:
        """Bytes that one attempt sends."""
        ...

    @property
    def replayable(self) -> bool:
        """Whether ``open`` can be called again after bytes were taken from it."""
        ...

    @property
    def reached(self) -> Callable[[int], None] | None:
        """Who is told how many bytes of an attempt were handed to the connection."""
        ...

    def open(self) -> AsyncGenerator[bytes | memoryview, None]:
        """The bytes of one attempt, from the first."""
        ...

    async def digest(self, algorithm: str) -> bytes | None:
        """The checksum of all bytes (``protocol/checksums.py`` has the names), or None where they
        cannot be read ahead."""
        ...


REQUIRED = "required"
"""A checksum without which S3 refuses the body; the host decides which one it is."""

_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class Request(NamedTuple):
    """One S3 request, before an endpoint or a signature is known.

    A tuple, since it is made for every request: a frozen dataclass takes 3 us longer. Name the
    fields when you make one.
    """

    method: str
    operation: str
    """S3's name of it (``PutObject``), for messages."""
    detail: str = ""
    """Which part or byte range of a transfer it is, for messages."""
    bucket: str = ""
    key: str | None = None
    """None addresses the bucket (or the service); an empty key ends the path with a slash."""
    query: tuple[tuple[str, str], ...] = ()
    """Decoded names and values; an empty value keeps its ``=``."""
    headers: CIMultiDict[str] | CIMultiDictProxy[str] = _NO_HEADERS
    body: Body | None = None
    content_sha256: str | None = None
    """The payload hash to sign, when the caller knows it (hex, or a word such as
    ``UNSIGNED-PAYLOAD``)."""
    calculate_sha256: bool | None = None
    """Overrides the client's ``calculate_content_sha256`` for this request."""
    checksum: bool | str = False
    """Whether a checksum may go with the body, where the client's settings want one; the name of
    an algorithm wants that one in any case, ``REQUIRED`` any one."""
    trailer: bool | None = None
    """Whether that checksum goes after the body, which is framed as ``aws-chunked`` then, and not
    in a header. None leaves it to the client's settings, and to whether the body can be read
    ahead."""
    idempotent: bool = True
    """Whether sending it twice has the effect of sending it once."""
    document: bool = False
    """Whether the answer is an XML document: it is read whole, and may be an error with a 200."""
    max_attempts: int | None = None
    """How often it may be sent; None is the client's setting."""
    path: str = ""
    """The percent-encoded path to use in the place of that of bucket and key: of operations whose
    paths are others. *key* is then what messages show."""
    host_prefix: str = ""
    """What goes before the host of *service*, its dot included."""
    service: str = "s3"
    """What it is signed for; on AWS another service has a host of its own."""
    expect: bool = True
    """Whether a large body may ask first (``Expect: 100-continue``)."""
    options: Mapping[str, Any] = _NO_OPTIONS
    """Keyword arguments for ``aiohttp.ClientSession.request``."""
