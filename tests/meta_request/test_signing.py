"""Credentials and signatures in awscrt's words, and what they come to here."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiohttp_s3_client.credentials import AbstractCredentials, StaticCredentials
from aiohttp_s3_client.errors import CredentialsError
from aiohttp_s3_client.meta_request.providers import (
    AwsCredentials,
    AwsCredentialsProvider,
    ProviderLike,
    credentials_of,
)
from aiohttp_s3_client.meta_request.signing import (
    AwsSignatureType,
    AwsSignedBodyHeaderType,
    AwsSignedBodyValue,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    Signing,
    SigningLike,
    create_default_s3_signing_config,
    signing_of,
)
from aiohttp_s3_client.models import CredentialsProvider, CredentialsSnapshot
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import reply

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "s3cr3t/k3y", "tok3n"
UNTIL = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No keys anywhere, and no metadata service."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


async def keys(provider: AwsCredentialsProvider) -> tuple[str, str, str | None]:
    found = await provider.get_credentials()
    return found.access_key_id, found.secret_access_key, found.session_token


class TestProviders:
    async def test_static(self) -> None:
        provider = AwsCredentialsProvider.new_static(KEY, SECRET, TOKEN)
        assert await keys(provider) == (KEY, SECRET, TOKEN)
        assert await keys(AwsCredentialsProvider.new_static(KEY, SECRET)) == (KEY, SECRET, None)
        assert (await provider.get_credentials()).expiration is None

    async def test_anonymous(self) -> None:
        source = credentials_of(AwsCredentialsProvider.new_anonymous())
        assert (await source.resolve()).anonymous

    async def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        assert await keys(AwsCredentialsProvider.new_environment()) == (KEY, SECRET, None)
        assert await keys(AwsCredentialsProvider.new_default_chain()) == (KEY, SECRET, None)

    async def test_profile(self, home: Path) -> None:
        text = f"[other]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
        (home / "credentials").write_text(text)
        elsewhere = home / "elsewhere"
        elsewhere.write_text(text.replace(KEY, "AKIDELSEWHERE"))
        new_profile = AwsCredentialsProvider.new_profile
        assert await keys(new_profile(profile_name="other")) == (KEY, SECRET, None)
        assert await keys(new_profile(None, "other", str(home / "no-config"), str(elsewhere))) == (
            "AKIDELSEWHERE",
            SECRET,
            None,
        )
        with pytest.raises(CredentialsError, match="profile 'missing' is in neither"):
            await new_profile(profile_name="missing").get_credentials()

    async def test_default_chain_ends_with_the_instances_role(
        self, scripted: Callable[..., Awaitable[ScriptedServer]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        role = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": TOKEN}
        server = await scripted(
            reply(200, body="t0ken"),
            reply(200, body="role"),
            reply(200, body=json.dumps(role)),
            reply(200, body="eu-west-1"),
        )
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        assert await keys(AwsCredentialsProvider.new_default_chain()) == (KEY, SECRET, TOKEN)

    async def test_default_chain_says_where_it_looked(self) -> None:
        with pytest.raises(CredentialsError, match=r"AWS_ACCESS_KEY_ID.*profile.*metadata service"):
            await AwsCredentialsProvider.new_default_chain().get_credentials()

    async def test_chain(self) -> None:
        first, second = AwsCredentialsProvider.new_environment(), StaticCredentials(KEY, SECRET)
        assert await keys(AwsCredentialsProvider.new_chain([first, second])) == (KEY, SECRET, None)
        with pytest.raises(ValueError, match="at least one source"):
            AwsCredentialsProvider.new_chain([])

    async def test_chain_wants_sources(self) -> None:
        given = cast(CredentialsProvider, SimpleNamespace(resolve=0, at_hand=0, invalidate=0))
        with pytest.raises(TypeError, match="provider 2 of new_chain is no source of a chain"):
            AwsCredentialsProvider.new_chain([AwsCredentialsProvider.new_anonymous(), given])

    @pytest.mark.parametrize(("key", "secret"), [(KEY, ""), ("", SECRET)])
    def test_half_a_pair_is_refused(self, key: str, secret: str) -> None:
        with pytest.raises(ValueError, match="is given without"):
            AwsCredentialsProvider.new_static(key, secret)


class TestDelegate:
    async def test_is_asked_in_a_thread_whenever_keys_are_needed(self) -> None:
        threads: list[int] = []

        def ask() -> AwsCredentials:
            threads.append(threading.get_ident())
            return AwsCredentials(KEY, SECRET, TOKEN, UNTIL + timedelta(days=len(threads)))

        provider = AwsCredentialsProvider.new_delegate(ask)
        assert (await provider.get_credentials()).expiration == UNTIL + timedelta(days=1)
        assert (await provider.get_credentials()).expiration == UNTIL + timedelta(days=2)
        assert threading.get_ident() not in threads

    async def test_is_asked_once_for_all_who_wait(self) -> None:
        asked, go_on = 0, threading.Event()

        def ask() -> AwsCredentials:
            nonlocal asked
            asked += 1
            assert go_on.wait(10)
            return AwsCredentials(KEY, SECRET)

        provider = AwsCredentialsProvider.new_delegate(ask)
        waiting = [asyncio.create_task(keys(provider)) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        go_on.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(outcomes[0], asyncio.CancelledError)
        assert outcomes[1:] == [(KEY, SECRET, None)] * 2
        assert asked == 1

    async def test_failure(self) -> None:
        def ask() -> AwsCredentials:
            raise LookupError(SECRET)

        with pytest.raises(CredentialsError, match="provider failed: LookupError") as caught:
            await AwsCredentialsProvider.new_delegate(ask).get_credentials()
        assert SECRET not in str(caught.value)
        assert isinstance(caught.value.__cause__, LookupError)

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (None, "no AwsCredentials but NoneType"),
            ((KEY, SECRET), "no AwsCredentials but tuple"),
            (AwsCredentials("", ""), "no access_key_id"),
            (AwsCredentials("", SECRET), "secret_access_key is given without access_key_id"),
            (AwsCredentials("key\n", SECRET), "access_key_id has a control character"),
        ],
    )
    async def test_answers_that_are_no_credentials(self, answer: object, said: str) -> None:
        ask = cast("Callable[[], AwsCredentials]", lambda: answer)
        with pytest.raises(CredentialsError, match=said) as caught:
            await AwsCredentialsProvider.new_delegate(ask).get_credentials()
        assert SECRET not in str(caught.value)

    def test_what_is_no_function(self) -> None:
        with pytest.raises(TypeError, match="get_credentials must be a function, not str"):
            AwsCredentialsProvider.new_delegate("keys")  # type: ignore[arg-type]  # what is tested

    def test_asked_where_no_loop_runs(self) -> None:
        source = AwsCredentialsProvider.new_delegate(lambda: AwsCredentials(KEY, SECRET)).source
        assert source.at_hand() == CredentialsSnapshot(KEY, SECRET)

    async def test_at_hand_in_a_loop_is_what_was_found_before(self) -> None:
        source = AwsCredentialsProvider.new_delegate(lambda: AwsCredentials(KEY, SECRET)).source
        with pytest.raises(CredentialsError, match=r"await credentials\.resolve"):
            source.at_hand()
        await source.resolve()
        assert source.at_hand() == CredentialsSnapshot(KEY, SECRET)


class Foreign:
    """A provider as awscrt's: it answers from a thread of its own, later."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def get_credentials(self) -> Future[AwsCredentials]:
        future: Future[AwsCredentials] = Future()
        if isinstance(self.outcome, Exception):
            answer = partial(future.set_exception, self.outcome)
        else:
            answer = partial(future.set_result, self.outcome)
        threading.Timer(0.01, answer).start()
        return future


class TestForeign:
    async def test_answers_without_blocking(self) -> None:
        naive = datetime.fromtimestamp(UNTIL.timestamp())  # which awscrt takes for local time
        for given in (
            AwsCredentials(KEY, SECRET, TOKEN, UNTIL),
            SimpleNamespace(
                access_key_id=KEY, secret_access_key=SECRET, session_token=TOKEN, expiration=naive
            ),
        ):
            source = credentials_of(Foreign(given))
            found = await source.resolve()
            assert found == CredentialsSnapshot(KEY, SECRET, TOKEN, UNTIL)
            assert isinstance(source, AbstractCredentials)

    def test_waits_where_no_loop_runs(self) -> None:
        source = credentials_of(Foreign(AwsCredentials(KEY, SECRET)))
        assert source.at_hand() == CredentialsSnapshot(KEY, SECRET)

    async def test_the_loop_goes_on_meanwhile(self) -> None:
        loop = asyncio.get_running_loop()

        class FromTheLoop:
            """Its answer needs a loop that runs."""

            def get_credentials(self) -> Future[AwsCredentials]:
                future: Future[AwsCredentials] = Future()
                answer = partial(future.set_result, AwsCredentials(KEY, SECRET))
                loop.call_soon_threadsafe(loop.call_later, 0.01, answer)
                return future

        async with asyncio.timeout(5):
            found = await credentials_of(FromTheLoop()).resolve()
        assert found == CredentialsSnapshot(KEY, SECRET)

    async def test_an_expiration_of_another_zone(self) -> None:
        later = UNTIL.astimezone(timezone(timedelta(hours=2)))
        found = await credentials_of(Foreign(AwsCredentials(KEY, SECRET, None, later))).resolve()
        assert found.expires_at is not None
        assert (found.expires_at, found.expires_at.tzinfo) == (UNTIL, UTC)

    async def test_failure(self) -> None:
        with pytest.raises(CredentialsError, match="provider failed: RuntimeError"):
            await credentials_of(Foreign(RuntimeError("6150"))).resolve()

    def test_failure_where_no_loop_runs(self) -> None:
        with pytest.raises(CredentialsError, match="provider failed: RuntimeError"):
            credentials_of(Foreign(RuntimeError("6150"))).at_hand()

    @pytest.mark.parametrize("given", [None, "keys", object()])
    def test_what_is_no_provider(self, given: object) -> None:
        with pytest.raises(TypeError, match="must be an AwsCredentialsProvider, not"):
            credentials_of(cast(ProviderLike, given))


class TestSecrets:
    def test_are_not_shown(self) -> None:
        held = AwsCredentials(KEY, SECRET, TOKEN, UNTIL)
        provider = AwsCredentialsProvider.new_static(KEY, SECRET, TOKEN)
        config = create_default_s3_signing_config(region="r", credential_provider=provider)
        for shown in (repr(held), repr(provider), repr(config), repr(signing_of(config))):
            assert KEY in shown
            assert SECRET not in shown
            assert TOKEN not in shown

    def test_are_not_pickled(self) -> None:
        provider = AwsCredentialsProvider.new_static(KEY, SECRET)
        config = create_default_s3_signing_config(region="r", credential_provider=provider)
        for held in (AwsCredentials(KEY, SECRET), provider, config, signing_of(config)):
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(held)


class TestConfig:
    def test_defaults(self) -> None:
        config = AwsSigningConfig()
        assert config.algorithm is AwsSigningAlgorithm.V4
        assert config.signature_type is AwsSignatureType.HTTP_REQUEST_HEADERS
        assert (config.use_double_uri_encode, config.should_normalize_uri_path) == (True, True)
        assert signing_of(config) == Signing("sigv4", "s3", "", None, None)

    def test_of_s3(self) -> None:
        provider = AwsCredentialsProvider.new_static(KEY, SECRET)
        config = create_default_s3_signing_config(region="eu-west-1", credential_provider=provider)
        assert (config.region, config.service) == ("eu-west-1", "s3")
        assert config.credentials_provider is provider
        assert config.signed_body_value == AwsSignedBodyValue.UNSIGNED_PAYLOAD
        assert config.signed_body_header_type is AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256
        assert signing_of(config) == Signing("sigv4", "s3", "eu-west-1", provider.source, False)

    def test_further_attributes_of_it(self, caplog: pytest.LogCaptureFixture) -> None:
        config = create_default_s3_signing_config(
            region="*",
            credential_provider=StaticCredentials(KEY, SECRET),
            algorithm=AwsSigningAlgorithm.V4_ASYMMETRIC,
        )
        assert signing_of(config).scheme == "sigv4a"
        assert not caplog.records
        config = create_default_s3_signing_config(
            region="r", credential_provider=StaticCredentials(KEY, SECRET), colour="blue"
        )
        assert signing_of(config).region == "r"
        assert "colour is not known" in caplog.text
        assert "blue" not in caplog.text

    def test_replace(self) -> None:
        config = AwsSigningConfig(region="eu-west-1", service="s3")
        changed = config.replace(algorithm=AwsSigningAlgorithm.V4_S3EXPRESS, service="s3express")
        assert signing_of(changed) == Signing(
            "sigv4-s3express", "s3express", "eu-west-1", None, None
        )
        assert config.algorithm is AwsSigningAlgorithm.V4
        with pytest.raises(AttributeError):
            config.region = "eu-west-2"  # type: ignore[misc]  # what is tested

    @pytest.mark.parametrize(
        ("config", "said"),
        [
            (
                AwsSigningConfig(signature_type=AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS),
                "signature_type must be .*HEADERS.*, not .*QUERY_PARAMS.*: this client signs in",
            ),
            (AwsSigningConfig(expiration_in_seconds=60), "expiration_in_seconds must be None"),
            (AwsSigningConfig(should_sign_header=bool), "should_sign_header must be None"),
            (AwsSigningConfig(omit_session_token=True), "omit_session_token must be False"),
            (
                AwsSigningConfig(
                    signed_body_value=AwsSignedBodyValue.STREAMING_AWS4_HMAC_SHA256_EVENTS
                ),
                "signed_body_value must be None or one of UNSIGNED-PAYLOAD, .*, not 'STREAMING",
            ),
            (
                AwsSigningConfig(signed_body_value="0" * 64),
                "signed_body_value must be .*, not '0000.* digest is computed for each request",
            ),
            (
                AwsSigningConfig(algorithm=7),  # type: ignore[arg-type]  # what is tested
                "algorithm must be an AwsSigningAlgorithm, not 7",
            ),
        ],
    )
    def test_what_would_be_ignored_is_refused(self, config: AwsSigningConfig, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            signing_of(config)

    @pytest.mark.parametrize(
        ("value", "signed"),
        [
            (None, None),
            (AwsSignedBodyValue.UNSIGNED_PAYLOAD, False),
            (AwsSignedBodyValue.EMPTY_SHA256, True),
            (AwsSignedBodyValue.STREAMING_AWS4_HMAC_SHA256_PAYLOAD, True),
        ],
    )
    def test_what_is_signed_of_a_body(self, value: str | None, signed: bool | None) -> None:
        assert signing_of(AwsSigningConfig(signed_body_value=value)).sha256 is signed

    def test_what_awscrts_signer_needs_for_other_services(self) -> None:
        """Its S3 client signs for now, and a path as it is sent; so does this one."""
        given = AwsSigningConfig(
            date=UNTIL, use_double_uri_encode=False, should_normalize_uri_path=True
        )
        assert signing_of(given) == signing_of(AwsSigningConfig())

    @pytest.mark.parametrize("name", ["region", "service"])
    def test_names_are_text(self, name: str) -> None:
        config = AwsSigningConfig(**{name: 5})  # type: ignore[arg-type]  # what is tested
        with pytest.raises(TypeError, match=f"{name} must be a str, not 5"):
            signing_of(config)

    @pytest.mark.parametrize("given", [None, "s3v4", object()])
    def test_what_is_no_config(self, given: object) -> None:
        with pytest.raises(TypeError, match="signing_config must be an AwsSigningConfig, not"):
            signing_of(cast(SigningLike, given))

    async def test_awscrts_own_is_read_by_its_attributes(self) -> None:
        given: Any = SimpleNamespace(
            algorithm=2,
            signature_type=0,
            credentials_provider=Foreign(AwsCredentials(KEY, SECRET)),
            region="us-east-1",
            service="",
            date=UNTIL,
            should_sign_header=None,
            use_double_uri_encode=True,
            should_normalize_uri_path=True,
            signed_body_value="UNSIGNED-PAYLOAD",
            signed_body_header_type=1,
            expiration_in_seconds=None,
            omit_session_token=False,
        )
        scheme, service, region, credentials, sha256 = signing_of(given)
        assert (scheme, service, region) == ("sigv4-s3express", "s3", "us-east-1")
        assert sha256 is False
        assert credentials is not None
        assert await credentials.resolve() == CredentialsSnapshot(KEY, SECRET)
        given.signature_type = 1
        with pytest.raises(ValueError, match="signature_type must be"):
            signing_of(given)

    def test_awscrts_own_without_a_provider(self) -> None:
        """It does not say None: reading the attribute fails."""

        class WithoutOne(AwsSigningConfig):
            def __getattribute__(self, name: str) -> object:
                if name == "credentials_provider":
                    raise SystemError("returned NULL without setting an exception")
                return super().__getattribute__(name)

        assert signing_of(WithoutOne(region="r")) == Signing("sigv4", "s3", "r", None, None)
