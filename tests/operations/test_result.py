"""What an operation returns, beside the members of its answer; and answers that have no body."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from aiohttp_s3_client.errors import AwsError
from aiohttp_s3_client.operations.result import Output

from ..servers.scripted import StartScript
from ..servers.steps import Step, reply
from ..transport.scripts import client_for, error, error_document


async def tags_of_a_key(scripted: StartScript, *steps: Step) -> Output:
    server = await scripted(*steps)
    async with client_for(server) as client:
        output: object = await client.api.put_object_tagging(
            Bucket="bucket", Key="key", Tagging={"TagSet": []}
        )
    assert isinstance(output, Output)
    return output


async def test_the_metadata_is_boto3s_and_no_member(scripted: StartScript) -> None:
    headers = {"X-Amz-Version-Id": "v", "X-Amz-Request-Id": "REQ", "x-amz-id-2": "HOST"}
    output = await tags_of_a_key(scripted, error(503, "SlowDown"), reply(200, headers))
    assert dict(output) == {"VersionId": "v"}
    assert "ResponseMetadata" not in output
    assert output["ResponseMetadata"] == output.get("ResponseMetadata")
    metadata = dict(output["ResponseMetadata"])
    told = metadata.pop("HTTPHeaders")
    assert {name: told[name.lower()] for name in headers} == headers
    assert metadata == {
        "RequestId": "REQ",
        "HostId": "HOST",
        "HTTPStatusCode": 200,
        "RetryAttempts": 1,
    }


async def test_what_is_missing_is_a_key_error(scripted: StartScript) -> None:
    output = await tags_of_a_key(scripted, reply(200))
    assert output.get("VersionId", "none") == "none"
    with pytest.raises(KeyError, match="VersionId"):
        output["VersionId"]


@pytest.mark.parametrize("again", [lambda it: pickle.loads(pickle.dumps(it)), copy.deepcopy])
async def test_a_copy_has_the_metadata_too(
    scripted: StartScript, again: Callable[[Output], Output]
) -> None:
    output = await tags_of_a_key(scripted, reply(200, {"x-amz-version-id": "v"}))
    copied = again(output)
    assert copied == output == {"VersionId": "v"}
    assert copied["ResponseMetadata"] == output["ResponseMetadata"]


@pytest.mark.parametrize(
    "empty", [reply(200), reply(204), reply(200, chunked=True)], ids=["200", "204", "chunked"]
)
async def test_an_empty_answer_leaves_its_connection_to_the_next(
    scripted: StartScript, empty: Step
) -> None:
    server = await scripted(empty, empty)
    async with client_for(server) as client:
        for _ in range(2):
            assert not await client.api.delete_object_tagging(Bucket="bucket", Key="key")
    assert server.connections == 1


async def test_p4_an_error_in_a_chunked_200_that_begins_late_is_raised(
    scripted: StartScript,
) -> None:
    """P4: that no byte of the body is there with the head does not make it an empty one."""
    document = error_document("InternalError")
    late = reply(200, body=document, chunked=True, piece=60, pause=0.01)
    server = await scripted(rest=late)
    async with client_for(server) as client:
        with pytest.raises(AwsError, match="InternalError"):
            await client.api.delete_object_tagging(Bucket="bucket", Key="key")
