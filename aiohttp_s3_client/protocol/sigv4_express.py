"""SigV4 for directory buckets (S3 Express): signed with the credentials of a bucket's session.

The session's token goes under a name of its own, in headers, links and forms; all else is SigV4.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-create-session.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html
"""

from __future__ import annotations

from datetime import datetime

from .encoding import quote_query
from .sigv4 import SigV4Signer

_HEADER = "x-amz-s3session-token"
_PARAMETER = "X-Amz-S3session-Token"


class ExpressSigner(SigV4Signer):
    """Signs with the credentials of one session; raises ``ValueError`` where they lack a token."""

    __slots__ = ()

    def __init__(
        self,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
        *,
        region: str,
        service: str = "s3express",
    ) -> None:
        super().__init__(
            access_key_id, secret_access_key, session_token, region=region, service=service
        )
        if not session_token:
            raise ValueError("session_token is empty, and no session of S3 Express is without one")
        self._token = None  # Under the name that it has elsewhere S3 Express refuses it.
        self._own_headers = {_HEADER: session_token}
        self._own_query = f"&{_PARAMETER}={quote_query(session_token)}"

    def form_fields(self, now: datetime | None = None) -> dict[str, str]:
        return {**super().form_fields(now), _PARAMETER: self._own_headers[_HEADER]}
