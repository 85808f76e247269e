"""How long a signature takes: median microseconds of ``sign`` and ``presign``, beside botocore's.

Run it as ``python benchmarks/signing.py [--number 5000] [--repeat 15]``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import statistics
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime

from yarl import URL

from aiohttp_s3_client.protocol.sigv4 import EMPTY_SHA256, SigV4Signer

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"
ADDRESS = "https://examplebucket.s3.us-east-1.amazonaws.com/some/prefix/object-0001.parquet"
PART = "?partNumber=17&uploadId=VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA"


def median_us(call: Callable[[], object], number: int, repeat: int) -> float:
    """The median over *repeat* runs of the mean time of one call, in microseconds.

    Time of the processor, so that a busy machine spoils it less.
    """
    call()
    runs = timeit.repeat(call, timer=time.process_time, number=number, repeat=repeat)
    return statistics.median(runs) / number * 1e6


def our_calls() -> dict[str, Callable[[], object]]:
    """What is measured of ours. ``now`` is given, as the request pipeline gives it."""
    signer = SigV4Signer(ACCESS_KEY, SECRET_KEY, region=REGION)
    get, part = URL(ADDRESS, encoded=True), URL(ADDRESS + PART, encoded=True)
    headers = {"Range": "bytes=0-8388607", "If-Match": '"9b2cf535f27731c974343645a3985328"'}
    now = datetime.now(UTC)
    # Another expiry for each call, or yarl's cache of URLs would help.
    expiry = itertools.cycle(range(1, 604_801))
    return {
        "sign GET": lambda: signer.sign("GET", get, payload_hash=EMPTY_SHA256, now=now),
        "sign GET, the clock read": lambda: signer.sign("GET", get, payload_hash=EMPTY_SHA256),
        "sign GET, two more headers": lambda: signer.sign(
            "GET", get, headers, payload_hash=EMPTY_SHA256, now=now
        ),
        "sign PUT of a part": lambda: signer.sign("PUT", part, payload_hash=EMPTY_SHA256, now=now),
        "presign GET": lambda: signer.presign("GET", get, expires=next(expiry), now=now),
    }


def botocore_calls() -> dict[str, Callable[[], object]]:
    """The same by botocore; nothing when it is not installed."""
    if importlib.util.find_spec("botocore") is None:
        return {}
    auth = importlib.import_module("botocore.auth")
    request = importlib.import_module("botocore.awsrequest").AWSRequest
    keys = importlib.import_module("botocore.credentials").Credentials(ACCESS_KEY, SECRET_KEY)
    signer = auth.S3SigV4Auth(keys, "s3", REGION)
    presigner = auth.S3SigV4QueryAuth(keys, "s3", REGION, expires=3600)
    return {
        "botocore sign GET": lambda: signer.add_auth(request("GET", ADDRESS)),
        "botocore presign GET": lambda: presigner.add_auth(request("GET", ADDRESS)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--number", type=int, default=5000, help="calls in a run")
    parser.add_argument("--repeat", type=int, default=15, help="runs, of which the median counts")
    options = parser.parse_args()
    for name, call in (our_calls() | botocore_calls()).items():
        print(f"{name:28s} {median_us(call, options.number, options.repeat):7.2f} µs")


if __name__ == "__main__":
    main()
