"""An endpoint that the caller names, instead of AWS's own."""

# Annotations are not postponed here, as in request.py.

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ...errors import EndpointError
from ...redaction import REDACTED, redact_text
from ..encoding import respelt_path
from .names import is_address, is_ipv4


class CustomEndpoint(NamedTuple):
    """The parts of a URL that endpoints are made of."""

    scheme: str
    authority: str
    path: str
    """As it was given."""
    is_address: bool
    """Whether the host is an IP address, before which no bucket can stand."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def with_host_prefix(self, prefix: str) -> str:
        """The URL with *prefix* and a dot before the host."""
        return f"{self.scheme}://{prefix}.{self.authority}{self.path}"

    def with_segment(self, segment: str) -> str:
        """The URL with *segment* at the end of its path; *segment* is percent-encoded."""
        path = respelt_path(self.path).rstrip("/")
        return f"{self.scheme}://{self.authority}{path}/{segment}"


def custom_endpoint(text: str) -> CustomEndpoint:
    """The endpoint that *text* means.

    Raises ``EndpointError`` for what is no http(s) URL, and for one with a query, with a user or
    with white space.
    """
    parts = _split(text)
    if parts is None:
        shown = re.sub(r"//[^/?#]*@", f"//{REDACTED}@", redact_text(text))
        raise EndpointError(f"Custom endpoint `{shown}` was not a valid URI")
    host = parts.hostname or ""
    return CustomEndpoint(parts.scheme, parts.netloc, parts.path, is_ipv4(host) or is_address(host))


def _split(text: str) -> SplitResult | None:
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        # urlsplit would take some of it out.
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    plain = parts.hostname and "@" not in parts.netloc and not parts.query
    return parts if plain and parts.scheme in ("http", "https") else None
