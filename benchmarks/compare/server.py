"""The stub: nginx in the part of S3, in a folder of its own, stopped by its process id."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .signals import signals_held
from .works import KEYS_PER_PAGE, KIB, MIB, PAGES

TEMPLATE = Path(__file__).with_name("stub.conf")
MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
TEMPORARY = ("client-body", "proxy", "fastcgi", "uwsgi", "scgi")
START_SECONDS = 10.0
STOP_SECONDS = 5.0
ATTEMPTS = 3

PAGE_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>'
    "<Prefix>list/</Prefix><KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys>"
    "<IsTruncated>{more}</IsTruncated>{token}"
)
PAGE_ENTRY = (
    "<Contents><Key>list/year=2024/month=05/part-{number:08d}.snappy.parquet</Key>"
    "<LastModified>2024-05-01T12:34:56.000Z</LastModified><ETag>&quot;{number:032x}&quot;</ETag>"
    "<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


def missing_programs(pinned: bool = True) -> str:
    """What has to be installed first, as a sentence; nothing when all is there.

    :param pinned: whether processes are to be bound to processors.
    """
    wanted = ["nginx", "openssl", *(["taskset"] if pinned else [])]
    absent = [name for name in wanted if shutil.which(name) is None]
    if "nginx" not in absent and not _modules_folder():
        absent.append("nginx's lua module")
    if not absent:
        return ""
    return (
        f"needed and not found: {', '.join(absent)}. On Debian and Ubuntu: "
        "apt-get install nginx-light libnginx-mod-http-lua openssl util-linux curl"
    )


def _build() -> str:
    """How nginx was built."""
    done = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=False)
    return done.stderr


def _modules_folder() -> Path | None:
    found = re.search(r"--modules-path=(\S+)", _build())
    folder = Path(found[1]) if found else Path("/usr/lib/nginx/modules")
    return folder if all((folder / name).exists() for name in MODULES) else None


@dataclass(frozen=True, slots=True)
class Offer:
    """The checksum that a HEAD in checksum mode tells of ``big-crc``."""

    algorithm: str
    """``crc64nvme`` or ``crc32``."""

    value: str
    """Base64."""


def offer_of(path: Path, python: Path | None = None) -> Offer:
    """The checksum of *path*: CRC64NVME, S3's default, if *python* has awscrt; else CRC32."""
    if python is not None:
        program = (
            "import sys; from awscrt import checksums; crc = 0\n"
            "with open(sys.argv[1], 'rb') as file:\n"
            "    while block := file.read(1 << 20): crc = checksums.crc64nvme(block, crc)\n"
            "print(crc)"
        )
        done = subprocess.run(
            [python, "-c", program, path], capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode == 0:
            digest = int(done.stdout).to_bytes(8, "big")
            return Offer("crc64nvme", base64.b64encode(digest).decode())
    crc = 0
    with path.open("rb") as file:
        while block := file.read(MIB):
            crc = zlib.crc32(block, crc)
    return Offer("crc32", base64.b64encode(crc.to_bytes(4, "big")).decode())


def write_big(path: Path, size: int) -> None:
    """*size* bytes, of which each MiB begins with its number (eight bytes, little-endian)."""
    rest = os.urandom(MIB - 8)
    with path.open("wb") as file:
        for number in range((size + MIB - 1) // MIB):
            block = number.to_bytes(8, "little") + rest
            file.write(block[: size - number * MIB])


def write_page(path: Path, page: int) -> None:
    """One page of ListObjectsV2; its token, if it has one, is ``page-<number>``."""
    more = page + 1 < PAGES
    token = f"<NextContinuationToken>page-{page + 1}</NextContinuationToken>" if more else ""
    first = page * KEYS_PER_PAGE
    entries = "".join(
        PAGE_ENTRY.format(number=number, size=KIB + number)
        for number in range(first, first + KEYS_PER_PAGE)
    )
    head = PAGE_HEAD.format(count=KEYS_PER_PAGE, more=str(more).lower(), token=token)
    path.write_text(f"{head}{entries}</ListBucketResult>")


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


class Stub:
    """The running stub; ``with Stub(folder, big_size):``.

    :param folder: where everything is written, best on a tmpfs.
    :param big_size: bytes of the objects ``big`` and ``big-crc``.
    :param processor: which processor it is bound to; empty for none.
    :param python: an interpreter that has awscrt, for the checksum of ``big-crc``.
    """

    def __init__(
        self, folder: Path, big_size: int, processor: str = "", python: Path | None = None
    ) -> None:
        self._folder = folder
        self._big_size = big_size
        self._processor = processor
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self.tls_port = 0
        self.big = folder / "www" / "bucket" / "big"
        self.ca = folder / "cert.pem"
        self.offer = Offer("crc32", "")

    def __enter__(self) -> Self:
        self._write_objects()
        self._write_certificate()
        for attempt in range(ATTEMPTS):
            try:
                self._start()
                return self
            except OSError:
                # Somebody else may have taken one of the ports meanwhile.
                self.stop()
                if attempt == ATTEMPTS - 1:
                    raise
            except BaseException:
                self.stop()
                raise
        raise AssertionError("the loop returns or raises")

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def settings(self, tls: bool) -> dict[str, object]:
        """The fields of ``clients.base.Settings``."""
        return {
            "host": "127.0.0.1",
            "port": self.tls_port if tls else self.port,
            "tls": tls,
            "ca": str(self.ca),
            "bucket": "bucket",
            "region": "us-east-1",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        }

    def stop(self) -> None:
        """End nginx, by its process id; twice is no harm."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # Its worker is in its process group, which is its own.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)

    def _write_objects(self) -> None:
        bucket, pages = self.big.parent, self._folder / "www" / "-pages"
        bucket.mkdir(parents=True)
        pages.mkdir()
        for size in (KIB, 64 * KIB):
            (bucket / f"object-{size // KIB}k").write_bytes(os.urandom(size))
        write_big(self.big, self._big_size)
        self.offer = offer_of(self.big, self._python)
        for page in range(PAGES):
            write_page(pages / f"{page}.xml", page)

    def _write_certificate(self) -> None:
        # Not an authority: rustls takes no authority's certificate for a server's.
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", str(self._folder / "key.pem"), "-out", str(self.ca),
            ],
            check=True, capture_output=True, timeout=30,
        )  # fmt: skip

    def _start(self) -> None:
        self.port, self.tls_port = free_ports(2)
        configuration = self._folder / "nginx.conf"
        configuration.write_text(self._configuration())
        pin = ["taskset", "-c", self._processor] if self._processor else []
        with signals_held():
            self._process = subprocess.Popen(
                [
                    *pin, "nginx", "-p", str(self._folder), "-c", str(configuration),
                    "-e", str(self._folder / "error.log"),
                ],
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise OSError(f"nginx did not start: {self._complaint()}") from None
                time.sleep(0.02)

    def _complaint(self) -> str:
        log = self._folder / "error.log"
        return log.read_text().strip()[-500:] if log.exists() else "it said nothing"

    def _configuration(self) -> str:
        build = _build()
        # nginx makes these folders when it starts, elsewhere unless it is told where.
        temporary = [
            f"{name.replace('-', '_')}_temp_path temporary/{name};"
            for name in TEMPORARY
            if f"--http-{name}-temp-path=" in build
        ]
        (self._folder / "temporary").mkdir(exist_ok=True)
        values = {
            "MODULES": str(_modules_folder()),
            # As root it would change to a user who may not read the folder.
            "USER": "user root;" if os.geteuid() == 0 else "",
            "TEMPORARY": "\n    ".join(temporary),
            "PORT": str(self.port),
            "TLS_PORT": str(self.tls_port),
            "WWW": str(self._folder / "www"),
            "ALGORITHM": self.offer.algorithm,
            "CHECKSUM": self.offer.value,
        }
        return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], TEMPLATE.read_text())
