"""TLS options in awscrt's words, tried on a server."""

from __future__ import annotations

import contextlib
import pickle
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from aiohttp_s3_client.errors import AwsCrtError
from aiohttp_s3_client.meta_request.tls import (
    ClientTlsContext,
    TlsConnectionOptions,
    TlsContextOptions,
    TlsVersion,
    context_of,
)
from aiohttp_s3_client.transport.session import open_session
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import reply

Serve = Callable[..., Awaitable[ScriptedServer]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def issued(authority: trustme.CA) -> trustme.LeafCert:
    """The client's certificate."""
    return authority.issue_cert("client@example.com")


@pytest.fixture
async def url(scripted: Serve, authority: trustme.CA) -> str:
    """Of a server that whoever trusts the authority believes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = await scripted(rest=reply(204), ssl_context=context)
    return server.url


@pytest.fixture
async def strict(scripted: Serve, authority: trustme.CA) -> str:
    """The URL of a server that speaks to clients with a certificate only, by TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return (await scripted(rest=reply(204), ssl_context=context)).url


def options_of(options: TlsContextOptions) -> TlsConnectionOptions:
    return ClientTlsContext(options).new_connection_options()


def trusting(authority: trustme.CA, options: TlsContextOptions) -> TlsContextOptions:
    options.override_default_trust_store(authority.cert_pem.bytes())
    return options


async def status(url: str, options: TlsContextOptions) -> int:
    tls = await context_of(options_of(options))
    async with open_session(tls=tls) as session, session.get(url) as response:
        return response.status


async def test_a_server_that_nobody_vouches_for(url: str) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await status(url, TlsContextOptions())


async def test_verify_peer(url: str) -> None:
    options = TlsContextOptions()
    options.verify_peer = False
    assert await status(url, options) == 204


async def test_own_authorities(url: str, authority: trustme.CA, tmp_path: Path) -> None:
    assert await status(url, trusting(authority, TlsContextOptions())) == 204
    file = tmp_path / "authority.pem"
    file.write_bytes("# Ünsere Stelle\n".encode() + authority.cert_pem.bytes())
    options = TlsContextOptions()
    options.override_default_trust_store_from_path(ca_filepath=str(file))
    assert await status(url, options) == 204
    options.override_default_trust_store(file.read_bytes())
    assert await status(url, options) == 204
    options.override_default_trust_store_from_path(ca_dirpath=str(tmp_path))
    with pytest.raises(aiohttp.ClientConnectorCertificateError):  # Not by OpenSSL's names.
        await status(url, options)


async def test_no_other_version_of_http_is_offered(authority: trustme.CA) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    server.set_alpn_protocols(["h2", "http/1.1"])
    tls = await context_of(options_of(trusting(authority, TlsContextOptions())))
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (server.wrap_bio(there, here, True), tls.wrap_bio(here, there, False, "localhost"))
    for _ in range(3):
        for end in reversed(ends):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    assert [end.selected_alpn_protocol() for end in ends] == ["http/1.1"] * 2


async def test_the_name_is_checked(url: str, authority: trustme.CA) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError, match="127"):
        await status(
            url.replace("localhost", "127.0.0.1"), trusting(authority, TlsContextOptions())
        )


async def test_certificate_of_the_client(
    strict: str, authority: trustme.CA, issued: trustme.LeafCert, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    with pytest.raises(aiohttp.ClientError):
        await status(strict, trusting(authority, TlsContextOptions()))
    for options in (
        TlsContextOptions.create_client_with_mtls(certificate.read_bytes(), key.read_bytes()),
        TlsContextOptions.create_client_with_mtls_from_path(str(certificate), str(key)),
    ):
        assert await status(strict, trusting(authority, options)) == 204


async def test_no_key_stays_on_the_disk(
    issued: trustme.LeafCert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pem = issued.cert_chain_pems[0].bytes()
    options = TlsContextOptions.create_client_with_mtls(pem, issued.private_key_pem.bytes())
    await context_of(options_of(options))
    with pytest.raises(AwsCrtError):
        await context_of(options_of(TlsContextOptions.create_client_with_mtls(pem, b"no key")))
    assert list(tmp_path.iterdir()) == []


async def test_least_version(strict: str, authority: trustme.CA, issued: trustme.LeafCert) -> None:
    options = TlsContextOptions.create_client_with_mtls(
        issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()
    )
    trusting(authority, options).min_tls_ver = TlsVersion.TLSv1_3
    with pytest.raises(aiohttp.ClientConnectorError):
        await status(strict, options)
    options.min_tls_ver = TlsVersion.TLSv1_2
    assert await status(strict, options) == 204


async def test_made_once_of_the_options_as_they_were(authority: trustme.CA) -> None:
    options = TlsContextOptions()
    options.verify_peer = False
    context = ClientTlsContext(options)
    options.verify_peer = True
    made = await context_of(context.new_connection_options())
    assert made.verify_mode is ssl.CERT_NONE
    assert await context_of(TlsConnectionOptions(context)) is made


async def test_a_context_of_pythons_is_taken_as_it_is() -> None:
    context = ssl.create_default_context()
    assert await context_of(context) is context


def missing_file(options: TlsContextOptions, path: str) -> TlsContextOptions:
    options.override_default_trust_store_from_path(ca_filepath=path)
    return options


def missing_directory(options: TlsContextOptions, path: str) -> TlsContextOptions:
    options.override_default_trust_store_from_path(ca_dirpath=path)
    return options


def no_pem(options: TlsContextOptions, path: str) -> TlsContextOptions:
    options.override_default_trust_store(path.encode())
    return options


def no_key(options: TlsContextOptions, path: str) -> TlsContextOptions:
    return options.create_client_with_mtls(path.encode(), path.encode())


def missing_key(options: TlsContextOptions, path: str) -> TlsContextOptions:
    return options.create_client_with_mtls_from_path(path, path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (missing_file, "the trusted authorities cannot be used: .*No such file"),
        (missing_directory, "ca_dirpath is no directory: .*missing"),
        (no_pem, "the trusted authorities cannot be used"),
        (no_key, "the client's certificate cannot be used"),
        (missing_key, "the client's certificate cannot be used: .*No such file"),
    ],
)
async def test_what_cannot_be_used(
    spoil: Callable[[TlsContextOptions, str], TlsContextOptions], said: str, tmp_path: Path
) -> None:
    options = spoil(TlsContextOptions(), str(tmp_path / "missing"))
    with pytest.raises(AwsCrtError, match=said) as caught:
        await context_of(options_of(options))
    assert (caught.value.code, caught.value.name) == (1033, "AWS_IO_TLS_CTX_ERROR")


async def test_an_encrypted_key_is_not_asked_for_on_the_terminal(
    issued: trustme.LeafCert,
) -> None:
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    options = TlsContextOptions.create_client_with_mtls(
        issued.cert_chain_pems[0].bytes(), encrypted
    )
    with pytest.raises(AwsCrtError, match="private key is encrypted"):
        await context_of(options_of(options))


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("verify_peer", None, TypeError),
        ("verify_peer", 0, TypeError),
        ("min_tls_ver", 0, ValueError),
    ],
)
def test_values_that_cannot_work(name: str, value: object, error: type[Exception]) -> None:
    options = TlsContextOptions()
    setattr(options, name, value)
    with pytest.raises(error, match=name):
        ClientTlsContext(options)


def test_an_option_that_is_not_known_is_not_taken() -> None:
    with pytest.raises(AttributeError):
        TlsContextOptions().cipher_pref = 0  # type: ignore[attr-defined]  # what is tested
    with pytest.raises(ValueError, match="ca_dirpath, ca_filepath or both"):
        TlsContextOptions().override_default_trust_store_from_path()


@pytest.mark.parametrize("given", [None, True, object()])
async def test_what_is_no_tls(given: object) -> None:
    with pytest.raises(TypeError, match="tls_connection_options must be TlsConnectionOptions"):
        await context_of(cast(Any, given))
    with pytest.raises(TypeError, match="options must be TlsContextOptions"):
        ClientTlsContext(cast(Any, given))
    with pytest.raises(TypeError, match="tls_ctx must be a ClientTlsContext"):
        TlsConnectionOptions(cast(Any, given))


def test_keys_are_neither_shown_nor_pickled() -> None:
    options = TlsContextOptions.create_client_with_mtls(b"certificate", b"s3cr3t")
    context = ClientTlsContext(options)
    for held in (options, context, context.new_connection_options()):
        assert "s3cr3t" not in repr(held)
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(held)
