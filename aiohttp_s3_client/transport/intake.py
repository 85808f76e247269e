"""Receiving a body through a protocol of our own: into one buffer again and again, or in place.

For what cannot be spliced: TLS, destinations in memory, systems without ``splice``. The transport
receives (or decrypts) straight into a buffer of ours, instead of making a ``bytes`` object of
each read. A buffer that is full goes to the file in one write.
"""

from __future__ import annotations

import abc
import asyncio
import errno
from collections import deque
from collections.abc import Callable
from functools import partial

from .borrowed import write_at
from .disk import Disk
from .lookout import Lookout
from .shielding import settled
from .takeover import Takeover


class _Intake(asyncio.BufferedProtocol, abc.ABC):
    """Takes *size* bytes of a body; whatever else happens on the connection is aiohttp's.

    *moved* is told of each piece that is in its place.
    """

    def __init__(self, takeover: Takeover, size: int, moved: Callable[[int], None]) -> None:
        self._takeover = takeover
        self._left = size
        self._moved = moved
        self._lookout = Lookout(takeover.transport, takeover.timeout)

    async def run(self) -> None:
        """Receive it all.

        Raises ``OSError`` for the connection, ``TimeoutError`` when nothing arrives for as long
        as the response's read timeout.
        """
        self._takeover.switch(self)
        try:
            await self._lookout.wait()
        finally:
            self._takeover.restore()

    @abc.abstractmethod
    def _filled(self, count: int) -> None:
        """So many bytes have come into the buffer that was given last."""

    # What the transport calls

    def buffer_updated(self, nbytes: int) -> None:
        self._left -= nbytes
        self._lookout.moved()
        try:
            self._filled(nbytes)
        except BaseException as error:
            self._lookout.fail(error)
            return
        if not self._left:
            self._lookout.stop()  # Only the disk is waited for.
            # At once, and not when the waiting coroutine has its turn: the next byte is not ours.
            self._takeover.restore()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lookout.fail(exc or ConnectionResetError(errno.ECONNRESET, "the connection was lost"))
        self._takeover.protocol.connection_lost(exc)

    def eof_received(self) -> bool | None:
        self._lookout.fail(
            ConnectionResetError(errno.ECONNRESET, f"the body ended {self._left} bytes too early")
        )
        keep_open: bool | None = self._takeover.protocol.eof_received()
        return keep_open

    def pause_writing(self) -> None:
        self._takeover.protocol.pause_writing()

    def resume_writing(self) -> None:
        self._takeover.protocol.resume_writing()


class IntakeInPlace(_Intake):
    """As many bytes as *view* has, into the memory where they belong."""

    def __init__(self, takeover: Takeover, view: memoryview, moved: Callable[[int], None]) -> None:
        super().__init__(takeover, view.nbytes, moved)
        self._view = view

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def _filled(self, count: int) -> None:
        self._view = self._view[count:]
        self._moved(count)
        if not self._left:
            self._lookout.finish()


class IntakeToFile(_Intake):
    """Into *buffer*, and from there to the open *file* at *offset*."""

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
        """As the other, and raises ``FileFailed``."""
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
            self._lookout.excused = True
            self._thread = asyncio.create_task(self._write_aside())

    async def _write_aside(self) -> None:
        try:
            while self._full:
                data = self._full.popleft()
                await self._disk.run(partial(write_at, self._file, data, self._offset))
                self._written(len(data))
        except Exception as error:
            self._lookout.fail(error)
            return
        self._thread = None
        self._lookout.excused = False
        if self._left:
            self._lookout.moved()
            self._takeover.transport.resume_reading()

    def _written(self, count: int) -> None:
        self._offset += count
        self._moved(count)
        if not self._left and not self._full:
            self._lookout.finish()
