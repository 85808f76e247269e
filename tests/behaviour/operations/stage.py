"""What a scenario is played on: one server, our client, and boto3, which sets up and judges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import uuid4

from botocore.exceptions import ClientError

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import AwsError, EventStreamError, ResponseParseError
from aiohttp_s3_client.operations.result import Output

from ...servers.running import RunningServer

YES: Final = "yes"
BODY: Final = b"line,one\nline,two\n"
ODD_NAMES: Final = ("a b+c%20&d=ü✓", "inner/one", "other <&>/two")

Params: TypeAlias = Mapping[str, Any]
Scenario: TypeAlias = Callable[["Stage"], Awaitable[None]]


class Unsupported(Exception):
    """The server took the call, and what it should have done was not done. Says what."""


class Difference(AssertionError):
    """Our client and boto3 had different things to tell of the same call: a bug of ours."""


def require(condition: object, otherwise: str = "no effect") -> None:
    """End the scenario where the server did not do what it answered to have done."""
    if not condition:
        raise Unsupported(otherwise)


@dataclass(slots=True)
class Stage:
    """One scenario's view of a server. Buckets that scenarios share are in *shared*, by kind."""

    server: RunningServer
    client: S3Client
    shared: dict[str, str] = field(default_factory=dict)

    async def call(self, operation: str, **params: Any) -> Output:
        """Call *operation* with our client."""
        output: Output = await getattr(self.client.api, operation)(**params)
        return output

    async def oracle(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call *operation* with boto3. Raises its ``ClientError``."""
        method = getattr(self.server.oracle.client, operation)
        answer: dict[str, Any] = await asyncio.to_thread(lambda: _whole(method(**params)))
        return answer

    async def prepare(self, operation: str, **params: Any) -> str:
        """Set something up with boto3; returns the code of the server's refusal, or nothing."""
        try:
            await self.oracle(operation, **params)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    async def seen(self, operation: str, **params: Any) -> dict[str, Any]:
        """What boto3 reads; nothing where the server answers with an error."""
        try:
            return await self.oracle(operation, **params)
        except ClientError:
            return {}

    async def same(
        self, operation: str, *, apart_from: Collection[str] = (), **params: Any
    ) -> Output:
        """Call a reading *operation* with both clients and return our result.

        Raises ``Difference`` when boto3's has other members, *apart_from* some, or an error where
        ours has none.
        """
        theirs: dict[str, Any] = {}
        refusal = ""
        try:
            theirs = await self.oracle(operation, **params)
        except ClientError as error:
            refusal = str(error.response["Error"]["Code"])
        try:
            ours = await self.call(operation, **params)
            await _read(ours)
        except AwsError as error:
            # Answers without a body have no code; boto3 then shows the status.
            if refusal not in (error.code, str(error.status)):
                found = refusal or theirs
                raise Difference(f"{operation}: we raise {error!r}, boto3 has {found}") from error
            raise
        if refusal:
            raise Difference(f"{operation}: boto3 raises {refusal}, we have {ours}")
        names = [
            name
            for name in {**ours, **theirs}
            if ours.get(name) != theirs.get(name) and name not in apart_from
        ]
        if names:
            left = {name: ours.get(name) for name in names}
            right = {name: theirs.get(name) for name in names}
            raise Difference(f"{operation}: we have {left}, boto3 has {right}")
        return ours

    async def same_refusal(self, operation: str, **params: Any) -> str:
        """The code, or the status without one, with which both clients see a call refused."""
        try:
            await self.same(operation, **params)
        except AwsError as error:
            return error.code or str(error.status)
        return ""

    async def new_bucket(self, **params: Any) -> str:
        """A bucket of the scenario's own, made by boto3. Raises its ``ClientError``."""
        name = new_name()
        region = self.server.region
        if region != "us-east-1":
            params["CreateBucketConfiguration"] = {"LocationConstraint": region}
        await self.oracle("create_bucket", Bucket=name, **params)
        self.shared[name] = name
        return name

    async def bucket(self, kind: str = "plain") -> str:
        """The shared bucket that is ``plain``, ``versioned`` or ``locked``."""
        if kind not in self.shared:
            lock = {"ObjectLockEnabledForBucket": True} if kind == "locked" else {}
            name = await self.new_bucket(**lock)
            if kind == "versioned":
                await self.prepare(
                    "put_bucket_versioning",
                    Bucket=name,
                    VersioningConfiguration={"Status": "Enabled"},
                )
            self.shared[kind] = name
        return self.shared[kind]

    async def object(
        self, bucket: str | None = None, body: bytes = BODY, **params: Any
    ) -> dict[str, str]:
        """``Bucket`` and ``Key`` of a new object that boto3 has put."""
        where = {"Bucket": bucket or await self.bucket(), "Key": new_name()}
        await self.oracle("put_object", **where, Body=body, **params)
        return where

    async def objects(self, bucket: str | None = None) -> dict[str, str]:
        """``Bucket`` and ``Prefix`` of three new objects, with two prefixes more within that."""
        where = {"Bucket": bucket or await self.bucket(), "Prefix": f"{new_name()}/"}
        for name in ODD_NAMES:
            key = where["Prefix"] + name
            await self.oracle("put_object", Bucket=where["Bucket"], Key=key, Body=BODY)
        return where

    async def upload(self, *parts: bytes) -> dict[str, str]:
        """``Bucket``, ``Key`` and ``UploadId`` of an upload that has these *parts*, by boto3."""
        where = {"Bucket": await self.bucket(), "Key": new_name()}
        made = await self.oracle("create_multipart_upload", **where)
        where["UploadId"] = made["UploadId"]
        for number, part in enumerate(parts, 1):
            await self.oracle("upload_part", **where, PartNumber=number, Body=part)
        return where

    async def content(self, where: Params) -> bytes | None:
        """The bytes of an object as boto3 reads them; None where there is no object."""
        found = await self.seen("get_object", Bucket=where["Bucket"], Key=where["Key"])
        body: bytes | None = found.get("Body")
        return body

    async def untouched(self, where: Params) -> None:
        """End the scenario where the object *where* is not what ``object`` has put any more.

        Servers that do not know a query take the request for one to the object itself.
        """
        found = await self.content(where)
        require(found == BODY, "deletes the object" if found is None else "replaces the object")

    async def outcome(self, scenario: Scenario) -> str:
        """Play *scenario*: ``yes``, or why the server has no support for the operation."""
        try:
            await scenario(self)
        except AwsError as error:
            return error.code or str(error.status)
        except ClientError as error:
            return f"not set up: {error.response['Error']['Code']}"
        except EventStreamError as error:
            return error.code
        except ResponseParseError:
            return "another answer"
        except Unsupported as reason:
            return str(reason)
        return YES


def new_name() -> str:
    """A name that a bucket or a key can have, and that nothing else has."""
    return f"s{uuid4().hex[:20]}"


def contains(found: object, wanted: object) -> bool:
    """Whether *wanted* is within *found*: servers may tell more than they were told."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            name in found and contains(found[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and all(
            any(contains(item, value) for item in found) for value in wanted
        )
    return found == wanted


def _whole(answer: dict[str, Any]) -> dict[str, Any]:
    """boto3's *answer* without its metadata, and with what it streams."""
    answer.pop("ResponseMetadata", None)
    for name, value in answer.items():
        if hasattr(value, "iter_chunks"):
            answer[name] = value.read()
        elif hasattr(value, "get_initial_response"):
            answer[name] = list(value)
    return answer


async def _read(output: Output) -> None:
    """Put what *output* streams in the place of its streams."""
    for name, value in output.items():
        if hasattr(value, "iter_chunks"):
            output[name] = await value.read()
        elif isinstance(value, AsyncIterator):
            output[name] = [event async for event in value]
