"""Receiving a body into its place, by the shortest road that there is.

==================  =============================  ==========================================
destination         connection                     road
==================  =============================  ==========================================
file by position    plain, Linux                   ``splice``: no byte passes Python
file by position    TLS, other systems             our own protocol: one buffer, ``pwrite``
memory              any                            our own protocol: straight into its place
anything else       any                            ``response.content``, piece by piece
==================  =============================  ==========================================

The last road uses aiohttp's public API alone. It is taken whenever another one is not to be had,
for bodies of unknown length, when the bandwidth is bounded, and with ``AIOS3_PLAIN=1``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import aiohttp

from .answer import cut_off
from .borrowed import CAN_SPLICE, FileFailed, Unsupported, splice_to_file
from .disk import Disk
from .exchange import Fault
from .intake import IntakeInPlace, IntakeToFile
from .lookout import LOOK_SECONDS
from .takeover import Takeover


class Landing(Protocol):
    """Where the bytes of an object go, by position."""

    @property
    def file(self) -> int | None:
        """The descriptor of a file that may be written by position at any time, if it is one."""

    def view(self, position: int, size: int) -> memoryview | None:
        """The memory at *position*, if it is memory."""

    async def write(self, position: int, data: bytes | bytearray | memoryview) -> None:
        """Put *data* at *position*. It is not kept."""


class Reception:
    """How the bodies of one transfer are received.

    What is gathered for one write to the disk has *buffer_size* bytes. *throttle* waits until so
    many bytes more may have been received, and *fast* says whether a connection may be taken over.
    """

    __slots__ = ("_buffers", "_fast", "buffer_size", "disk", "landing", "splices", "throttle")

    def __init__(
        self,
        landing: Landing,
        disk: Disk,
        *,
        buffer_size: int = 256 * 1024,
        throttle: Callable[[int], Awaitable[None]] | None = None,
        fast: bool = True,
    ) -> None:
        self.landing = landing
        self.disk = disk
        self.buffer_size = buffer_size
        self.throttle = throttle
        self._fast = fast
        self._buffers: list[bytearray] = []
        self.splices = True
        """Whether the landing's file takes spliced pages; False once it has refused."""

    def may_take_over(self, position: int) -> bool:
        """Whether the landing has a place that bytes could be received into directly."""
        if not self._fast or self.throttle is not None:
            return False
        return self.landing.file is not None or self.landing.view(position, 0) is not None

    def take_buffer(self) -> bytearray:
        """A buffer for one body."""
        return self._buffers.pop() if self._buffers else bytearray(self.buffer_size)

    def give_back(self, buffer: bytearray) -> None:
        """*buffer* is not in use any more: nothing writes it or into it."""
        self._buffers.append(buffer)


async def receive(
    response: aiohttp.ClientResponse,
    reception: Reception,
    position: int,
    stop: int | None,
    *,
    skip: int = 0,
    exact: bool = True,
    reached: Callable[[int], None],
) -> tuple[int, Fault | None]:
    """Put a body to *position* and after, up to *stop*, leaving out its first *skip* bytes.

    Returns how far it got, and why no further when it should have. *reached* is told the end of
    each step. A body that goes on behind *stop* is wrong where it has to be *exact*: then nothing
    of it counts. The response is released, or closed after a fault; an exception (the disk's, a
    cancellation) leaves it to the caller to close.
    """
    if stop is not None and exact and not skip and reception.may_take_over(position):
        takeover = Takeover.of(response, stop - position)
        if takeover is not None:
            return await _take_over(takeover, response, reception, position, stop, reached)
    return await _read(response, reception, position, stop, skip, exact, reached)


async def _take_over(
    takeover: Takeover,
    response: aiohttp.ClientResponse,
    reception: Reception,
    position: int,
    stop: int,
    reached: Callable[[int], None],
) -> tuple[int, Fault | None]:
    read, ours = takeover.begin()
    for data in read:
        await reception.landing.write(position, data)
        position += len(data)
        reached(position)
    if not ours:
        return await _read(response, reception, position, stop, 0, True, reached)

    def moved(count: int) -> None:
        nonlocal position
        position += count
        reached(position)

    view = reception.landing.view(position, stop - position)
    try:
        if view is not None:
            await IntakeInPlace(takeover, view, moved).run()
        elif CAN_SPLICE and takeover.descriptor is not None and reception.splices:
            try:
                await _splice(takeover, reception, position, stop, moved)
            except Unsupported:
                reception.splices = False
                await _receive_to_file(takeover, reception, position, stop, moved)
        else:
            await _receive_to_file(takeover, reception, position, stop, moved)
    except FileFailed as error:
        raise error.error from None
    except OSError as error:
        cut_off(response)
        return position, _broken_off(error)
    takeover.finish()
    return position, None


async def _splice(
    takeover: Takeover,
    reception: Reception,
    position: int,
    stop: int,
    moved: Callable[[int], None],
) -> None:
    assert takeover.descriptor is not None
    assert reception.landing.file is not None
    await splice_to_file(
        takeover.transport,
        takeover.descriptor,
        file=reception.landing.file,
        offset=position,
        size=stop - position,
        disk=reception.disk,
        timeout=takeover.timeout,
        moved=moved,
    )


async def _receive_to_file(
    takeover: Takeover,
    reception: Reception,
    position: int,
    stop: int,
    moved: Callable[[int], None],
) -> None:
    if position == stop:
        return
    assert reception.landing.file is not None
    buffer = reception.take_buffer()
    await IntakeToFile(
        takeover,
        stop - position,
        moved,
        file=reception.landing.file,
        offset=position,
        buffer=buffer,
        disk=reception.disk,
    ).run()
    reception.give_back(buffer)


async def _read(
    response: aiohttp.ClientResponse,
    reception: Reception,
    position: int,
    stop: int | None,
    skip: int,
    exact: bool,
    reached: Callable[[int], None],
) -> tuple[int, Fault | None]:
    incoming, start = Incoming(response), position
    gather = _Gather(reception, position, reached)
    fault: Fault | None = None
    beyond = False
    while not beyond:
        data = await incoming.next()
        if isinstance(data, Fault):
            fault = data
            break
        if not data:
            break
        if reception.throttle is not None:
            await reception.throttle(len(data))
        if skip:
            skip, data = max(0, skip - len(data)), data[skip:]
        room = None if stop is None else stop - gather.position
        beyond = room is not None and len(data) > room
        await gather.add(data[:room] if beyond else data)
    if beyond and exact:
        cut_off(response)
        return start, Fault("the body is longer than its Content-Range")
    await gather.flush()
    if fault is not None or beyond:
        cut_off(response)
    else:
        response.release()
    return gather.position, fault


class Incoming:
    """A body, piece by piece as it comes, by aiohttp's public API alone."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content
        self._vigil = _Vigil(response)

    async def next(self) -> bytes | Fault:
        """What has arrived, of any size; nothing at the end; or why there is no more."""
        try:
            with self._vigil:
                return await self._content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _broken_off(error)
        except RuntimeError as error:
            # What aiohttp raises when it is asked once more after its parser has given up.
            if not self._vigil.lost:
                raise
            return _broken_off(error)


class _Vigil:
    """Looks, while a body is waited for, whether its connection is still there.

    aiohttp forgets whoever reads a body when the session or the connector is closed: nothing
    would ever come, not even an error.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        connection = response.connection
        self._transport = connection.transport if connection is not None else None
        self._content = response.content
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, and the body not whole."""
        gone = self._transport is None or self._transport.is_closing()
        return gone and not self._content.is_eof()

    def __enter__(self) -> None:
        if self._transport is not None and not self._content.is_eof():
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def __exit__(self, *exc_info: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._transport is not None and self._transport.is_closing():
            self._content.set_exception(aiohttp.ClientPayloadError("the connection was closed"))
        else:
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)


class _Gather:
    """Gathers small pieces for one write; what is large enough goes on as it came."""

    def __init__(self, reception: Reception, position: int, reached: Callable[[int], None]) -> None:
        self._reception = reception
        self._reached = reached
        self._pending = bytearray()
        self.position = position
        """Behind the last byte that was added."""

    async def add(self, data: bytes) -> None:
        self.position += len(data)
        if not self._pending and len(data) >= self._reception.buffer_size:
            await self._write(data)
            return
        self._pending += data
        if len(self._pending) >= self._reception.buffer_size:
            await self.flush()

    async def flush(self) -> None:
        # A new buffer each time: newer Pythons keep a view of what they were given to write.
        data, self._pending = self._pending, bytearray()
        if data:
            await self._write(data)

    async def _write(self, data: bytes | bytearray) -> None:
        await self._reception.landing.write(self.position - len(data), data)
        self._reached(self.position)


def _broken_off(error: BaseException) -> Fault:
    return Fault(
        f"the body broke off ({type(error).__name__})", timeout=isinstance(error, TimeoutError)
    )
