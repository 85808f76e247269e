"""A zone of S3 Express on the scripted server: hands out sessions and judges who uses them.

``Zone`` is a step for ``scripted(rest=zone)``. Its answers are made by nothing of ours: signatures
are computed anew from what arrived.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from .steps import Recorded, Step, reply

BASE_KEY = "AKIDBASEEXAMPLE"
BASE_SECRET = "the-secret-of-the-account"
LIFE = 300.0
"""Seconds that a session lives, as at AWS."""


class Session(NamedTuple):
    """What was handed out for a bucket."""

    bucket: str
    key: str
    secret: str
    token: str
    ends_at: datetime


class Zone:
    """Answers CreateSession with sessions, and everything else with 200 to who has a valid one.

    ``offset`` is how far its clock is ahead of this machine's. ``refusal`` is a status and code for
    CreateSession, ``expired_code`` what is said of a session that has ended, ``delay`` the seconds
    that CreateSession takes, ``document`` what it answers instead.
    """

    def __init__(self, keys: dict[str, str] | None = None) -> None:
        self.keys = keys or {BASE_KEY: BASE_SECRET}
        self.offset = timedelta()
        self.life = LIFE
        self.delay = 0.0
        self.refusal: tuple[int, str] | None = None
        self.expired_code = "ExpiredToken"
        self.document: str | None = None
        self.dated = True
        self.answer: Step | None = None
        """To good requests; an empty 200 unless given."""
        self.sessions: list[Session] = []
        self.asked: list[Recorded] = []
        """The requests for sessions."""
        self.served: list[tuple[Recorded, Session | None]] = []
        """All other requests that were good, and the session of each, where they have one."""
        self.refused: list[str] = []
        """The codes of all that were not."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def revoke(self) -> None:
        """All sessions end now, whatever was said when they were handed out."""
        self.sessions = [each._replace(ends_at=self.now) for each in self.sessions]

    @property
    def used(self) -> list[str]:
        """The tokens that the requests which were served came with, in turn."""
        return [session.token for _, session in self.served if session is not None]

    def __call__(self, request: Recorded) -> Step:
        bucket = unquote(urlsplit(request.target).path).split("/")[1]
        query = dict(parse_qsl(urlsplit(request.target).query, True))
        if "session" in query:
            self.asked.append(request)
            return self._create(request, bucket)
        if request.header("Authorization") is None and "X-Amz-Signature" not in query:
            return self._serve(request, None)
        if request.header("x-amz-copy-source") is not None:
            return self._copy(request)
        token = request.header("x-amz-s3session-token") or query.get("X-Amz-S3session-Token")
        session = next((each for each in self.sessions if each.token == token), None)
        if session is None or session.bucket != bucket:
            return self._error(400, "InvalidToken")
        if request.header("x-amz-security-token") is not None:
            return self._error(400, "InvalidArgument")
        if self.now >= session.ends_at:
            return self._error(400, self.expired_code)
        if not self._signed(request, query, session.key, session.secret):
            return self._error(403, "SignatureDoesNotMatch")
        return self._serve(request, session)

    def _serve(self, request: Recorded, session: Session | None) -> Step:
        self.served.append((request, session))
        return self._reply(200) if self.answer is None else self.answer

    def _copy(self, request: Recorded) -> Step:
        """Copies are not authorised by a session."""
        key, secret = next(iter(self.keys.items()))
        token = request.header("x-amz-s3session-token")
        if token is not None or not self._signed(request, {}, key, secret):
            return self._error(403, "AccessDenied")
        return self._serve(request, None)

    def _create(self, request: Recorded, bucket: str) -> Step:
        credential = re.search("Credential=([^/]+)/", request.header("Authorization") or "")
        key = credential[1] if credential else ""
        if request.header("x-amz-s3session-token") is not None or key not in self.keys:
            return self._error(403, "InvalidAccessKeyId", delay=self.delay)
        if not self._signed(request, {}, key, self.keys[key]):
            return self._error(403, "SignatureDoesNotMatch", delay=self.delay)
        if self.refusal is not None:
            return self._error(*self.refusal, delay=self.delay)
        if self.document is not None:
            return self._reply(200, self.document, delay=self.delay)
        number = len(self.sessions) + 1
        session = Session(
            bucket,
            f"ASIASESSION{number}",
            f"session-secret-{number}",
            f"session/token+{number}==",
            self.now + timedelta(seconds=self.life),
        )
        self.sessions.append(session)
        return self._reply(
            200,
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<CreateSessionResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Credentials>'
            f"<SessionToken>{session.token}</SessionToken>"
            f"<SecretAccessKey>{session.secret}</SecretAccessKey>"
            f"<AccessKeyId>{session.key}</AccessKeyId>"
            f"<Expiration>{session.ends_at:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            "</Credentials></CreateSessionResult>",
            delay=self.delay,
        )

    def _reply(self, status: int, body: str = "", *, delay: float = 0.0) -> Step:
        dated = {"Date": format_datetime(self.now, usegmt=True)} if self.dated else {}
        return reply(status, {**dated, "ETag": '"etag"'}, body, delay=delay)

    def _error(self, status: int, code: str, *, delay: float = 0.0) -> Step:
        self.refused.append(code)
        text = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
        return self._reply(status, text, delay=delay)

    def _signed(self, request: Recorded, query: dict[str, str], key: str, secret: str) -> bool:
        """Whether *key* signed *request* for S3 Express, as AWS describes it."""
        if "X-Amz-Signature" in query:
            credential, names = query["X-Amz-Credential"], query["X-Amz-SignedHeaders"]
            given, moment = query["X-Amz-Signature"], query["X-Amz-Date"]
            payload_hash = "UNSIGNED-PAYLOAD"
        else:
            found = re.fullmatch(
                "AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]+)",
                request.header("Authorization") or "",
            )
            if found is None:
                return False
            credential, names, given = found.groups()
            moment = request.header("x-amz-date") or ""
            payload_hash = request.header("x-amz-content-sha256") or ""
        signer, _, scope = credential.partition("/")
        date, _, service, last = scope.split("/")
        if (signer, service, last, date) != (key, "s3express", "aws4_request", moment[:8]):
            return False
        path, _, raw = request.target.partition("?")
        pairs = [pair if "=" in pair else f"{pair}=" for pair in raw.split("&") if pair]
        pairs = sorted(pair for pair in pairs if not pair.startswith("X-Amz-Signature="))
        headers = "".join(
            f"{name}:{(request.header(name) or '').strip()}\n" for name in names.split(";")
        )
        canonical = "\n".join([request.method, path, "&".join(pairs), headers, names, payload_hash])
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        secret_key = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            secret_key = hmac.digest(secret_key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(secret_key, text.encode(), "sha256").hex(), given)
