"""The test servers themselves: they start, they end, and the table of what they lack is true."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from ..conftest import running_server
from ..servers.base import Server, ServerInfo, free_ports, wait_until_answers
from ..servers.capabilities import UNSUPPORTED
from ..servers.external import external_info
from ..servers.farm import ALL_NAMES, SERVERS, local_names
from ..servers.oracle import Oracle
from ..servers.probes import PROBES, supports
from ..servers.processes import ProcessGroup
from ..servers.running import RunningServer

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")


@pytest.mark.parametrize("kind", SERVERS, ids=lambda kind: kind.names[0])
def test_server_is_tested_here(kind: type[Server]) -> None:
    """The one visible skip of a server that this machine need not run."""
    reason = kind.missing()
    if reason is not None:
        pytest.skip(f"{kind.names[0]}: {reason}")
    assert set(kind.names) <= set(local_names())


@pytest.fixture(params=local_names())
def each_server(request: pytest.FixtureRequest) -> RunningServer:
    """Every server that this machine runs, also where ``S3_URL`` names another one."""
    return running_server(request, request.param)


def test_server_keeps_an_object(each_server: RunningServer) -> None:
    bucket = f"kept-{uuid4().hex[:12]}"
    oracle = each_server.oracle
    oracle.create_bucket(bucket)
    oracle.put(bucket, "a key", b"and its body")
    assert oracle.get(bucket, "a key") == b"and its body"
    assert oracle.list_keys(bucket) == ["a key"]
    assert (oracle.head(bucket, "a key") or {})["ContentLength"] == 12
    assert oracle.head(bucket, "another key") is None
    oracle.delete_bucket(bucket)
    assert oracle.raw("GET", f"/{bucket}").status == 404


def test_table_of_capabilities_is_true(each_server: RunningServer) -> None:
    bucket = f"probed-{uuid4().hex[:12]}"
    each_server.oracle.create_bucket(bucket)
    lacking = UNSUPPORTED[each_server.name]
    found = {feature: supports(feature, each_server.oracle, bucket) for feature in PROBES}
    assert [name for name, there in found.items() if not there and name not in lacking] == []
    learnt = [name for name, there in found.items() if there and name in lacking]
    if learnt:
        pytest.skip(f"this release of {each_server.name} has learnt {learnt}: see capabilities.py")


def test_table_of_capabilities_names_probes_and_servers() -> None:
    assert set(UNSUPPORTED) == set(ALL_NAMES)
    unknown = {name for lacking in UNSUPPORTED.values() for name in lacking} - set(PROBES)
    assert unknown == set()
    assert all(reason for lacking in UNSUPPORTED.values() for reason in lacking.values())


def test_every_probe_succeeds_somewhere() -> None:
    """A probe that no server satisfies may be a broken probe."""
    nowhere = [name for name in PROBES if all(name in UNSUPPORTED[each] for each in ALL_NAMES)]
    assert nowhere == []


def test_need_skips_with_the_reason(embedded: RunningServer) -> None:
    embedded.need("multipart", "ranged_206" if embedded.name != "rclone" else "copy")
    with pytest.raises(pytest.skip.Exception, match="rclone, if_match: ignores If-Match"):
        embedded.need("if_match")
    with pytest.raises(LookupError, match="levitation"):
        embedded.need("levitation")


# --- the life of a server


class Sleepers(Server):
    """Two processes that have nothing to say, one of which starts a third."""

    names = ("sleepers",)

    def launch(self, group: ProcessGroup) -> list[ServerInfo]:
        sleep = "import time; time.sleep(600)"
        group.spawn("one", [sys.executable, "-c", sleep])
        code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])"
        group.spawn("two", [sys.executable, "-c", code])
        return [ServerInfo("sleepers", str(group.scratch), "", "")]


def _members(scratch: str) -> list[int]:
    """The processes that work in *scratch*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str((entry / "cwd").readlink()).startswith(scratch):
                    found.append(int(entry.name))
            except OSError:
                continue  # it has just ended, or belongs to another user
    return found


def _wait_until_gone(scratch: str) -> None:
    deadline = time.monotonic() + 20
    while _members(scratch) or Path(scratch).exists():
        assert time.monotonic() < deadline, f"left: {_members(scratch)}, {scratch}"
        time.sleep(0.02)


needs_proc = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="there is no /proc")


@needs_proc
def test_stop_ends_children_and_grandchildren_and_removes_the_scratch_folder() -> None:
    with Sleepers() as server:
        scratch = server.infos[0].url
        deadline = time.monotonic() + 20
        while len(_members(scratch)) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert _members(scratch) == []
    assert not Path(scratch).exists()
    server.stop()


@needs_proc
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_end_with_the_one_that_started_them(how: signal.Signals) -> None:
    code = (
        "from tests.project.test_servers import Sleepers; import time; "
        "s = Sleepers(); s.start(); print(s.infos[0].url, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        scratch = parent.stdout.readline().strip()
    assert len(_members(scratch)) >= 2
    parent.send_signal(how)
    parent.wait(20)
    _wait_until_gone(scratch)


@posix_only
def test_start_that_fails_shows_the_logs(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    group = ProcessGroup(scratch)
    group.spawn("loser", [sys.executable, "-c", "import sys; sys.exit('no such luck')"])
    (port,) = free_ports(1)
    with pytest.raises(RuntimeError, match=r"(?s)loser ended at its start.*no such luck"):
        wait_until_answers(f"http://127.0.0.1:{port}", group)
    group.stop()


class Unlucky(Server):
    """Finds its port taken by another process, twice."""

    names = ("unlucky",)
    starts = 0

    def launch(self, group: ProcessGroup) -> list[ServerInfo]:
        self.starts += 1
        if self.starts < 3:
            raise RuntimeError("bind: Address already in use")
        return [ServerInfo("unlucky", "http://127.0.0.1:1", "", "")]


def test_start_tries_other_ports_when_one_was_taken() -> None:
    with Unlucky() as server:
        assert server.starts == 3


# --- a server of the user's own


@pytest.fixture
def own_url(embedded: RunningServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """An ``S3_URL`` that leads to the embedded server, in the environment."""
    port = urlsplit(embedded.url).port
    keys = f"{embedded.access_key_id}:{embedded.secret_access_key}"
    url = f"http://{keys}@127.0.0.1:{port}/mine"
    monkeypatch.setenv("S3_URL", url)
    return url


def test_s3_url_says_where_and_how(own_url: str, embedded: RunningServer) -> None:
    info = external_info()
    assert info is not None
    assert (info.name, info.url, info.bucket) == ("external", embedded.url, "mine")
    assert Oracle(info).raw("GET", "/").status == 200


def test_s3_url_is_percent_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_URL", "https://test%3Atester:a%2Fb%40c@[::1]:9000")
    monkeypatch.setenv("S3_REGION", "eu-west-1")
    info = external_info()
    assert info == ServerInfo(
        "external", "https://[::1]:9000", "test:tester", "a/b@c", region="eu-west-1"
    )


@pytest.mark.parametrize("url", ["http://host/bucket", "http://key@host", "nonsense"])
def test_s3_url_without_credentials_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_URL", url)
    with pytest.raises(ValueError, match="S3_URL must look like"):
        external_info()


def test_external_server_is_probed(own_url: str) -> None:
    info = external_info()
    assert info is not None
    server = RunningServer(info, Oracle(info))
    server.need("multipart")
    with pytest.raises(pytest.skip.Exception, match="if_match: its probe says no"):
        server.need("if_match")


def test_prefix_takes_the_place_of_a_bucket(embedded: RunningServer, embedded_bucket: str) -> None:
    place = f"{embedded_bucket}/prefix"
    oracle = embedded.oracle
    oracle.put(embedded_bucket, "outside", b"1")
    oracle.put(place, "inside", b"2")
    assert oracle.list_keys(place) == ["inside"]
    assert oracle.list_keys(embedded_bucket) == ["outside", "prefix/inside"]
    oracle.delete_bucket(place)
    assert oracle.list_keys(embedded_bucket) == ["outside"]


def test_secrets_of_servers_stay_out_of_reprs(embedded: RunningServer) -> None:
    assert embedded.secret_access_key not in repr(embedded)
    assert os.environ.get("AWS_EC2_METADATA_DISABLED") == "true"
