"""What every source of credentials is, and the ways in which a source has none.

A source that has nothing raises ``NothingFound``: a chain goes on to the next one and, at the
end, lists what each lacked. Any other ``CredentialsError`` (a malformed file, a profile that does
not exist) is somebody's mistake: it is raised as it is, so that no chain covers it up with
somebody else's keys.
"""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from copy import copy
from typing import Generic, NamedTuple, NoReturn, TypeVar

from ..config import DEFAULT_REGION
from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from ..protocol.sigv4 import SigV4Signer

_T = TypeVar("_T")
_KEY_ID = r"(?:AKIA|ASIA)[A-Z0-9]{16}"
_CONTROL = r"[\x00-\x1f\x7f]"


class NothingFound(CredentialsError):
    """There is no whole key and secret; ``tried`` says of each source what it lacked."""

    @property
    def tried(self) -> tuple[str, ...]:
        return self.args

    def __str__(self) -> str:
        return "no credentials found; tried: " + "; ".join(self.tried)


class Unavailable(CredentialsError):
    """The source does not answer now, or is overloaded: it may have credentials later."""


class NotResolved(CredentialsError):
    """A lazy source was asked synchronously, where waiting for it is impossible."""

    def __init__(self, source: str) -> None:
        super().__init__(
            f"{source}: not resolved yet, and not to be waited for here; call "
            "`await credentials.resolve()` (or `await client.resolve_credentials()`) first"
        )

    def __reduce__(self) -> tuple[type[CredentialsError], tuple[str]]:
        return CredentialsError, (str(self),)


class AbstractCredentials(ABC):
    """A source of credentials: may have a whole key and secret, may know a region.

    True when a whole key and secret are there. Neither repr nor str shows a secret, and pickling
    is refused, since a pickle would hold one.
    """

    __slots__ = ("_region", "_signed_with", "service")

    def __init__(self, *, region: str = "", service: str = "s3") -> None:
        check_text(region=region, service=service)
        self.service = service
        self._region = region or ""
        self._signed_with: tuple[CredentialsSnapshot, SigV4Signer] | None = None

    @abstractmethod
    async def resolve(self) -> CredentialsSnapshot:
        """The credentials to sign with now. Never blocks the event loop.

        Raises ``CredentialsError``, which lists what was tried when there are none.
        """

    @abstractmethod
    def at_hand(self) -> CredentialsSnapshot:
        """The credentials as far as they are known without waiting.

        Raises ``CredentialsError`` when there are none, and one that names
        ``await credentials.resolve()`` when that is not known yet.
        """

    def invalidate(self) -> None:  # noqa: B027  # most sources have nothing to forget
        """Forget what may have expired; the next ``resolve`` looks again."""

    async def find_region(self) -> str:
        """The region that this source knows, with or without keys; empty when it knows none.

        Reads files (in a thread), and never asks the network.
        """
        return self._region

    @property
    def region(self) -> str:
        """The region as far as it is known without waiting; empty when there is none.

        Raises ``CredentialsError`` as ``at_hand`` does for a source that is not resolved yet.
        """
        return self._region

    @property
    def signer(self) -> SigV4Signer | None:
        """A signer with the credentials at hand, for us-east-1 when no region is known.

        None when requests are to go unsigned.
        """
        snapshot = self.at_hand()
        if snapshot.anonymous:
            return None
        if self._signed_with is None or self._signed_with[0] != snapshot:
            signer = SigV4Signer(
                snapshot.access_key_id,
                snapshot.secret_access_key,
                snapshot.session_token,
                region=snapshot.region or DEFAULT_REGION,
                service=self.service,
            )
            self._signed_with = snapshot, signer
        return self._signed_with[1]

    @property
    def access_key_id(self) -> str:
        """The access key id at hand; empty when there is none."""
        found = self._found()
        return found.access_key_id if found else ""

    @property
    def secret_access_key(self) -> str:
        """The secret access key at hand; empty when there is none."""
        found = self._found()
        return found.secret_access_key if found else ""

    @property
    def session_token(self) -> str | None:
        """The session token at hand; None when there is none."""
        found = self._found()
        return found.session_token if found else None

    def _found(self) -> CredentialsSnapshot | None:
        try:
            return self.at_hand()
        except NothingFound:
            return None

    def __bool__(self) -> bool:
        found = self._found()
        return found is not None and not found.anonymous

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region={self._region!r}, service={self.service!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled: the pickle would hold secrets")


class Flight(Generic[_T]):
    """Runs a coroutine once at a time, however many callers wait for its outcome.

    A caller that is cancelled leaves the run to the others. The run ends by itself or by
    ``cancel``.
    """

    __slots__ = ("_latest", "_run")

    def __init__(self, run: Callable[[], Coroutine[object, object, _T]]) -> None:
        self._run = run
        self._latest: _Under[_T] | None = None

    def begin(self) -> None:
        """Run now, beside the caller, unless a run is in flight."""
        self._under_way()

    async def join(self) -> _T:
        """The outcome of the run in flight, or of a new one when there is none."""
        under = self._under_way()
        waiter = asyncio.get_running_loop().create_future()
        under.waiters.append(waiter)
        # Unlike an await of the task itself, this neither cancels it with the caller nor the
        # caller with it.
        await waiter
        task = under.task
        if task.cancelled():
            raise CredentialsError("the credentials were stopped while they were being fetched")
        if isinstance(error := task.exception(), CredentialsError):
            raise _own(error)
        return task.result()

    def _under_way(self) -> _Under[_T]:
        loop = asyncio.get_running_loop()
        under = self._latest
        # Each thread's loop has a run of its own.
        if under is None or under.task.done() or under.task.get_loop() is not loop:
            under = self._latest = _Under(loop.create_task(self._run()))
        return under

    async def cancel(self) -> None:
        """End the run in flight, if there is one, as ``end_task`` does."""
        under, self._latest = self._latest, None
        if under is not None:
            await end_task(under.task)


class _Under(Generic[_T]):
    """A run that is under way, and those who wait for it."""

    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[_T]) -> None:
        self.task = task
        # Futures of their own: a task takes long to forget one of ten thousand callbacks.
        self.waiters: list[asyncio.Future[None]] = []
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[_T]) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        # When every caller was cancelled nobody reads the exception, and asyncio would complain.
        if not task.cancelled():
            task.exception()


def _own(error: CredentialsError) -> CredentialsError:
    """*error* for one of many who are told of it: each may write on its own one."""
    own = copy(error).with_traceback(error.__traceback__)
    own.__cause__ = error.__cause__
    return own


async def end_task(task: asyncio.Task[_T]) -> None:
    """Cancel *task* and wait until it has ended; that of another loop is not waited for."""
    loop = task.get_loop()
    if task.done():
        return
    if loop is asyncio.get_running_loop():
        task.cancel()
        await asyncio.wait((task,))
    elif not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


def loop_runs() -> bool:
    """Whether this thread runs an event loop, which must not wait for a disk."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def check_text(**arguments: object) -> None:
    """Refuse arguments that are neither str nor None, by name and without the value."""
    for name, value in arguments.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")


class KeyNames(NamedTuple):
    """What a source calls the three things that belong together."""

    key: str
    secret: str
    token: str


def why_not_whole(key: str, secret: str, token: str | None, names: KeyNames) -> str:
    """What is wrong with a key and secret that are not wholly absent; empty when nothing is.

    Tells names and never values: of swapped ones the key id is the secret.
    """
    if re.fullmatch(_KEY_ID, secret) and not re.fullmatch(_KEY_ID, key):
        given = f"{names.secret} looks like an access key id"
        return f"{given}: {names.key} and {names.secret} seem to be swapped"
    if key and not secret:
        return f"{names.key} is given without {names.secret}"
    if secret and not key:
        return f"{names.secret} is given without {names.key}"
    if token and not key:
        return f"{names.token} is given without {names.key} and {names.secret}"
    for name, value in ((names.key, key), (names.token, token)):
        if value and re.search(_CONTROL, value):
            return f"{name} has a control character (a line break?) in it"
    return ""
