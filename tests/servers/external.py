"""A server of the user's own: ``S3_URL=http://key:secret@host:port/bucket make test``."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from .base import ServerInfo

NAME = "external"


def external_info() -> ServerInfo | None:
    """What ``S3_URL`` says, or None where it is not set.

    Key and secret stand percent-encoded in the URL. Its path, if it has one, is the bucket to
    work in. ``S3_REGION`` and ``S3_CA_FILE`` say what a URL cannot. Raises ``ValueError``.
    """
    text = os.environ.get("S3_URL", "")
    if not text:
        return None
    parts = urlsplit(text)
    if not (parts.hostname and parts.username and parts.password):
        raise ValueError("S3_URL must look like http://key:secret@host:port/bucket")
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return ServerInfo(
        NAME,
        f"{parts.scheme}://{host}{port}",
        unquote(parts.username),
        unquote(parts.password),
        region=os.environ.get("S3_REGION", "us-east-1"),
        ca_file=os.environ.get("S3_CA_FILE"),
        bucket=unquote(parts.path.strip("/")) or None,
    )
