"""What is done with a borrowed socket: bytes go between it and a file without passing Python.

::

    download   socket ──splice──> pipe ──splice──> file        (Linux, plain HTTP)
    upload     file ────────────sendfile─────────> socket      (Linux, macOS, plain HTTP)

The socket stays its transport's. What is read or written here is a duplicate of its descriptor,
which the event loop watches like any other; while a download runs, the transport's own reading is
paused, and an upload begins only when the transport's write buffer is empty. The transport goes on
noticing whatever else happens on the connection: an early answer to an upload is read by aiohttp
as ever, and a transport that closes (``session.close()``) ends the transfer here.

Each step moves a bounded amount, so the loop has its turn in between. A step may touch the disk;
when one was slow the following ones are made in a thread (see ``disk.py``). The socket never
blocks: its descriptor is non-blocking, for the thread as well.

``loop.sendfile`` is not used: it stops reading (an early 403 hangs or hides behind a broken pipe),
leaves its task pending when the transport is aborted, takes a shortened file for success, and
uvloop has none. ``SO_RCVLOWAT`` is not used either: with ``splice`` there is nothing to win.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial

from ..errors import SourceChanged
from .disk import Disk
from .pump import Pump

STEP = 1024 * 1024
"""What one splice moves at most, by a pipe of this size."""
_SEND_STEP = 4 * STEP
"""What one sendfile moves at most: as much as a socket buffer takes, a millisecond or two."""
_F_SETPIPE_SZ = 1031

CAN_SPLICE = hasattr(os, "splice") and sys.platform == "linux"
CAN_SENDFILE = hasattr(os, "sendfile") and sys.platform != "win32"


_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


class Unsupported(Exception):
    """The file's system cannot do this, or no descriptors are left for it; what had been moved
    before counts."""


class FileFailed(Exception):
    """The file failed, not the connection: *error* is for the user."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


def plain_socket(transport: asyncio.BaseTransport) -> int | None:
    """The descriptor of a transport's TCP socket; None where bytes pass through TLS, or nothing
    can be told."""
    if transport.get_extra_info("sslcontext") is not None or transport.is_closing():
        return None
    sock = transport.get_extra_info("socket")
    if sock is None:
        return None
    descriptor = sock.fileno()
    return descriptor if descriptor >= 0 else None


async def send_file(
    transport: asyncio.Transport,
    descriptor: int,
    *,
    file: int,
    offset: int,
    size: int,
    disk: Disk,
    moved: Callable[[int], None],
) -> None:
    """Send *size* bytes of the open *file* from *offset* on; *moved* is told of each step.

    The transport's own buffer has to be empty. How long the other side may stand still is the
    caller's to watch. Raises ``SourceChanged`` when the file ends early, ``Unsupported``,
    ``FileFailed``, and ``OSError`` for the connection.
    """
    loop = asyncio.get_running_loop()
    with _duplicate(descriptor) as sock:
        pump = Pump(
            transport,
            size,
            step=partial(_send, sock, file, offset, size),
            watch=partial(loop.add_writer, sock),
            unwatch=partial(loop.remove_writer, sock),
            disk=disk,
            timeout=None,
            moved=moved,
        )
        await pump.run()


def _send(sock: int, file: int, offset: int, size: int, moved: int) -> int:
    left = size - moved
    try:
        count = os.sendfile(sock, file, offset + moved, min(_SEND_STEP, left))
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            raise Unsupported from error
        if error.errno == errno.EIO:
            raise FileFailed(error) from error
        raise
    if count == 0:
        raise SourceChanged(f"the file ends {left} bytes before what was announced")
    return count


async def splice_to_file(
    transport: asyncio.Transport,
    descriptor: int,
    *,
    file: int,
    offset: int,
    size: int,
    disk: Disk,
    timeout: float | None,
    moved: Callable[[int], None],
) -> None:
    """Receive *size* bytes into the open *file* at *offset*; *moved* is told of each step.

    The transport's own reading has to be paused. Raises ``Unsupported``, ``FileFailed``,
    ``OSError`` for the connection, and ``TimeoutError`` when nothing arrives for *timeout*
    seconds.
    """
    loop = asyncio.get_running_loop()
    with _duplicate(descriptor) as sock, contextlib.closing(_Pipe()) as pipe:
        pump = Pump(
            transport,
            size,
            step=partial(pipe.splice, sock, file, offset, size),
            watch=partial(loop.add_reader, sock),
            unwatch=partial(loop.remove_reader, sock),
            disk=disk,
            timeout=timeout,
            moved=moved,
        )
        await pump.run()


class _Pipe:
    """Holds what is on its way from a socket to a file."""

    def __init__(self) -> None:
        with _no_descriptors_left():
            self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._refused = False
        with contextlib.suppress(OSError):  # Over the user's limit of pipe memory: smaller steps.
            _widen(self._in)

    def close(self) -> None:
        # Never used again: a pipe that still holds bytes would give them to the next file.
        os.close(self._in)
        os.close(self._out)

    def splice(self, sock: int, file: int, offset: int, size: int, moved: int) -> int:
        if self._refused:
            raise Unsupported
        left = size - moved
        count = os.splice(
            sock, self._in, min(STEP, left), flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
        )
        if count == 0:
            raise ConnectionResetError(errno.ECONNRESET, f"the body ended {left} bytes too early")
        written = 0
        while written < count:
            place = offset + moved + written
            try:
                written += os.splice(self._out, file, count - written, offset_dst=place)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise FileFailed(error) from error
                self._rescue(file, count - written, place)
                self._refused = True
                break
        return count

    def _rescue(self, file: int, count: int, place: int) -> None:
        """Write what the pipe holds in the ordinary way."""
        while count:
            data = os.read(self._out, count)
            count -= len(data)
            place = write_at(file, data, place)


def _widen(pipe: int) -> None:
    import fcntl  # noqa: PLC0415  # not on every system; this is called where it is

    fcntl.fcntl(pipe, _F_SETPIPE_SZ, STEP)


def write_at(file: int, data: bytes | bytearray | memoryview, position: int) -> int:
    """Write all of *data* at *position*; the position behind it. Raises ``FileFailed``."""
    view = memoryview(data)
    while view:
        try:
            count = os.pwrite(file, view, position)
        except OSError as error:
            raise FileFailed(error) from error
        position += count
        view = view[count:]
    return position


@contextlib.contextmanager
def _duplicate(descriptor: int) -> Iterator[int]:
    """A descriptor of the same socket, for the loop to watch beside the transport's own."""
    with _no_descriptors_left():
        sock = os.dup(descriptor)
    try:
        yield sock
    finally:
        os.close(sock)


@contextlib.contextmanager
def _no_descriptors_left() -> Iterator[None]:
    """The other roads need no descriptors of their own."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise Unsupported from error
        raise


def has_more(descriptor: int) -> bool:
    """Whether anything stands in the socket to be read, be it the end of the connection."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as duplicate:
            duplicate.setblocking(False)
            duplicate.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:  # Nothing can be told: as if there were.
        return True
    return True
