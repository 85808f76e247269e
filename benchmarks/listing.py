"""How long a page of ListObjectsV2 takes to read: ``python benchmarks/listing.py [keys]``.

Prints the median milliseconds for a page of 1,000 keys (or as many as are given), in the shape
of each server, for the scanner, for expat alone (``AIOS3_PLAIN=1``) and, to compare, for
``xml.etree`` with the same objects made of its tree. Exit status 1 when the scanner never kept
to 2.5 ms.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import quote, quote_plus, unquote_plus
from xml.etree import ElementTree

from aiohttp_s3_client.models import AwsObjectMeta
from aiohttp_s3_client.protocol.listing import parse_listing

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
TARGET_MS = 2.5
PAGE = 1000
ROUNDS = 60

# What stands around the entries, and one entry.
SHAPES = {
    "AWS, until 2024": (
        "\n<Name>bucket</Name><Prefix>logs/</Prefix><KeyCount>{count}</KeyCount>"
        "<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>",
        "<Contents><Key>{plus_key}</Key><LastModified>{second}.000Z</LastModified>"
        "<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>",
        "",
    ),
    "AWS": (
        "\n<Name>bucket</Name><Prefix>logs/</Prefix><KeyCount>{count}</KeyCount>"
        "<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>",
        "<Contents><Key>{plus_key}</Key><LastModified>{second}.000Z</LastModified>"
        "<ETag>&quot;{etag}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
        "<ChecksumType>FULL_OBJECT</ChecksumType><Size>{size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>",
        "",
    ),
    "Swift": (
        "<Name>bucket</Name><Prefix/><KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys>"
        "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>",
        "<Contents><Key>{key}</Key><LastModified>{second}.000Z</LastModified>"
        '<ETag>"{etag}"</ETag><Size>{size}</Size>'
        "<StorageClass>STANDARD</StorageClass></Contents>",
        "",
    ),
    "rclone": (
        "\n  <Name>bucket</Name>\n  <IsTruncated>false</IsTruncated>\n  <Prefix></Prefix>\n"
        "  <MaxKeys>1000</MaxKeys>\n",
        "  <Contents>\n    <Key>{plus_key}</Key>\n    <LastModified>{second}.26Z</LastModified>\n"
        "    <ETag>{etag}</ETag>\n    <Size>{size}</Size>\n"
        "    <StorageClass>STANDARD</StorageClass>\n  </Contents>\n",
        "  <EncodingType>url</EncodingType>\n  <KeyCount>{count}</KeyCount>\n",
    ),
    "moto": (
        "<IsTruncated>false</IsTruncated>",
        "<Contents><Key>{key}</Key><LastModified>{second}.000Z</LastModified>"
        '<ETag>"{etag}"</ETag><Size>{size}</Size>'
        "<StorageClass>STANDARD</StorageClass></Contents>",
        "<Name>bucket</Name><Prefix/><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>"
        "<KeyCount>{count}</KeyCount>",
    ),
    "Ceph RGW": (
        "<EncodingType>url</EncodingType><Name>bucket</Name><Prefix></Prefix>"
        "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>",
        "<Contents><Key>{slash_key}</Key><LastModified>{second}.229Z</LastModified>"
        "<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass>"
        "<Type>Normal</Type></Contents>",
        "<KeyCount>{count}</KeyCount>",
    ),
}


def page(shape: str, count: int) -> bytes:
    """A page of *count* keys as the server named by *shape* writes it."""
    head, entry, tail = SHAPES[shape]
    entries = []
    for number in range(count):
        key = f"logs/2024/05/host {number % 7}/part-{number:06d}.json.gz"
        values = {
            "key": quote(key),
            "plus_key": quote_plus(key, safe="/"),
            "slash_key": quote(key, safe=""),
            "second": f"2024-05-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}",
            "etag": f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}",
            "size": number * 7919,
        }
        entries.append(entry.format_map(values))
    body = head.format(count=count) + "".join(entries) + tail.format(count=count)
    document = f'{DECLARATION}<ListBucketResult xmlns="{NAMESPACE}">{body}</ListBucketResult>'
    return document.encode()


def with_etree(body: bytes) -> list[AwsObjectMeta]:
    """The objects of a page by way of a tree."""
    root = ElementTree.fromstring(body)
    name = {tag: f"{{{NAMESPACE}}}{tag}" for tag in ("Contents", *AWS_NAMES)}
    objects = []
    for entry in root.iter(name["Contents"]):
        etag, key, when, size, storage = (entry.findtext(name[tag], "") for tag in AWS_NAMES)
        time_ = datetime.fromisoformat(when)
        objects.append(AwsObjectMeta(etag, unquote_plus(key), time_, int(size), storage))
    return objects


AWS_NAMES = ("ETag", "Key", "LastModified", "Size", "StorageClass")


def milliseconds(work: Callable[[], object]) -> list[float]:
    """What each of ``ROUNDS`` calls took."""
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        spent.append((time.perf_counter() - start) * 1000)
    return spent


def main(count: int) -> int:
    print(f"ms per page of {count} keys (median of {ROUNDS})")
    print(f"{'server':<16}{'KiB':>6}{'scanner':>10}{'expat':>10}{'etree':>10}")
    slow = False
    for shape in SHAPES:
        body = page(shape, count)
        os.environ["AIOS3_PLAIN"] = "0"
        objects = parse_listing(body).objects
        scanner = milliseconds(partial(parse_listing, body))
        os.environ["AIOS3_PLAIN"] = "1"
        expat = milliseconds(partial(parse_listing, body))
        etree = milliseconds(partial(with_etree, body))
        if not objects == parse_listing(body).objects == with_etree(body):
            raise SystemExit(f"{shape}: the three disagree")
        # A busy machine is not the scanner's fault.
        slow = slow or min(scanner) > TARGET_MS
        medians = "".join(f"{statistics.median(spent):>10.2f}" for spent in (scanner, expat, etree))
        print(f"{shape:<16}{len(body) // 1024:>6}{medians}")
    if slow and count <= PAGE:
        print(f"over {TARGET_MS} ms a page")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PAGE))
