"""Credentials that a program prints: ``credential_process`` of a profile.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

from __future__ import annotations

import asyncio
import math
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from ..redaction import REDACTED, in_one_line, redact_text
from ..transport.shielding import settled
from .base import KeyNames
from .documents import read_document, snapshot_of
from .environment import environ, environ_region
from .refreshing import Clock, RefreshingCredentials, utc_now

TIMEOUT_SECONDS = 60.0
"""How long the program may take: some ask their user for a touch of a key."""
LOOK_SECONDS = 0.1
"""How often the thread that waits for the program looks whether it is to stop."""

_FIELDS = KeyNames("AccessKeyId", "SecretAccessKey", "SessionToken")
_SHOWN = 500
"""Characters of what a program complains of that are shown: the last ones tell most."""

# A program may be verbose. What looks like a secret key, or like a session token, and what stands
# behind the name of a secret is not shown.
_OPTION = r"-+[\w-]*(?:secret|token|pass|pwd|key|pin)[\w-]*"
_LOOKS_SECRET = r"(?<![\w/+-])(?:[A-Za-z0-9/+]{40}|[\w/+=-]{80,})(?![\w/+=-])"
_NAMED_SECRET = (
    r"(?i)((?:secret[\s_-]?(?:access[\s_-]?)?key|(?:session|security|access|auth|id)[\s_-]?token|"
    rf"password|passwd|passphrase|bearer|basic|{_OPTION})[\"']?(?:\s*[:=]\s*|\s+)[\"']?)"
    r"[^\s\"',;}]+"
)
_WINDOWS = r'(?P<slashes>\\*)"|(?P<space>[ \t]+)|\\+|[^\\" \t]+'


class ProcessCredentials(RefreshingCredentials):
    """Credentials that *command* prints as JSON of version 1, renewed before they expire.

    A command line is split into program and arguments as the AWS CLI splits it, on Windows by
    Windows' rules; a sequence of them is taken as it is. No shell is involved. The program runs
    beside the event loop, without input; it is killed after *timeout_seconds* (60 by default), and
    by ``stop``. Output without an ``Expiration`` is good until the server refuses it. When the
    program fails, the error shows the end of what it wrote to its standard error, without what
    looks like a secret, and not its arguments.

    The region is the argument, ``AWS_REGION`` or ``AWS_DEFAULT_REGION``. ``clock`` gives the time,
    aware. Raises ``ValueError`` for a command that is empty, or whose quotation does not end.
    """

    __slots__ = ("_command", "_timeout_seconds")

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        region: str = "",
        service: str = "s3",
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._command = _checked(command)
        if not (0 < timeout_seconds < math.inf):
            raise ValueError(f"timeout_seconds must be positive, not {timeout_seconds!r}")
        self._timeout_seconds = timeout_seconds
        super().__init__(
            f"credential_process {in_one_line(self._command[0])}",
            region=region or environ_region(),
            service=service,
            clock=clock,
        )

    async def _fetch(self) -> CredentialsSnapshot:
        run = _Run(self._command, self._timeout_seconds)
        task = asyncio.create_task(asyncio.to_thread(run.outcome))
        try:
            outcome = await asyncio.shield(task)
        except asyncio.CancelledError:
            run.stop()
            await settled(task)
            raise
        if outcome.problem:
            raise CredentialsError(
                f"{self._source} {outcome.problem}{_complaint(outcome, self._command)}"
            )
        document = read_document(outcome.output, self._source)
        version = document.get("Version")
        if version != 1 or isinstance(version, bool):
            # Not shown: anything may stand there.
            raise CredentialsError(f"{self._source} gave no JSON whose Version is 1")
        return snapshot_of(document, _FIELDS, "Expiration", self._source)

    def __repr__(self) -> str:
        return (
            f"ProcessCredentials(program={self._command[0]!r}, region={self.region!r}, "
            f"service={self.service!r})"
        )


class _Outcome(NamedTuple):
    """What a program left behind; *problem* is why that is of no use, empty when it may be."""

    output: bytes
    complaint: bytes
    problem: str


class _Run:
    """One run of a program. It is started, watched and killed by one thread: starting it takes as
    long as its file takes to be read, and an event loop's way of watching children depends on the
    loop."""

    def __init__(self, command: Sequence[str], timeout_seconds: float) -> None:
        self._command = command
        self._timeout_seconds = timeout_seconds
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Have the thread kill the program soon."""
        self._stopped.set()

    def outcome(self) -> _Outcome:
        """Run the program to its end. Blocks; raises nothing."""
        ends_at = time.monotonic() + self._timeout_seconds
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            return _Outcome(
                b"", b"", f"cannot be started: {error.strerror or 'the system refuses'}"
            )
        with process:
            while True:
                try:
                    output, complaint = process.communicate(timeout=LOOK_SECONDS)
                except subprocess.TimeoutExpired as late:
                    if time.monotonic() < ends_at and not self._stopped.is_set():
                        continue
                    # Its own children may hold the pipes open: nothing is read to the end.
                    process.kill()
                    return _Outcome(
                        b"", late.stderr or b"", f"took longer than {self._timeout_seconds:.3g} s"
                    )
                status = process.returncode
                return _Outcome(output, complaint, _ended(status) if status else "")


def _ended(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"failed with status {status}"


def _checked(command: str | Sequence[str]) -> tuple[str, ...]:
    """Program and arguments. Raises ``ValueError`` without the command, which may hold a secret."""
    if isinstance(command, str):
        try:
            words = split_command(command, windows=sys.platform == "win32")
        except ValueError as error:
            raise ValueError(f"command: {error}") from None
    else:
        words = list(command)
        if not all(isinstance(word, str) for word in words):
            raise TypeError("command must be a str or a sequence of str")
    if not words or not words[0]:
        raise ValueError("command must name a program")
    if any("\0" in word for word in words):
        raise ValueError("command has a NUL character in it")
    return tuple(words)


def split_command(line: str, *, windows: bool) -> list[str]:
    """Program and arguments of a command line: by the rules of a POSIX shell, or of Windows' C
    programs, where only double quotes quote and a backslash is special only before one.

    Raises ``ValueError`` when a quotation, or an escape, does not end.
    """
    if not windows:
        return shlex.split(line)
    words: list[str] = []
    word: str | None = None
    quoted = False
    for piece in re.finditer(_WINDOWS, line):
        if piece["space"] and not quoted:
            if word is not None:
                words.append(word)
            word = None
            continue
        word = word or ""
        slashes = piece["slashes"]
        if slashes is None:
            word += piece[0]
            continue
        word += "\\" * (len(slashes) // 2)
        if len(slashes) % 2:
            word += '"'
        else:
            quoted = not quoted
    if quoted:
        raise ValueError("No closing quotation")
    return words if word is None else [*words, word]


def _complaint(outcome: _Outcome, command: Sequence[str]) -> str:
    """What the program wrote to its standard error, fit to be shown."""
    text = outcome.complaint.decode("utf-8", "replace").strip()
    known = [environ("AWS_SECRET_ACCESS_KEY"), environ("AWS_SESSION_TOKEN")]
    text = redact_text(text, [*_printed(outcome), *_given(command), *known])
    text = re.sub(_NAMED_SECRET, rf"\g<1>{REDACTED}", text)
    text = re.sub(_LOOKS_SECRET, REDACTED, text)
    text = in_one_line(" ".join(text.split()))
    return f": {text[-_SHOWN:]}" if text else ""


def _printed(outcome: _Outcome) -> list[str]:
    """The secrets that the program printed before it failed."""
    try:
        document = read_document(outcome.output, "")
    except CredentialsError:
        return []  # Nothing that could be told from other text.
    return [value for name in _FIELDS[1:] if isinstance(value := document.get(name), str)]


def _given(command: Sequence[str]) -> list[str]:
    """The secrets that the program was given as arguments: ``--token=…``, ``--token …``."""
    options = [word.partition("=") for word in command]
    options += [(word, "", value) for word, value in pairwise(command) if value[:1] != "-"]
    return [
        value
        for option, _, value in options
        if value and re.fullmatch(_OPTION, option, re.IGNORECASE)
    ]
