"""Which operations the real servers support: each is played, and the table is held to it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

import aiohttp
import pytest

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.protocol.model.names import OPERATIONS

from ...servers.external import NAME as EXTERNAL
from ...servers.farm import server_names
from ...servers.running import RunningServer
from .cleaning import remove_bucket
from .scenarios import SCENARIOS
from .stage import YES, Stage
from .table import NO, SERVERS, Table, version_of

WRITE = "AIOS3_WRITE_TABLE"
RENEW = f"renew the table: {WRITE}=1 pytest tests/behaviour/operations -n 0"
PLAYED = [name for name in server_names() if name in (*SERVERS, EXTERNAL)]


@pytest.fixture(scope="session")
def table() -> Table:
    return Table.read()


@pytest.fixture(scope="session")
def found(table: Table) -> Iterator[dict[str, dict[str, str]]]:
    """The outcomes of this run by server and operation, written where that is asked for."""
    outcomes: dict[str, dict[str, str]] = defaultdict(dict)
    writes = WRITE in os.environ
    if writes and "PYTEST_XDIST_WORKER" in os.environ:
        pytest.fail(f"each worker has a part of the outcomes only; {RENEW}")
    yield outcomes
    if writes:
        table.merge(outcomes)
        table.write()


@pytest.fixture(scope="session")
def shared(server: RunningServer) -> Iterator[dict[str, str]]:
    """The buckets that the scenarios have made on ``server``, by kind or name."""
    buckets: dict[str, str] = {}
    if server.name == "rgw":  # it wants to know the topic of a notification
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        server.oracle.raw("POST", "/", form, b"Action=CreateTopic&Name=topic")
    yield buckets
    if server.name == EXTERNAL:  # the others end with the run, with all that they hold
        for name in set(buckets.values()):
            remove_bucket(server.oracle, name)


@pytest.fixture
def stage(server: RunningServer, session: aiohttp.ClientSession, shared: dict[str, str]) -> Stage:
    client = S3Client(
        url=server.virtual_url,
        session=session,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region=server.region,
        config=ClientConfig(max_attempts=1, addressing_style="path"),
    )
    return Stage(server, client, shared)


@pytest.mark.parametrize("operation", sorted(SCENARIOS))
@pytest.mark.parametrize("server", PLAYED, indirect=True, scope="session")
async def test_server_supports_what_the_table_says(
    operation: str, stage: Stage, table: Table, found: dict[str, dict[str, str]]
) -> None:
    name = stage.server.name
    outcome = await stage.outcome(SCENARIOS[operation])
    if name == EXTERNAL:
        if outcome != YES:
            pytest.skip(f"this server: {NO}{outcome}")
        return
    found[name][operation] = outcome
    expected = table.outcomes[name].get(operation)
    if WRITE in os.environ or outcome == expected:
        return
    changed = f"{name} {version_of(name)}: {outcome!r}, the table has {expected!r}"
    if expected != YES and version_of(name) != table.versions[name]:
        pytest.skip(f"{changed} for {table.versions[name]}; {RENEW}")
    pytest.fail(f"{changed}; {RENEW}")


def test_there_is_a_scenario_for_each_operation() -> None:
    assert set(SCENARIOS) == set(OPERATIONS)


def test_table_is_whole(table: Table) -> None:
    if WRITE in os.environ:
        pytest.skip("the table is being written")
    assert set(table.versions) == set(SERVERS), RENEW
    for name in SERVERS:
        assert set(table.outcomes[name]) == set(OPERATIONS), RENEW
        assert "not run" not in table.outcomes[name].values(), RENEW
