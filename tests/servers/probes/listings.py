"""Probes of keys and of the listings that show them."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from ..oracle import Oracle
from .registry import probe


def _keeps(oracle: Oracle, bucket: str, *keys: str) -> bool:
    for key in keys:
        target = f"/{bucket}/{quote(key)}"
        if oracle.raw("PUT", target, body=key.encode()).status != HTTPStatus.OK:
            return False
    listed = set(oracle.list_keys(bucket))
    return all(
        key in listed and oracle.raw("GET", f"/{bucket}/{quote(key)}").body == key.encode()
        for key in keys
    )


@probe
def keys_verbatim(oracle: Oracle, bucket: str) -> bool:
    """Keys with leading, trailing and double slashes and with dot segments stay as they are."""
    return _keeps(oracle, bucket, "v//w", "/v", "v/", "v/../w", "./v", "v/.", "..")


@probe
def key_beside_prefix(oracle: Oracle, bucket: str) -> bool:
    """``a`` and ``a/b`` can both be objects."""
    return _keeps(oracle, bucket, "beside", "beside/below")


@probe
def control_characters(oracle: Oracle, bucket: str) -> bool:
    """A key may hold control characters, and comes back from a listing."""
    return _keeps(oracle, bucket, "control\x01\x1f\x7f", "a\ttab")


@probe
def line_feed(oracle: Oracle, bucket: str) -> bool:
    """A key may hold line feeds and carriage returns."""
    return _keeps(oracle, bucket, "line\nfeed\r")


@probe
def encoding_type_url(oracle: Oracle, bucket: str) -> bool:
    """``encoding-type=url`` encodes the keys of a listing."""
    oracle.put(bucket, "encoded/a b+c%é")
    answer = oracle.raw("GET", f"/{bucket}?encoding-type=url&list-type=2&prefix=encoded")
    return b"%C3%A9</Key>" in answer.body


@probe
def encoding_type_keeps_slashes(oracle: Oracle, bucket: str) -> bool:
    """``encoding-type=url`` leaves the slashes of a key alone."""
    oracle.put(bucket, "encoded/a b+c%é")
    answer = oracle.raw("GET", f"/{bucket}?encoding-type=url&list-type=2&prefix=encoded")
    return b"<Key>encoded/" in answer.body


@probe
def continuation_tokens(oracle: Oracle, bucket: str) -> bool:
    """A listing in pages gives each key once."""
    names = [f"page/{number}" for number in range(5)]
    for name in names:
        oracle.put(bucket, name)
    pages = oracle.client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="page/", PaginationConfig={"PageSize": 2}
    )
    found = [[entry["Key"] for entry in page["Contents"]] for page in pages]
    return found == [names[:2], names[2:4], names[4:]]


@probe
def start_after(oracle: Oracle, bucket: str) -> bool:
    """``start-after`` begins a listing behind that key."""
    for name in ("after/1", "after/2", "after/3"):
        oracle.put(bucket, name)
    found = oracle.client.list_objects_v2(Bucket=bucket, Prefix="after/", StartAfter="after/1")
    return [entry["Key"] for entry in found["Contents"]] == ["after/2", "after/3"]


@probe
def delimiter(oracle: Oracle, bucket: str) -> bool:
    """A delimiter folds keys into common prefixes."""
    for name in ("fold/1", "fold/2/a", "fold/2/b"):
        oracle.put(bucket, name)
    found = oracle.client.list_objects_v2(Bucket=bucket, Prefix="fold/", Delimiter="/")
    keys = [entry["Key"] for entry in found.get("Contents", ())]
    prefixes = [entry["Prefix"] for entry in found.get("CommonPrefixes", ())]
    return (keys, prefixes) == (["fold/1"], ["fold/2/"])


@probe
def any_delimiter(oracle: Oracle, bucket: str) -> bool:
    """The delimiter may be another character than the slash."""
    for name in ("any-1", "any-2|a", "any-2|b"):
        oracle.put(bucket, name)
    found = oracle.client.list_objects_v2(Bucket=bucket, Prefix="any-", Delimiter="|")
    return [entry["Prefix"] for entry in found.get("CommonPrefixes", ())] == ["any-2|"]


@probe
def delete_objects(oracle: Oracle, bucket: str) -> bool:
    """Many objects can be deleted by one request."""
    for name in ("many/1", "many/2"):
        oracle.put(bucket, name)
    gone = {"Objects": [{"Key": "many/1"}, {"Key": "many/2"}]}
    oracle.client.delete_objects(Bucket=bucket, Delete=gone)
    return oracle.list_keys(bucket, "many/") == []
