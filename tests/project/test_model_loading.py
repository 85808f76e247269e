"""The model of S3's operations: not read at import, nor by the event loop, and only once (P1, P25).

In fresh processes, since a process keeps the model; an audit hook notes each opening of its file.
"""

from __future__ import annotations

import json
from typing import Any

from .test_import import run

CALLERS = 64

WATCHED = """
import asyncio, json, sys, threading
openings = []
sys.addaudithook(
    lambda event, arguments: openings.append(threading.get_ident())
    if event == "open" and str(arguments[0]).endswith("s3.json") else None
)
import aiohttp, aiohttp_s3_client, aiohttp_s3_client.api
from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import ParamValidationError

client = S3Client(url="http://127.0.0.1:9", access_key_id="key", secret_access_key="secret")
found = {"imported": len(openings)}
main_thread = threading.get_ident()

async def first_call(client):
    try:
        await client.api.head_object(Bucket="bucket")
    except ParamValidationError as error:
        return str(error)

STEPS
print(json.dumps(found))
"""


def found(steps: str) -> Any:
    return json.loads(run(WATCHED.replace("STEPS", steps)))


def test_p25_neither_import_nor_making_a_client_reads_it() -> None:
    """P25: and neither does looking at what operations there are, or asking for pages."""
    steps = """
dir(client.api), client.api.put_object, client.api.paginate("list_objects_v2", Bucket="bucket")
found["looked at"] = len(openings)
"""
    assert found(steps) == {"imported": 0, "looked at": 0}


def test_p1_a_thread_reads_it_at_the_first_call_of_any_operation() -> None:
    """P1: and the second call reads nothing; the watch would see the loop's own reading."""
    steps = """
async def main():
    async with client:
        found["errors"] = [await first_call(client) for _ in range(2)]
    found["by the loop"] = openings.count(main_thread)
    found["by threads"] = len(openings) - found["by the loop"]

asyncio.run(main())
path = aiohttp_s3_client.__path__[0] + "/protocol/model/s3.json"
open(path).close()
found["then"] = openings.count(main_thread)
"""
    told = found(steps)
    first, second = told.pop("errors")
    assert first == second
    assert "Key is missing" in first
    assert told == {"imported": 0, "by the loop": 0, "by threads": 1, "then": 1}


def test_p1_links_and_forms_are_made_inside_a_loop_without_reading_anything() -> None:
    """P1: they are made by plain functions, which could not wait for a thread."""
    steps = """
opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)

async def main():
    link = client.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "key"})
    form = client.generate_presigned_post("bucket", "key")
    found["made"] = [link.partition("?")[0], form["url"]]

asyncio.run(main())
found["opened"] = opened
"""
    made = ["http://127.0.0.1:9/bucket/key", "http://127.0.0.1:9/bucket"]
    assert found(steps) == {"imported": 0, "made": made, "opened": []}


def test_many_first_calls_at_once_read_it_once() -> None:
    """Whatever client they are of, and in several loops at the same time too."""
    steps = f"""
async def main():
    clients = [S3Client(url="http://127.0.0.1:9", access_key_id="key", secret_access_key="secret")
               for _ in range(4)]
    async with aiohttp.ClientSession():
        await asyncio.gather(*(first_call(clients[n % 4]) for n in range({CALLERS})))

threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
found["read"] = len(openings)
"""
    assert found(steps) == {"imported": 0, "read": 1}


def test_a_first_call_that_is_cancelled_spoils_nothing() -> None:
    steps = """
async def main():
    task = asyncio.create_task(first_call(client))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    found["cancelled"] = isinstance((await asyncio.gather(task, return_exceptions=True))[0],
                                    asyncio.CancelledError)
    found["error"] = await first_call(client)

asyncio.run(main())
"""
    told = found(steps)
    assert told["cancelled"]
    assert "Key is missing" in told["error"]
