"""The metadata service of EC2: its two versions, its failures, and renewal."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from aiohttp_s3_client.credentials import MetadataCredentials
from aiohttp_s3_client.errors import CredentialsError

from .conftest import KEY, SECRET, STALL, TOKEN, Imds, keys_document, until

HOUR = timedelta(hours=1)


class FakeClock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def credentials(imds: Imds, clock: FakeClock) -> MetadataCredentials:
    """Credentials whose six hours have just begun."""
    renew(imds, clock, 6 * HOUR)
    return MetadataCredentials(host="127.0.0.1", port=imds.port, clock=clock)


def renew(imds: Imds, clock: FakeClock, life: timedelta, token: str = TOKEN) -> None:
    imds.replies[imds.KEYS] = (200, keys_document(life, token=token, now=clock.now))


def at(imds: Imds) -> MetadataCredentials:
    return MetadataCredentials(host="127.0.0.1", port=imds.port)


async def test_version_2(imds: Imds, credentials: MetadataCredentials) -> None:
    snapshot = await credentials.resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == (KEY, SECRET)
    assert (snapshot.session_token, snapshot.region) == (TOKEN, "eu-central-1")
    assert snapshot.expires_at == datetime(2030, 1, 1, 6, tzinfo=UTC)
    lines = [line for line, _ in imds.requests]
    assert lines == [imds.TOKEN, imds.ROLE, imds.KEYS, imds.REGION]
    (_, put), *gets = imds.requests
    assert put["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"
    assert all(headers["x-aws-ec2-metadata-token"] == "the-imds-token==" for _, headers in gets)
    assert await credentials.resolve() is snapshot
    assert len(imds.requests) == 4
    assert credentials
    assert credentials.region == "eu-central-1"


@pytest.mark.parametrize("status", [404, 405])
async def test_version_1(imds: Imds, status: int) -> None:
    imds.replies[imds.TOKEN] = (status, "")
    assert (await at(imds).resolve()).session_token == TOKEN
    assert not any("x-aws-ec2-metadata-token" in headers for _, headers in imds.requests)


async def test_region_of_the_document(imds: Imds) -> None:
    del imds.replies[imds.REGION]
    imds.replies[imds.DOCUMENT] = (200, '{"region": "eu-north-1"}')
    assert (await at(imds).resolve()).region == "eu-north-1"


async def test_a_region_that_is_given_is_not_asked_for(imds: Imds) -> None:
    credentials = MetadataCredentials(host="127.0.0.1", port=imds.port, region="given")
    assert (await credentials.resolve()).region == credentials.region == "given"
    assert imds.count(imds.REGION) == 0


@pytest.mark.parametrize(
    ("region", "document"),
    [
        ((STALL, ""), (404, "")),
        ((500, ""), (404, "")),
        ((200, "<html>"), (404, "")),
        ((404, ""), (404, "")),
        ((404, ""), (200, "[]")),
        ((404, ""), (200, '{"region": null}')),
    ],
)
async def test_keys_are_worth_more_than_the_region(
    imds: Imds,
    region: tuple[int, str],
    document: tuple[int, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    imds.replies |= {imds.REGION: region, imds.DOCUMENT: document}
    snapshot = await at(imds).resolve()
    assert (snapshot.access_key_id, snapshot.region) == (KEY, "")
    assert "region is not known" in caplog.text


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ({Imds.TOKEN: (403, "")}, "switched off"),
        ({Imds.TOKEN: (400, "")}, "status 400"),
        ({Imds.TOKEN: (200, "two\nlines")}, ""),
        ({Imds.TOKEN: (200, "")}, "no token"),
        ({Imds.TOKEN: (503, "")}, "status 503"),
        ({Imds.TOKEN: (200, "x" * 100_000)}, "longer than 65536 bytes"),
        ({Imds.ROLE: (404, "")}, "no IAM role is attached"),
        ({Imds.ROLE: (401, "")}, "status 401"),
        ({Imds.ROLE: (200, "<html><body>")}, "no name of a role"),
        ({Imds.ROLE: (302, "")}, "status 302"),
        ({Imds.KEYS: (404, "")}, "status 404"),
        ({Imds.KEYS: (200, f"garbage {SECRET}")}, "no JSON object"),
        ({Imds.KEYS: (200, f'["{SECRET}"]')}, "no JSON object"),
        ({Imds.KEYS: (200, '{"Code": "AssumeRoleUnauthorizedAccess"}')}, "AssumeRoleUnauth"),
        ({Imds.KEYS: (200, f'{{"Code": "Failed, {SECRET}"}}')}, "Code is unreadable"),
        ({Imds.KEYS: (200, '{"Code": "Success"}')}, "no AccessKeyId"),
        ({Imds.KEYS: (200, f'{{"AccessKeyId": "{KEY}"}}')}, "without SecretAccessKey"),
        ({Imds.KEYS: (200, '{"AccessKeyId": 1, "SecretAccessKey": 2}')}, "not text"),
        (
            {Imds.KEYS: (200, keys_document(HOUR).replace("Expiration", "Code2"))},
            "",
        ),
        (
            {Imds.KEYS: (200, json.dumps({**json.loads(keys_document(HOUR)), "Expiration": 1}))},
            "no date",
        ),
    ],
)
async def test_failures_are_told_without_what_was_answered(
    imds: Imds, replies: dict[str, tuple[int, str]], words: str
) -> None:
    imds.replies |= replies
    credentials = at(imds)
    if not words:  # Odd, and good enough.
        assert (await credentials.resolve()).access_key_id == KEY
        return
    with pytest.raises(CredentialsError, match=words) as caught:
        await credentials.resolve()
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__context__)


async def test_an_overloaded_service_is_asked_again(imds: Imds) -> None:
    async def recover() -> None:
        await until(lambda: imds.count(imds.TOKEN) == 2)
        imds.replies[imds.TOKEN] = (200, "token")

    imds.replies[imds.TOKEN] = (503, "")
    _, snapshot = await asyncio.gather(recover(), at(imds).resolve())
    assert snapshot.access_key_id == KEY


async def test_off_ec2_start_fails_soon(imds: Imds) -> None:
    imds.replies[imds.TOKEN] = (STALL, "")
    credentials = at(imds)
    began = time.monotonic()
    with pytest.raises(CredentialsError, match="no EC2 instance, or this is a container"):
        await credentials.start()
    assert time.monotonic() - began < 5
    assert not credentials
    await credentials.stop()


async def test_a_service_that_stalls_later_is_given_up_as_well(imds: Imds) -> None:
    imds.replies[imds.KEYS] = (STALL, "")
    began = time.monotonic()
    with pytest.raises(CredentialsError, match=r"the metadata service failed: .* no answer"):
        await at(imds).resolve()
    assert time.monotonic() - began < 5


async def test_a_slow_service_is_bounded_in_all(imds: Imds) -> None:
    imds.delay = 0.9
    imds.replies[imds.ROLE] = (503, "")
    imds.replies[imds.KEYS] = (STALL, "")
    began = time.monotonic()
    with pytest.raises(CredentialsError, match="the metadata service"):
        await at(imds).resolve()
    assert time.monotonic() - began < 5


async def test_nobody_listens() -> None:
    listener = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    began = time.monotonic()
    with pytest.raises(CredentialsError, match=r"metadata service .*[Cc]onnect"):
        await MetadataCredentials(host="127.0.0.1", port=port).start()
    assert time.monotonic() - began < 2


async def test_disabled(imds: Imds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "True")
    with pytest.raises(CredentialsError, match="AWS_EC2_METADATA_DISABLED"):
        await at(imds).start()
    assert imds.requests == []


async def test_endpoint_of_the_environment(imds: Imds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{imds.port}/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await MetadataCredentials().resolve()).access_key_id == KEY


def test_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "'http://169.254.169.254'" in repr(MetadataCredentials())
    assert "'http://[fd00:ec2::254]'" in repr(MetadataCredentials(host="fd00:ec2::254"))
    assert "'http://169.254.169.254:81'" in repr(MetadataCredentials(port=81))
    for value in ("ftp://host", "host", "http://host:port"):
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", value)
        with pytest.raises(ValueError, match="AWS_EC2_METADATA_SERVICE_ENDPOINT must"):
            MetadataCredentials()
    with pytest.raises(ValueError, match="port must be between"):
        MetadataCredentials(port=65536)
    with pytest.raises(TypeError, match="port must be an int"):
        MetadataCredentials(port="80")  # type: ignore[arg-type]  # wrong on purpose


async def test_not_resolved_yet(imds: Imds) -> None:
    credentials = at(imds)
    for ask in (credentials.at_hand, lambda: bool(credentials), lambda: credentials.signer):
        with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
            ask()
    assert credentials.region == ""


async def test_p15_one_fetch_however_many_ask(imds: Imds) -> None:
    """P15: refreshed by one task at a time."""
    imds.delay = 0.02
    credentials = at(imds)
    snapshots = await asyncio.gather(*(credentials.resolve() for _ in range(50)))
    assert imds.count(imds.KEYS) == imds.count(imds.TOKEN) == 1
    assert all(snapshot is snapshots[0] for snapshot in snapshots)


async def test_a_cancelled_caller_leaves_the_fetch_to_the_others(imds: Imds) -> None:
    imds.delay = 0.05
    credentials = at(imds)
    first = asyncio.create_task(credentials.resolve())
    await asyncio.sleep(0.02)
    second = asyncio.create_task(credentials.resolve())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).access_key_id == KEY
    assert first.cancelled()
    assert imds.count(imds.KEYS) == 1


async def test_a_failing_fetch_that_everybody_left_complains_to_nobody(imds: Imds) -> None:
    imds.delay = 0.02
    imds.replies[imds.TOKEN] = (403, "")
    credentials = at(imds)
    only = asyncio.create_task(credentials.resolve())
    await asyncio.sleep(0.01)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    await until(lambda: imds.requests)
    await asyncio.sleep(0.1)
    assert not credentials


async def test_p15_refreshed_before_the_end(
    imds: Imds, clock: FakeClock, credentials: MetadataCredentials
) -> None:
    """P15: the old keys serve until ten minutes before their end, then new ones are fetched."""
    await credentials.resolve()
    renew(imds, clock, 12 * HOUR, "new")
    clock.now += 6 * HOUR - timedelta(minutes=10, seconds=1)
    assert (await credentials.resolve()).session_token == TOKEN
    assert imds.count(imds.KEYS) == 1
    clock.now += timedelta(seconds=1)
    assert (await credentials.resolve()).session_token == "new"
    assert imds.count(imds.KEYS) == 2
    assert imds.count(imds.REGION) == 1


async def test_short_lives_are_not_fetched_at_every_request(
    imds: Imds, clock: FakeClock, credentials: MetadataCredentials
) -> None:
    renew(imds, clock, timedelta(minutes=6))
    for _ in range(10):
        await credentials.resolve()
        clock.now += timedelta(seconds=29)
    assert imds.count(imds.KEYS) == 1
    for _ in range(3):
        clock.now += timedelta(seconds=5)
        await credentials.resolve()
    assert imds.count(imds.KEYS) == 2


async def test_p15_a_failed_refresh_uses_the_old_keys_while_they_last(
    imds: Imds,
    clock: FakeClock,
    credentials: MetadataCredentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """P15: the failure is logged, tried again later, and raised after the end."""
    await credentials.resolve()
    imds.replies[imds.TOKEN] = (400, "")
    clock.now += 6 * HOUR - timedelta(minutes=5)
    for _ in range(5):
        assert (await credentials.resolve()).session_token == TOKEN
    assert imds.count(imds.TOKEN) == 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "status 400" in caplog.text
    assert SECRET not in caplog.text
    clock.now += timedelta(minutes=1)
    await credentials.resolve()
    assert imds.count(imds.TOKEN) == 3
    assert credentials
    clock.now += timedelta(minutes=4)
    with pytest.raises(CredentialsError, match="status 400"):
        await credentials.resolve()
    with pytest.raises(CredentialsError):
        credentials.at_hand()
    imds.replies[imds.TOKEN] = (200, "token")
    renew(imds, clock, HOUR, "new")
    assert (await credentials.resolve()).session_token == "new"


async def test_p15_invalidate_fetches_anew(
    imds: Imds, clock: FakeClock, credentials: MetadataCredentials
) -> None:
    """P15: when the server says expired, whatever the clock says."""
    await credentials.resolve()
    renew(imds, clock, 6 * HOUR, "new")
    credentials.invalidate()
    assert (await credentials.resolve()).session_token == "new"
    credentials.invalidate()
    imds.replies[imds.TOKEN] = (400, "")
    with pytest.raises(CredentialsError):
        await credentials.resolve()


async def test_keys_that_are_past_their_end_already_are_tried(
    imds: Imds,
    clock: FakeClock,
    credentials: MetadataCredentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    renew(imds, clock, -HOUR)
    for _ in range(3):
        assert (await credentials.resolve()).access_key_id == KEY
    assert imds.count(imds.KEYS) == 1
    assert "credentials that ended at" in caplog.text
    clock.now += timedelta(minutes=1)
    await credentials.resolve()
    assert imds.count(imds.KEYS) == 2


async def test_keys_without_an_end_stay(imds: Imds, clock: FakeClock) -> None:
    document = {"AccessKeyId": KEY, "SecretAccessKey": SECRET}
    imds.replies[imds.KEYS] = (200, json.dumps(document))
    credentials = MetadataCredentials(host="127.0.0.1", port=imds.port, clock=clock)
    snapshot = await credentials.resolve()
    assert (snapshot.expires_at, snapshot.session_token) == (None, None)
    clock.now += 24 * 365 * HOUR
    assert await credentials.resolve() is snapshot


def background_tasks() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_p15_start_keeps_them_fresh_until_stop(imds: Imds) -> None:
    """P15: a task fetches ahead of the end; nobody asks and nobody waits."""
    imds.replies[imds.KEYS] = (200, keys_document(timedelta(seconds=2)))
    credentials = at(imds)
    others = len(background_tasks())
    await credentials.start()
    await credentials.start()
    assert len(background_tasks()) == others + 1
    imds.replies[imds.KEYS] = (200, keys_document(6 * HOUR, token="new"))
    await until(lambda: credentials.session_token == "new")
    assert imds.count(imds.KEYS) == 2
    await credentials.stop()
    await credentials.stop()
    await until(lambda: len(background_tasks()) == others)
    assert (await credentials.resolve()).session_token == "new"


async def test_the_task_survives_failures(imds: Imds, caplog: pytest.LogCaptureFixture) -> None:
    imds.replies[imds.KEYS] = (200, keys_document(timedelta(seconds=2)))
    async with at(imds) as credentials:
        imds.replies[imds.TOKEN] = (400, "")
        await until(lambda: imds.count(imds.TOKEN) == 2)
        imds.replies[imds.TOKEN] = (200, "token")
        imds.replies[imds.KEYS] = (200, keys_document(6 * HOUR, token="new"))
        await until(lambda: imds.count(imds.KEYS) == 2)
        await until(lambda: credentials.session_token == "new")
        assert (await credentials.resolve()).session_token == "new"
    assert "could not be renewed" in caplog.text


async def test_stop_ends_a_fetch_and_tells_who_waits_for_it(imds: Imds) -> None:
    imds.replies[imds.TOKEN] = (STALL, "")
    credentials = at(imds)
    waiting = asyncio.create_task(credentials.start())
    await until(lambda: imds.requests)
    await credentials.stop()
    with pytest.raises(CredentialsError, match="stopped while"):
        await waiting
    await credentials.stop()


async def test_stop_without_start(imds: Imds) -> None:
    await at(imds).stop()
    assert imds.requests == []


def test_one_object_serves_one_loop_after_another() -> None:
    """A loop that ended in the middle of a fetch does not stand in the way of the next."""
    credentials = MetadataCredentials(host="127.0.0.1", port=1)

    async def leave() -> None:
        waiting = asyncio.create_task(credentials.resolve())
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(leave())
    with pytest.raises(CredentialsError, match="metadata service"):
        asyncio.run(credentials.resolve())
