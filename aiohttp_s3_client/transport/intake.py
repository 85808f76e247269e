"""Receiving a body through a protocol of our own: into one buffer again and again, or in place.

For what cannot be spliced: TLS, destinations in memory, systems without ``splice``. The transport
receives (or decrypts) straight into a buffer of ours, instead of making a ``bytes`` object of
each read. A buffer that is full goes to the file in one write.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from functools import partial

from .borrowed import write_at
from .disk import Disk
from .shielding import settled
from .takeover import Takeover

_LOOK_SECONDS = 1.0


class _Intake(asyncio.BufferedProtocol):
    """Takes *size* bytes of a body; whatever else happens on the connection is aiohttp's."""

    def __init__(self, takeover: Takeover, size: int, moved: Callable[[int], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._takeover = takeover
        self._left = size
        self._moved = moved
        self._since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._done: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Receive it all. Raises ``OSError``, or ``TimeoutError`` when nothing comes."""
        self._takeover.switch(self)
        try:
            self._look()
            await self._done
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._takeover.restore()

    def _fail(self, error: BaseException) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _look(self) -> None:
        if not self._left:  # Only the disk is waited for; the connection is out of it.
            return
        timeout, now = self._takeover.timeout, self._loop.time()
        if self._holding():
            self._since = now
        if self._takeover.transport.is_closing():
            self._fail(ConnectionResetError(errno.ECONNRESET, "the connection was closed"))
        elif timeout is not None and now - self._since >= timeout:
            self._fail(TimeoutError(f"nothing arrived for {timeout:g} s"))
        else:
            pause = _LOOK_SECONDS if timeout is None else min(_LOOK_SECONDS, timeout / 4)
            self._timer = self._loop.call_later(pause, self._look)

    def _holding(self) -> bool:
        """Whether it is we who keep the other side waiting."""
        return False

    def _filled(self, count: int) -> None:
        raise NotImplementedError

    # What the transport calls

    def buffer_updated(self, nbytes: int) -> None:
        self._left -= nbytes
        self._since = self._loop.time()
        try:
            self._filled(nbytes)
        except BaseException as error:
            self._fail(error)
            return
        if not self._left:
            # At once, and not when the waiting coroutine has its turn: the next byte is not ours.
            self._takeover.restore()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError(errno.ECONNRESET, "the connection was lost"))
        self._takeover.protocol.connection_lost(exc)

    def eof_received(self) -> bool | None:
        self._fail(
            ConnectionResetError(errno.ECONNRESET, f"the body ended {self._left} bytes too early")
        )
        keep_open: bool | None = self._takeover.protocol.eof_received()
        return keep_open

    def pause_writing(self) -> None:
        self._takeover.protocol.pause_writing()

    def resume_writing(self) -> None:
        self._takeover.protocol.resume_writing()


class _InPlace(_Intake):
    """Into the memory where the bytes belong."""

    def __init__(self, takeover: Takeover, view: memoryview, moved: Callable[[int], None]) -> None:
        super().__init__(takeover, view.nbytes, moved)
        self._view = view

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def _filled(self, count: int) -> None:
        self._view = self._view[count:]
        self._moved(count)
        if not self._left and not self._done.done():
            self._done.set_result(None)


class _ToFile(_Intake):
    """Into a buffer, and from there to a file by position."""

    def __init__(
        self,
        takeover: Takeover,
        size: int,
        moved: Callable[[int], None],
        *,
        file: int,
        offset: int,
        buffer: bytearray,
        disk: Disk,
    ) -> None:
        super().__init__(takeover, size, moved)
        self._file = file
        self._offset = offset
        self._disk = disk
        self._buffer = memoryview(buffer)
        self._fill = 0
        self._full: deque[memoryview] = deque()
        self._thread: asyncio.Task[None] | None = None

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            if self._thread is not None:
                await settled(self._thread)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer[self._fill : self._fill + self._left]

    def _filled(self, count: int) -> None:
        self._fill += count
        if self._left and self._fill < len(self._buffer):
            return
        full = self._buffer[: self._fill]
        self._fill = 0
        if self._thread is None and self._disk.quick:
            self._disk.timed(partial(write_at, self._file, full, self._offset))
            self._written(len(full))
            return
        # A slow disk: this buffer goes to a thread. Reading pauses, but what is decrypted already
        # may still come, into a buffer of its own.
        self._full.append(full)
        self._buffer = memoryview(bytearray(len(self._buffer)))
        if self._thread is None:
            self._takeover.transport.pause_reading()
            self._thread = asyncio.create_task(self._write_aside())

    async def _write_aside(self) -> None:
        try:
            while self._full:
                data = self._full.popleft()
                await self._disk.run(partial(write_at, self._file, data, self._offset))
                self._written(len(data))
        except Exception as error:
            self._fail(error)
            return
        self._thread = None
        if self._left:
            self._since = self._loop.time()
            self._takeover.transport.resume_reading()

    def _written(self, count: int) -> None:
        self._offset += count
        self._moved(count)
        if not self._left and not self._full and not self._done.done():
            self._done.set_result(None)

    def _holding(self) -> bool:
        return self._thread is not None


async def receive_in_place(
    takeover: Takeover, view: memoryview, moved: Callable[[int], None]
) -> None:
    """Receive as many bytes as *view* has, into it. *moved* is told of each piece.

    Raises ``OSError`` for the connection, ``TimeoutError`` when nothing arrives for as long as
    the response's read timeout.
    """
    await _InPlace(takeover, view, moved).run()


async def receive_to_file(
    takeover: Takeover,
    size: int,
    moved: Callable[[int], None],
    *,
    file: int,
    offset: int,
    buffer: bytearray,
    disk: Disk,
) -> None:
    """Receive *size* bytes through *buffer* into the open *file* at *offset*.

    Raises ``FileFailed`` besides what ``receive_in_place`` raises.
    """
    await _ToFile(takeover, size, moved, file=file, offset=offset, buffer=buffer, disk=disk).run()
