"""TLS of a meta request's connections: awscrt's words for an ``ssl.SSLContext``.

What Python's TLS cannot do is not here, so that no option is accepted without effect. Files are
read by ``context_of``, in a thread.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, NoReturn

from ..errors import AwsCrtError
from ..transport.shielding import threaded


class TlsVersion(IntEnum):
    """The least version of TLS that is spoken."""

    TLSv1_2 = 3
    TLSv1_3 = 4
    DEFAULT = 128
    """What is Python's own default."""


_VERSIONS: dict[int, ssl.TLSVersion | None] = {
    TlsVersion.TLSv1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLSv1_3: ssl.TLSVersion.TLSv1_3,
    TlsVersion.DEFAULT: None,
}


class _Authorities(NamedTuple):
    """Who is trusted in the place of the system's authorities, which all None are."""

    file: str | None = None
    directory: str | None = None
    pem: bytes | None = None


@dataclass(frozen=True, slots=True, repr=False)
class _Certificate:
    """The client's own certificate and its private key: paths of two files, or what is in one."""

    files: tuple[str, str] | None
    pem: bytes

    def __reduce__(self) -> NoReturn:
        raise TypeError("TLS options are not pickled: the pickle would hold a private key")


class _Settings(NamedTuple):
    least: ssl.TLSVersion | None
    verify_peer: bool
    trusted: _Authorities
    own: _Certificate | None


class TlsContextOptions:
    """How servers are checked, and who the client says it is.

    ``verify_peer`` False believes any server. ``min_tls_ver`` is the least version spoken.
    """

    __slots__ = ("_own", "_trusted", "min_tls_ver", "verify_peer")

    def __init__(self) -> None:
        self.min_tls_ver = TlsVersion.DEFAULT
        self.verify_peer = True
        self._trusted = _Authorities()
        self._own: _Certificate | None = None

    @classmethod
    def create_client_with_mtls(cls, cert_buffer: bytes, key_buffer: bytes) -> TlsContextOptions:
        """Options with a certificate of the client and its private key, both PEM.

        OpenSSL reads keys from files only: they pass through one that nobody else can read.
        """
        return cls._with(_Certificate(None, bytes(cert_buffer) + b"\n" + bytes(key_buffer)))

    @classmethod
    def create_client_with_mtls_from_path(
        cls, cert_filepath: str, pk_filepath: str
    ) -> TlsContextOptions:
        """Options with a certificate of the client and its private key, each in a PEM file."""
        return cls._with(_Certificate((os.fspath(cert_filepath), os.fspath(pk_filepath)), b""))

    @classmethod
    def _with(cls, own: _Certificate) -> TlsContextOptions:
        options = cls()
        options._own = own
        return options

    def override_default_trust_store(self, rootca_buffer: bytes) -> None:
        """Trust these authorities (PEM) in the place of the system's."""
        self._trusted = _Authorities(pem=bytes(rootca_buffer))

    def override_default_trust_store_from_path(
        self, ca_dirpath: str | None = None, ca_filepath: str | None = None
    ) -> None:
        """Trust the authorities of a PEM file, of a directory with OpenSSL's names, or of both, in
        the place of the system's."""
        if ca_dirpath is None and ca_filepath is None:
            raise ValueError("ca_dirpath, ca_filepath or both must be given")
        self._trusted = _Authorities(ca_filepath, ca_dirpath)

    def settings(self) -> _Settings:
        """What these options say now."""
        if self.min_tls_ver not in _VERSIONS:
            raise ValueError(f"min_tls_ver must be a TlsVersion, not {self.min_tls_ver!r}")
        if not isinstance(self.verify_peer, bool):
            raise TypeError(f"verify_peer must be True or False, not {self.verify_peer!r}")
        least = _VERSIONS[self.min_tls_ver]
        return _Settings(least, self.verify_peer, self._trusted, self._own)


class ClientTlsContext:
    """Options as they are now, for as many connections as like."""

    __slots__ = ("_loaded", "_settings")

    def __init__(self, options: TlsContextOptions) -> None:
        if not isinstance(options, TlsContextOptions):
            raise TypeError(f"options must be TlsContextOptions, not {type(options).__name__}")
        self._settings = options.settings()
        self._loaded: ssl.SSLContext | None = None

    def new_connection_options(self) -> TlsConnectionOptions:
        """What a client takes as ``tls_connection_options``."""
        return TlsConnectionOptions(self)

    async def load(self) -> ssl.SSLContext:
        """The context, made in a thread the first time.

        Raises ``AwsCrtError`` (``AWS_IO_TLS_CTX_ERROR``) for files and keys that cannot be used.
        """
        if self._loaded is None:
            self._loaded = await threaded(self._load)
        return self._loaded

    def _load(self) -> ssl.SSLContext:
        try:
            return _made(self._settings)
        except (OSError, ValueError) as error:
            raise AwsCrtError.of("AWS_IO_TLS_CTX_ERROR", str(error)) from error


class TlsConnectionOptions:
    """The TLS of a client's connections: those of one ``tls_ctx``."""

    __slots__ = ("tls_ctx",)

    def __init__(self, tls_ctx: ClientTlsContext) -> None:
        if not isinstance(tls_ctx, ClientTlsContext):
            raise TypeError(f"tls_ctx must be a ClientTlsContext, not {type(tls_ctx).__name__}")
        self.tls_ctx = tls_ctx


def check_tls(given: object) -> None:
    """Raise ``TypeError`` for *given* being neither ``TlsConnectionOptions`` nor a context."""
    if isinstance(given, TlsConnectionOptions | ssl.SSLContext):
        return
    raise TypeError(
        "tls_connection_options must be TlsConnectionOptions of aiohttp_s3_client.meta_request "
        f"(awscrt's own cannot be read) or an ssl.SSLContext, not {type(given).__name__}"
    )


async def context_of(given: TlsConnectionOptions | ssl.SSLContext) -> ssl.SSLContext:
    """The context that *given* is or stands for; files are read in a thread, once.

    Raises ``AwsCrtError`` (``AWS_IO_TLS_CTX_ERROR``) for files and keys that cannot be used.
    """
    check_tls(given)
    return given if isinstance(given, ssl.SSLContext) else await given.tls_ctx.load()


def _made(settings: _Settings) -> ssl.SSLContext:
    file, directory, pem = settings.trusted
    # OpenSSL takes a directory that is not there for one that is empty.
    if directory is not None and not os.path.isdir(directory):
        raise NotADirectoryError(f"ca_dirpath is no directory: {directory}")
    # It wants ASCII; only remarks between the certificates can be anything else.
    ascii_pem = None if pem is None else pem.decode("ascii", "ignore")
    try:
        context = ssl.create_default_context(cafile=file, capath=directory, cadata=ascii_pem)
    except OSError as error:
        raise OSError(f"the trusted authorities cannot be used: {error}") from error
    if not settings.verify_peer:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.least is not None:
        context.minimum_version = settings.least
    context.set_alpn_protocols(["http/1.1"])
    if settings.own is not None:
        try:
            with _paths(settings.own) as paths:
                context.load_cert_chain(*paths, password=_no_password)
        except OSError as error:
            raise OSError(f"the client's certificate cannot be used: {error}") from error
    return context


def _no_password() -> str:
    # Without this, OpenSSL would ask for it on the terminal, and wait.
    raise ValueError("the client's private key is encrypted; give it without a password")


@contextlib.contextmanager
def _paths(own: _Certificate) -> Iterator[tuple[str, str]]:
    """Where the certificate and its key are, for as long as they are being loaded."""
    if own.files is not None:
        yield own.files
        return
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with open(descriptor, "wb") as file:
            file.write(own.pem)
        yield path, path
    finally:
        os.unlink(path)
