"""The code on links, forms and addressing of boto3's guide to S3, run as printed.

``tests/seeds/003.txt`` holds the blocks. Changed are only the imports and how a client is made;
the bucket is one of the server's. What a link or a form is for is done by ``requests``, as there.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from aiohttp_s3_client import ClientConfig, S3Client

from ..servers.running import RunningServer

TEXT = (Path(__file__).parents[1] / "seeds" / "003.txt").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^%% (\w+)\n(.*?)(?=^%%|\Z)", TEXT, re.MULTILINE | re.DOTALL))


def made(server: RunningServer, region: str = "", config: ClientConfig | None = None) -> S3Client:
    """A client without a session: links and forms need none."""
    return S3Client(
        url=server.url,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region=region or server.region,
        config=config,
    )


async def run(name: str, server: RunningServer, bucket: str = "bucket-name") -> dict[str, Any]:
    """The names that a block leaves."""
    names: dict[str, Any] = {"client": partial(made, server)}
    code = compile(BLOCKS[name].replace("bucket-name", bucket), name, "exec")
    await asyncio.to_thread(exec, code, names)
    return names


@pytest.fixture
def plain(server: RunningServer) -> RunningServer:
    """A server that ``requests`` reaches without a certificate."""
    if server.url.startswith("https"):
        pytest.skip("requests would need the certificate")
    return server


def test_the_document_has_five_blocks() -> None:
    assert len(BLOCKS) == 5


async def test_addressing(plain: RunningServer) -> None:
    s3 = (await run("addressing", plain))["s3"]
    link = URL(s3.generate_presigned_url("get_object", {"Bucket": "a-bucket", "Key": "key"}))
    assert link.path == "/a-bucket/key"
    assert "/us-west-2/s3/" in link.query["X-Amz-Credential"]


async def test_a_link(plain: RunningServer, bucket: str) -> None:
    await asyncio.to_thread(plain.oracle.put, bucket, "key-name", b"content")
    response = (await run("presigned_url", plain, bucket))["response"]
    assert (response.status_code, response.content) == (200, b"content")


async def test_a_link_of_version_4(plain: RunningServer, bucket: str) -> None:
    url = URL((await run("presigned_url_version_4", plain, bucket))["url"])
    assert url.query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert url.query["X-Amz-Expires"] == "3600"


async def test_a_form(plain: RunningServer, bucket: str) -> None:
    plain.need("post_policy")
    response = (await run("presigned_post", plain, bucket))["response"]
    assert response.status_code == 204
    assert await asyncio.to_thread(plain.oracle.get, bucket, "key-name") == b"file_content"


async def test_a_form_with_conditions(plain: RunningServer, bucket: str) -> None:
    plain.need("post_policy")
    fields = (await run("post_conditions", plain, bucket))["post"]["fields"]
    policy = b64decode(fields["policy"]).decode()
    assert fields["acl"] == "public-read"
    assert '["content-length-range", 10, 100]' in policy
    assert policy.count('{"acl": "public-read"}') == 1
