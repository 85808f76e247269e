"""Signers are made once, kept for the credentials used lately, and read where they are seldom."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from aiohttp_s3_client.models import CredentialsSnapshot
from aiohttp_s3_client.protocol.auth import EXPRESS, SIGV4, SIGV4A, Auth
from aiohttp_s3_client.protocol.sigv4 import SigV4Signer
from aiohttp_s3_client.protocol.sigv4_express import ExpressSigner
from aiohttp_s3_client.protocol.sigv4a import SigV4aSigner
from aiohttp_s3_client.transport.signers import Signers

ROOT = Path(__file__).parents[2]
PLAIN = Auth(SIGV4, "s3", "eu-west-1")


def snapshot(number: int = 0) -> CredentialsSnapshot:
    return CredentialsSnapshot(f"AKIDEXAMPLE{number}", "wJalrXUtnFEMI")


async def test_a_signer_is_made_once() -> None:
    signers = Signers()
    first = await signers.of(snapshot(), PLAIN)
    assert type(first) is SigV4Signer
    assert (first.region, first.service) == ("eu-west-1", "s3")
    assert await signers.of(snapshot(), PLAIN) is first
    assert signers.at_hand(snapshot(), PLAIN) is first


async def test_each_way_of_signing_has_its_own() -> None:
    signers = Signers()
    first = await signers.of(snapshot(), PLAIN)
    others = [PLAIN._replace(region="eu-west-2"), PLAIN._replace(service="s3express")]
    made = [first, *[await signers.of(snapshot(), auth) for auth in others]]
    assert len(set(map(id, made))) == 3
    assert await signers.of(snapshot(1), PLAIN) is not first


async def test_a_seldom_scheme_is_read_in_a_thread_and_kept() -> None:
    signers = Signers()
    auth = Auth(SIGV4A, "s3", "*")
    asked = asyncio.create_task(signers.of(snapshot(), auth))
    await asyncio.sleep(0)
    assert not asked.done()  # Something else may run meanwhile.
    signer = await asked
    assert isinstance(signer, SigV4aSigner)
    assert signer.region == "*"
    assert signers.at_hand(snapshot(), auth) is signer


async def test_the_credentials_used_last_are_remembered() -> None:
    signers = Signers()
    kept = await signers.of(snapshot(), PLAIN)
    lost = await signers.of(snapshot(1), PLAIN)
    for number in range(2, 300):
        await signers.of(snapshot(number), PLAIN)
        assert await signers.of(snapshot(), PLAIN) is kept
    assert await signers.of(snapshot(1), PLAIN) is not lost


async def test_a_thousand_requests_in_a_new_session_share_its_signer() -> None:
    signers = Signers()
    session = CredentialsSnapshot("AKIDEXAMPLE", "wJalrXUtnFEMI", "token")
    auth = Auth(EXPRESS, "s3express", "us-east-1")
    await signers.of(session, auth)  # Reads the module, in a thread.
    renewed = CredentialsSnapshot("AKIDEXAMPLE", "wJalrXUtnFEMI", "another token")
    made = await asyncio.gather(*(signers.of(renewed, auth) for _ in range(1000)))
    assert len(set(map(id, made))) == 1
    assert type(made[0]) is ExpressSigner


FIRST_LINK = """
import asyncio, sys
from aiohttp_s3_client import S3Client

point = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"

async def main():
    client = S3Client(access_key_id="key-id", secret_access_key="hackme", region="us-east-1")
    assert "cryptography" not in sys.modules
    await client.resolve_credentials(bucket=point)
    before = set(sys.modules)
    link = client.generate_presigned_url("get_object", {"Bucket": point, "Key": "key"})
    assert "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256" in link, link
    print(sorted(name for name in set(sys.modules) - before if "crypto" in name))

asyncio.run(main())
"""


def test_p01_what_links_need_can_be_read_beforehand() -> None:
    """P1: links are made in the event loop, which waits for no disk."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_LINK],
        capture_output=True, text=True, timeout=30, cwd=ROOT, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
