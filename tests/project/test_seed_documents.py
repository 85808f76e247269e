"""The code of the two documents whose vocabulary ``session`` and ``storage`` have, run as printed.

``tests/seeds/000.txt`` holds the blocks of the page on S3 of tracktolib, ``002.txt`` those of the
page on ``S3Storage`` of litestar-storages, each behind a line ``%% name``. Changed are only the
imports, the endpoint, the keys and the bucket. What a block takes from its reader (``s3``,
``chunk1``, files) is provided, and what it did is looked up with another client.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import io
import json
import os
import re
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import aiohttp
import pytest
from botocore.exceptions import ClientError

import aiohttp_s3_client.session
from aiohttp_s3_client.session import S3ObjectParams, S3Session, SyncResult
from aiohttp_s3_client.storage import S3Config, S3Storage

from ..behaviour.material import MIB, PART, noise
from ..conftest import running_server
from ..servers.running import RunningServer

ROOT = Path(__file__).parents[2]
Check = Callable[["Play"], Awaitable[None]]


def blocks(document: str) -> dict[str, str]:
    """The code of a document's blocks, by name."""
    text = (ROOT / "tests" / "seeds" / f"{document}.txt").read_text(encoding="utf-8")
    pieces = re.split(r"^%% (\w+)\n", text, flags=re.MULTILINE)
    assert pieces[0] == ""
    names = pieces[1::2]
    assert len(names) == len(set(names))
    return dict(zip(names, pieces[2::2], strict=True))


BLOCKS = {"000": blocks("000"), "002": blocks("002")}
COUNTS = {"000": 23, "002": 8}
"""Blocks that the documents have: the interpreter session of a class is one."""

CHECKS: dict[tuple[str, str], Check] = {}
RUNS: list[tuple[str, str, str]] = []
"""Document, block and server."""


def block(document: str, *servers: str) -> Callable[[Check], Check]:
    """Runs the block that a check is named after on each of *servers*, by default the embedded."""

    def keep(check: Check) -> Check:
        name = check.__name__
        CHECKS[document, name] = check
        RUNS.extend((document, name, server) for server in servers or ("rclone",))
        return check

    return keep


@dataclass
class Play:
    """One block on one server."""

    text: str
    server: RunningServer
    bucket: str
    s3: S3Session
    storage: S3Storage
    output: Callable[[], str]
    history: list[dict[str, Any]] = field(default_factory=list)

    async def run(
        self, *, between: dict[int, Callable[[], Awaitable[None]]] | None = None, **given: Any
    ) -> dict[str, Any]:
        """Run the block's statements in the names *given*, and return those that it leaves.

        *between* has what the test does before the statement of that number.
        """
        names = {"__name__": "block", **given}
        for number, statement in enumerate(ast.parse(self.text).body):
            if between and number in between:
                await between[number]()
            module = ast.Module([statement], [])
            code = compile(module, "block", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            waiting = eval(code, names)
            if inspect.iscoroutine(waiting):
                await waiting
            self.history.append(dict(names))
        return names

    def seen(self, name: str) -> list[Any]:
        """The values that *name* had, one after the other."""
        values: list[Any] = []
        for names in self.history:
            if name in names and (not values or names[name] is not values[-1]):
                values.append(names[name])
        return values

    def printed(self) -> list[str]:
        return self.output().splitlines()

    # What another client says

    async def put(self, key: str, data: bytes = b"data") -> None:
        await asyncio.to_thread(self.server.oracle.put, self.bucket, key, data)

    async def get(self, key: str) -> bytes:
        return await asyncio.to_thread(self.server.oracle.get, self.bucket, key)

    async def keys(self) -> list[str]:
        return sorted(await asyncio.to_thread(self.server.oracle.list_keys, self.bucket))

    async def ask(self, operation: str, **how: Any) -> dict[str, Any]:
        call = getattr(self.server.oracle.client, operation)
        answer: dict[str, Any] = await asyncio.to_thread(call, Bucket=self.bucket, **how)
        return answer

    async def holds(self, key: str, **facts: Any) -> None:
        """Compare what the server keeps of an object, where it keeps such things."""
        head = await self.ask("head_object", Key=key)
        if not self.server.missing("metadata"):
            assert {name: head.get(name) for name in facts} == facts


def adapted(text: str, server: RunningServer, bucket: str) -> str:
    """A block with the imports, the endpoint, the keys and a bucket that there are."""
    if text.startswith(">>>"):
        examples = doctest.DocTestParser().get_examples(text)
        text = "".join(example.source for example in examples)
    for old, new in (
        ("from tracktolib.s3.niquests import", "from aiohttp_s3_client.session import"),
        ("from litestar_storages import", "from aiohttp_s3_client.storage import"),
        ("import botocore.session\nimport niquests\n",
         "import aiohttp\nfrom aiohttp_s3_client import S3Client\n"),
        ("session = botocore.session.Session()\n", ""),
        ("session.create_client(\n    's3',\n    endpoint_url=", "S3Client(\n    url="),
        ("aws_access_key_id", "access_key_id"),
        ("aws_secret_access_key", "secret_access_key"),
        ("niquests.AsyncSession()", "aiohttp.ClientSession()"),
        ("my-bucket", bucket),
        ("'bucket'", repr(bucket)),
    ):  # fmt: skip
        text = text.replace(old, new)
    text = re.sub(r"S3Config\(\n.*?\n    \)", partial(with_endpoint, server), text, flags=re.DOTALL)
    quoted = r"""=(["'])[^"']*["']"""
    for name, value in (
        ("bucket", bucket),
        ("(?:endpoint_)?url", server.url),
        ("access_key(?:_id)?", server.access_key_id),
        ("secret(?:_access)?_key", server.secret_access_key),
    ):
        text = re.sub(rf"\b({name}){quoted}", rf"\1={value!r}", text)
    return text


def with_endpoint(server: RunningServer, found: re.Match[str]) -> str:
    """The same ``S3Config(...)``, off AWS."""
    if "endpoint_url=" in found[0]:
        return found[0]
    return found[0].replace("\n", f'\n        endpoint_url="{server.url}",\n', 1)


@pytest.fixture(scope="module")
def server_called(request: pytest.FixtureRequest) -> Callable[[str], RunningServer]:
    """A server by its name; making the other client takes a while, so each is made once."""
    return cache(partial(running_server, request))


@pytest.fixture
async def play(
    request: pytest.FixtureRequest,
    server_called: Callable[[str], RunningServer],
    plain_session: aiohttp.ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Play]:
    """The block in an empty directory and a new bucket, the keys in the environment."""
    document, name, server_name = request.param
    server = server_called(server_name)
    bucket = f"seed-{uuid4().hex[:16]}"
    await asyncio.to_thread(server.oracle.create_bucket, bucket)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_access_key)
    keys = (server.access_key_id, server.secret_access_key)
    text = adapted(BLOCKS[document][name], server, bucket)
    storage = S3Storage(S3Config(bucket, endpoint_url=server.url))
    async with S3Session(server.url, *keys, server.region, session=plain_session) as s3:
        yield Play(text, server, bucket, s3, storage, lambda: capsys.readouterr().out)
    await storage.close()


def test_no_block_is_left_out() -> None:
    assert {document: len(found) for document, found in BLOCKS.items()} == COUNTS
    written = [(document, name) for document, found in BLOCKS.items() for name in found]
    assert list(CHECKS) == written
    assert {run[:2] for run in RUNS} == set(written)


# --- 000: S3Session


@block("000")
async def installation(play: Play) -> None:
    """Ours takes no extra, but for the package that reads ``search_query``."""
    assert play.text.split() == ["uv", "add", "tracktolib[s3-niquests]"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "aiohttp-s3-client"
    assert "jmespath" in project["optional-dependencies"]


@block("000")
async def session(play: Play) -> None:
    names = await play.run()
    assert names["content"] == b"Hello, World!"
    assert await play.keys() == []


@block("000", "rclone", "moto")
async def put_object(play: Play) -> None:
    await play.run(s3=play.s3)
    assert await play.get("file.txt") == b"content"
    assert json.loads(await play.get("data.json")) == {"key": "value"}
    await play.holds(
        "data.json",
        ContentType="application/json",
        CacheControl="max-age=3600",
        Metadata={"author": "me", "version": "1.0"},
    )


@block("000")
async def get_object(play: Play) -> None:
    assert (await play.run(s3=play.s3))["content"] is None
    assert play.printed() == ["File not found"]
    await play.put("file.txt", b"found")
    assert (await play.run(s3=play.s3))["content"] == b"found"
    assert play.printed() == []


@block("000", "rclone", "moto")
async def upload_file(play: Play) -> None:
    Path("local.txt").write_bytes(b"from the disk")
    Path("image.png").write_bytes(b"\x89PNG")
    await play.run(s3=play.s3)
    assert await play.get("remote/path.txt") == b"from the disk"
    assert await play.get("images/photo.png") == b"\x89PNG"
    await play.holds("images/photo.png", ContentType="image/png", CacheControl="max-age=86400")


@block("000")
async def download_file(play: Play) -> None:
    data = noise(3 * MIB // 2)
    await play.put("large_file.bin", data)
    chunks: list[bytes] = []
    await play.run(s3=play.s3, process=chunks.append)
    assert b"".join(chunks) == data + data
    first, *others = play.printed()
    assert first == f"Content-Length: {len(data)}"
    sizes = [int(line.removeprefix("Got ").removesuffix(" bytes")) for line in others]
    assert sum(sizes) == len(data)
    assert max(sizes) == 512 * 1024


@block("000")
async def delete_object(play: Play) -> None:
    await play.put("file.txt")
    await play.run(s3=play.s3)
    assert await play.keys() == []


@block("000")
async def delete_objects(play: Play) -> None:
    for key in ("file1.txt", "file2.txt", "file3.txt"):
        await play.put(key)
    await play.run(s3=play.s3)
    assert await play.keys() == ["file3.txt"]


@block("000")
async def list_files(play: Play) -> None:
    pytest.importorskip("jmespath")
    for key, size in (("other", 1), ("uploads/a", 50), ("uploads/b", 150), ("uploads/c", 200)):
        await play.put(key, bytes(size))
    await play.run(s3=play.s3)
    assert play.printed() == [
        *("uploads/a 50", "uploads/b 150", "uploads/c 200"),
        *("uploads/a", "uploads/b", "uploads/c"),
        *("uploads/b 150", "uploads/c 200"),
    ]


@block("000", "rclone", "moto")
async def file_upload(play: Play) -> None:
    data = noise(PART + MIB + 7)
    Path("large_file.bin").write_bytes(data)
    await play.run(s3=play.s3)
    assert await play.get("large_file.bin") == data
    assert await play.get("video.mp4") == data
    await play.holds(
        "video.mp4",
        ContentType="video/mp4",
        StorageClass="STANDARD_IA",
        Metadata={"duration": "120"},
    )


@block("000")
async def multipart_upload(play: Play) -> None:
    chunk1, chunk2 = noise(PART), b"the end"
    await play.run(s3=play.s3, chunk1=chunk1, chunk2=chunk2)
    assert await play.get("large_file.bin") == chunk1 + chunk2


@block("000")
async def functions(play: Play) -> None:
    names = await play.run()
    assert names["content"] == b"data"
    assert await play.get("key") == b"data"


@block("000", "rclone", "moto")
async def object_parameters(play: Play) -> None:
    await play.run(s3=play.s3, json_bytes=b"{}")
    assert await play.get("reports/data.json") == b"{}"
    await play.holds(
        "reports/data.json",
        ContentType="application/json",
        CacheControl="max-age=86400",
        StorageClass="STANDARD_IA",
        Metadata={"generated_by": "report-service", "version": "2.0"},
    )
    if not play.server.missing("tagging"):
        tags = (await play.ask("get_object_tagging", Key="reports/data.json"))["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {
            "env": "production",
            "team": "analytics",
        }


class ARequest:
    """A request of a web framework, as far as the document knows one."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)
        self.headers = {"content-length": str(len(data))}

    async def stream(self) -> AsyncIterator[bytes]:
        while chunk := self.data.read(MIB):
            yield chunk


@block("000")
async def file_upload_of_a_request(play: Play) -> None:
    data = noise(PART + 7)
    await play.run(s3=play.s3, request=ARequest(data))
    assert await play.get("uploaded_file.bin") == data
    assert play.printed() == [f"Received {MIB} bytes"] * 5 + ["Received 7 bytes"]


@block("000")
async def multipart_upload_directly(play: Play) -> None:
    chunk1, chunk2 = noise(PART), b"the end"
    names = await play.run(s3=play.s3, chunk1=chunk1, chunk2=chunk2)
    assert await play.get("file.bin") == chunk1 + chunk2
    assert [names[name]["PartNumber"] for name in ("part1", "part2")] == [1, 2]
    assert names["part1"].keys() == {"PartNumber", "ETag"}
    query = parse_qs(urlsplit(names["url"]).query)
    assert (query["partNumber"], query["X-Amz-Expires"]) == (["3"], ["3600"])
    assert query["uploadId"] == [names["upload"].upload_id]


@block("000", "moto")
async def put_bucket_policy(play: Play) -> None:
    names = await play.run(s3=play.s3)
    assert json.loads((await play.ask("get_bucket_policy"))["Policy"]) == names["policy"]


@block("000", "moto")
async def get_bucket_policy(play: Play) -> None:
    assert (await play.run(s3=play.s3))["policy"] is None
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    await play.ask("put_bucket_policy", Policy=json.dumps(policy))
    assert (await play.run(s3=play.s3))["policy"] == policy
    assert play.printed() == [str([statement])]


@block("000", "moto")
async def delete_bucket_policy(play: Play) -> None:
    await play.ask("put_bucket_policy", Policy='{"Version": "2012-10-17", "Statement": []}')
    await play.run(s3=play.s3)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        await play.ask("get_bucket_policy")


async def website(play: Play) -> tuple[str, str | None]:
    answer = await play.ask("get_bucket_website")
    return answer["IndexDocument"]["Suffix"], answer.get("ErrorDocument", {}).get("Key")


@block("000", "moto")
async def put_bucket_website(play: Play) -> None:
    async def basic() -> None:
        assert await website(play) == ("index.html", None)

    await play.run(s3=play.s3, between={1: basic})
    assert await website(play) == ("index.html", "404.html")


@block("000", "moto")
async def delete_bucket_website(play: Play) -> None:
    await play.ask("put_bucket_website", WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}})
    await play.run(s3=play.s3)
    with pytest.raises(ClientError, match="NoSuchWebsiteConfiguration"):
        await website(play)


@block("000", "rclone", "moto")
async def empty_bucket(play: Play) -> None:
    async def fill() -> None:
        assert await play.keys() == []
        await play.put("again")

    await play.put("a/b")
    await play.put("c")
    names = await play.run(s3=play.s3, between={2: fill})
    assert play.printed() == ["Deleted 2 objects", "Deleted again"]
    assert names["count"] == 1
    assert await play.keys() == []


def directory(**files: str) -> None:
    """Files by path (``__`` is a slash, ``_`` a dot), all of them an hour old."""
    for name, content in files.items():
        path = Path(name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        hour_ago = time.time() - 3600
        os.utime(path, (hour_ago, hour_ago))


@block("000", "rclone", "moto")
async def sync_directory(play: Play) -> None:
    directory(local__new_txt="new", local__sub__new_txt="new", local__kept_txt="kept")
    directory(dist__index_html="new", dist__kept_js="kept", assets__style_css="css")
    prefix = "remote/prefix"
    for key in (f"{prefix}/kept.txt", f"{prefix}/old.txt", "static/kept.js", "static/old.js"):
        await play.put(key, b"kept")
    await play.run(s3=play.s3)
    first, second, third, fourth = play.seen("result")
    new = [f"{prefix}/new.txt", f"{prefix}/sub/new.txt"]
    assert {name: sorted(keys) for name, keys in first.items()} == {
        "uploaded": new,
        "deleted": [],
        "skipped": [f"{prefix}/kept.txt"],
    }
    assert (second["uploaded"], second["deleted"]) == ([], [f"{prefix}/old.txt"])
    assert sorted(second["skipped"]) == [f"{prefix}/kept.txt", *new]
    assert (third["uploaded"], third["deleted"]) == (["static/index.html"], ["static/old.js"])
    assert fourth["uploaded"] == ["public/assets/style.css"]
    dist = Path("dist").resolve()
    lines = play.printed()
    assert lines[:2] == ["Uploaded: 2", "Skipped: 1"]
    assert sorted(lines[2:]) == [
        "Deleted static/old.js",
        f"Skipped {dist / 'kept.js'}",
        f"Uploaded {dist / 'index.html'} -> static/index.html",
    ]
    assert await play.keys() == [
        "public/assets/style.css",
        *(f"{prefix}/kept.txt", *new),
        *("static/index.html", "static/kept.js"),
    ]
    await play.holds("public/assets/style.css", CacheControl="max-age=86400")


@block("000")
async def sync_result(play: Play) -> None:
    shown = eval(play.text)
    assert list(shown) == list(SyncResult.__annotations__)


# --- 002: S3Storage


async def works(play: Play) -> None:
    """Every storage that the block made reaches the bucket."""
    made = play.seen("storage")
    assert made
    for number, storage in enumerate(made):
        await storage.put(f"file-{number}", b"stored")
        assert await play.get(f"file-{number}") == b"stored"
        await storage.close()


@block("002")
async def class_example(play: Play) -> None:
    await play.run(S3Storage=S3Storage, S3Config=S3Config)
    await works(play)
    assert len(await play.keys()) == 2


@block("002")
async def aws_s3(play: Play) -> None:
    await play.run()
    await works(play)
    assert len(await play.keys()) == 2


@block("002")
async def cloudflare_r2(play: Play) -> None:
    await play.run(S3Storage=S3Storage, S3Config=S3Config)
    await works(play)


@block("002")
async def digitalocean_spaces(play: Play) -> None:
    await play.run(S3Storage=S3Storage, S3Config=S3Config)
    await works(play)


@block("002")
async def minio(play: Play) -> None:
    await play.run(S3Storage=S3Storage, S3Config=S3Config)
    await works(play)


@block("002")
async def key_prefix(play: Play) -> None:
    names = await play.run(S3Storage=S3Storage, S3Config=S3Config, data=b"a photo")
    assert await play.get("uploads/2024/photo.jpg") == b"a photo"
    assert await names["storage"].get_bytes("photo.jpg") == b"a photo"
    await names["storage"].close()


@block("002")
async def presigned_urls(play: Play) -> None:
    await play.put("documents/report.pdf", b"a report")
    names = await play.run(S3Storage=S3Storage, S3Config=S3Config, storage=play.storage)
    urls = [*play.seen("url"), await names["storage"].url("documents/report.pdf")]
    expiries = [parse_qs(urlsplit(url).query)["X-Amz-Expires"] for url in urls]
    assert expiries == [["3600"], ["86400"], [str(6 * 3600)]]
    async with aiohttp.ClientSession() as visitor:
        for url in urls:
            async with visitor.get(url) as answer:
                assert await answer.read() == b"a report"
    await names["storage"].close()


@block("002")
async def server_side_operations(play: Play) -> None:
    await play.put("source.txt", b"copied")
    await play.put("old-path.txt", b"moved")
    await play.run(storage=play.storage)
    assert await play.keys() == ["destination.txt", "new-path.txt", "source.txt"]
    assert await play.get("destination.txt") == b"copied"
    assert await play.get("new-path.txt") == b"moved"


@pytest.mark.parametrize("play", RUNS, indirect=True, ids="-".join)
async def test_block_runs_as_printed(play: Play, request: pytest.FixtureRequest) -> None:
    document, name, _ = request.node.callspec.params["play"]
    await CHECKS[document, name](play)


# --- what the documents say beside their code

FUNCTIONS = [
    "s3_put_object", "s3_get_object", "s3_download_file", "s3_upload_file", "s3_delete_object",
    "s3_delete_objects", "s3_list_files", "s3_multipart_upload", "s3_file_upload",
    "s3_put_bucket_policy", "s3_get_bucket_policy", "s3_delete_bucket_policy",
    "s3_put_bucket_website", "s3_delete_bucket_website", "s3_empty_bucket", "s3_sync_directory",
    "build_s3_headers", "build_s3_presigned_params",
]  # fmt: skip
TYPES = ["S3ObjectParams", "S3Object", "SyncResult", "UploadPart", "OnDownloadStartFn"]
PARAMETERS = [
    "acl", "content_type", "content_disposition", "content_encoding", "content_language",
    "cache_control", "storage_class", "server_side_encryption", "sse_kms_key_id", "tagging",
    "metadata",
]  # fmt: skip
ACLS = [
    "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
    "bucket-owner-read", "bucket-owner-full-control",
]  # fmt: skip
CLASSES = [
    "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
    "GLACIER_IR", "EXPRESS_ONEZONE",
]  # fmt: skip
METHODS = """
put(key, data, *, content_type=None, metadata=None)
get(key)
get_bytes(key)
delete(key)
exists(key)
list(prefix='', *, limit=None)
url(key, *, expires_in=None)
copy(source, destination)
move(source, destination)
info(key)
close()
start_multipart_upload(key, *, content_type=None, metadata=None, part_size=5242880)
upload_part(upload, part_number, data)
complete_multipart_upload(upload)
abort_multipart_upload(upload)
put_large(key, data, *, content_type=None, metadata=None, part_size=10485760,\
 progress_callback=None)
""".strip().splitlines()
CONFIG = """
bucket region=None endpoint_url=None access_key_id=None secret_access_key=None session_token=None
prefix='' presigned_expiry=<factory> use_ssl=True verify_ssl=True max_pool_connections=10
"""


def test_000_all_names_are_there() -> None:
    for name in FUNCTIONS:
        assert callable(getattr(aiohttp_s3_client.session, name)), name
    for name in ("S3Session", *TYPES):
        assert hasattr(aiohttp_s3_client.session, name), name
    assert list(S3ObjectParams.__annotations__) == PARAMETERS
    assert S3ObjectParams.__required_keys__ == frozenset()


@pytest.mark.parametrize(("name", "values"), [("acl", ACLS), ("storage_class", CLASSES)])
def test_000_values_of_parameters(name: str, values: list[str]) -> None:
    for value in values:
        params: Any = {name: value}
        headers = aiohttp_s3_client.session.build_s3_headers(params)
        assert list(headers.values()) == [value]
        params = {name: None}
        assert not aiohttp_s3_client.session.build_s3_headers(params)


def shown(signature: inspect.Signature) -> Iterator[tuple[str, Any, Any]]:
    for parameter in signature.parameters.values():
        yield parameter.name, parameter.kind, parameter.default


@pytest.mark.parametrize("line", METHODS, ids=lambda line: line.partition("(")[0])
def test_002_methods_are_as_documented(line: str) -> None:
    """What ours take more is by keyword alone."""
    name = line.partition("(")[0]
    scope: dict[str, Any] = {}
    exec(f"def {line}: ...", scope)
    method = getattr(S3Storage, name)
    expected = list(shown(inspect.signature(scope[name])))
    (_, *ours) = shown(inspect.signature(method))
    assert ours[: len(expected)] == expected
    assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, kind, _ in ours[len(expected) :])
    if name in ("get", "list"):
        assert inspect.isasyncgenfunction(method)
    else:
        assert inspect.iscoroutinefunction(method)


def test_002_config_is_as_documented() -> None:
    expected = [tuple(pair.partition("=")[::2]) for pair in CONFIG.split()]
    ours = [
        (name, "" if default is inspect.Parameter.empty else repr(default))
        for name, _, default in shown(inspect.signature(S3Config))
    ]
    assert ours == expected
    assert S3Config("bucket").presigned_expiry == timedelta(hours=1)
    (config,) = list(inspect.signature(S3Storage).parameters.values())
    assert (config.name, config.default) == ("config", inspect.Parameter.empty)
