"""Waiting; botocore's waiter, over the same canned answers, is the oracle."""

from __future__ import annotations

import asyncio
import gc
import pickle
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import botocore.loaders
import botocore.waiter
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aiohttp_s3_client.errors import (
    AwsError,
    NotFound,
    ParamValidationError,
    S3ConnectionError,
    WaiterError,
    error_class,
)
from aiohttp_s3_client.operations.waiter import wait_until
from aiohttp_s3_client.protocol.waiters import Waiter
from aiohttp_s3_client.redaction import redacted_request_info

ORACLE: Any = botocore.waiter  # Its stubs know less than there is.
FACTS: dict[str, Any] = botocore.loaders.Loader().load_service_model("s3", "waiters-2")["waiters"]
EXISTS = Waiter.of("ObjectExists", FACTS["ObjectExists"])
PARAMS: Mapping[str, object] = MappingProxyType({"Bucket": "b", "Key": "k"})
AT_ONCE = {"Delay": 0}

Answer = tuple[int, str | None]
"""A status, and for an error its code, which is empty where the answer has no body."""


def error_of(status: int, code: str) -> AwsError:
    info = redacted_request_info(URL("http://127.0.0.1/b/k"), "HEAD", {})
    return error_class(code, status)(
        info, status=status, code=code, operation="HeadObject", bucket="b", key="k"
    )


class Server:
    """Gives one canned answer after another, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = answers
        self.asked: list[dict[str, object]] = []

    def _next(self, params: dict[str, object]) -> Answer:
        self.asked.append(dict(params))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]

    async def call(self, params: dict[str, object]) -> dict[str, Any]:
        status, code = self._next(params)
        params.clear()
        if code is not None:
            raise error_of(status, code)
        return {"ResponseMetadata": {"HTTPStatusCode": status}}

    def response(self, **params: object) -> dict[str, Any]:
        """What botocore's client would make of the same answer."""
        status, code = self._next(params)
        response: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": status}}
        if code is not None:
            response["Error"] = {"Code": code or str(status), "Message": ""}
        return response


answers = st.sampled_from(
    [(200, None), (301, ""), (403, "AccessDenied"), (404, ""), (404, "NoSuchKey"), (503, "")]
)
likely_answers = st.lists(st.sampled_from([(404, ""), (200, None)]) | answers, min_size=1)


@given(st.sampled_from(sorted(FACTS)), likely_answers, st.integers(1, 6))
def test_waiting_ends_when_and_as_botocores_does(
    name: str, given_answers: list[Answer], attempts: int
) -> None:
    config = {"Delay": 0, "MaxAttempts": attempts}
    ours, theirs = Server(*given_answers), Server(*given_answers)
    waiter = ORACLE.Waiter(name, ORACLE.SingleWaiterConfig(FACTS[name]), theirs.response)
    try:
        waiter.wait(**PARAMS, WaiterConfig=config)
        expected = "waited"
    except ORACLE.WaiterError:
        expected = "failed"
    try:
        asyncio.run(wait_until(ours.call, Waiter.of(name, FACTS[name]), PARAMS, config))
        outcome = "waited"
    except WaiterError:
        outcome = "failed"
    assert (outcome, ours.asked) == (expected, theirs.asked)


async def test_every_request_has_the_parameters_that_were_given() -> None:
    server = Server((404, ""), (404, ""), (200, None))
    params = dict(PARAMS)
    await wait_until(server.call, EXISTS, params, AT_ONCE)
    assert server.asked == [PARAMS] * 3
    assert params == PARAMS


async def test_what_did_not_happen_in_time_is_told() -> None:
    server = Server((404, ""))
    with pytest.raises(WaiterError) as caught:
        await wait_until(server.call, EXISTS, PARAMS, AT_ONCE)
    assert len(server.asked) == 20
    assert str(caught.value) == (
        "ObjectExists did not happen: asked HeadObject 20 times, last answer: HeadObject b/k: 404"
    )
    assert caught.value.waiter == "ObjectExists"
    assert caught.value.attempts == 20
    assert isinstance(caught.value.__cause__, NotFound)
    assert caught.value.last is caught.value.__cause__
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


async def test_what_cannot_happen_any_more_is_told_at_once() -> None:
    server = Server((403, "AccessDenied"))
    with pytest.raises(
        WaiterError, match=r"will not happen: asked HeadObject once, .*AccessDenied"
    ):
        await wait_until(server.call, EXISTS, PARAMS)
    assert len(server.asked) == 1


async def test_a_last_answer_that_is_no_error_is_told() -> None:
    waiter = Waiter.of("ObjectNotExists", FACTS["ObjectNotExists"])
    with pytest.raises(
        WaiterError, match="asked HeadObject once, last answer: status 200"
    ) as caught:
        await wait_until(Server((200, None)).call, waiter, PARAMS, {"MaxAttempts": 1})
    assert caught.value.last is None


async def test_a_waiter_of_another_service_sees_the_output() -> None:
    facts = {
        "operation": "DescribeThings",
        "delay": 0,
        "maxAttempts": 5,
        "acceptors": [
            {
                "state": "success",
                "matcher": "pathAll",
                "argument": "Things[].State",
                "expected": "up",
            },
            {
                "state": "failure",
                "matcher": "pathAny",
                "argument": "Things[].State",
                "expected": "gone",
            },
        ],
    }
    states = iter([[], ["up", "down"], ["up", "up"]])

    async def call(params: dict[str, object]) -> dict[str, Any]:
        things = [{"State": state} for state in next(states)]
        return {"Things": things, "ResponseMetadata": {"HTTPStatusCode": 200}}

    await wait_until(call, Waiter.of("ThingsUp", facts), {})
    assert next(states, None) is None
    states = iter([["up", "gone"], ["up", "up"]])
    with pytest.raises(WaiterError, match="ThingsUp will not happen"):
        await wait_until(call, Waiter.of("ThingsUp", facts), {})


async def test_other_exceptions_pass_through() -> None:
    async def call(params: dict[str, object]) -> dict[str, Any]:
        raise S3ConnectionError("the server is gone")

    with pytest.raises(S3ConnectionError, match="gone"):
        await wait_until(call, EXISTS, PARAMS, AT_ONCE)


async def test_the_delay_lies_between_the_requests_and_not_around_them() -> None:
    started = time.monotonic()
    await wait_until(Server((200, None)).call, EXISTS, PARAMS, {"Delay": 60})
    with pytest.raises(WaiterError):
        await wait_until(Server((404, "")).call, EXISTS, PARAMS, {"Delay": 60, "MaxAttempts": 1})
    assert time.monotonic() - started < 30
    started = time.monotonic()
    await wait_until(Server((404, ""), (404, ""), (200, None)).call, EXISTS, PARAMS, {"Delay": 0.1})
    assert time.monotonic() - started >= 0.19


async def test_waiting_can_be_cancelled() -> None:
    server = Server((404, ""))
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wait_until(server.call, EXISTS, PARAMS, {"Delay": 60})
    assert len(server.asked) == 1
    assert time.monotonic() - started < 30


async def test_waiting_leaves_nothing_to_the_collector() -> None:
    """Errors lead to the frames that they passed: no frame may lead back to them."""
    gone = Waiter.of("ObjectNotExists", FACTS["ObjectNotExists"])
    gc.collect()
    gc.disable()
    try:
        for server in (Server((404, "")), Server((403, ""))):
            with pytest.raises(WaiterError):
                await wait_until(server.call, EXISTS, PARAMS, AT_ONCE)
        await wait_until(Server((404, "")).call, gone, PARAMS)
        await wait_until(Server((404, ""), (200, None)).call, EXISTS, PARAMS, AT_ONCE)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert not [found for found in gc.garbage if isinstance(found, (AwsError, WaiterError))]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"Delay": -1}, "Delay is -1"),
        ({"Delay": "5"}, "Delay is '5'"),
        ({"Delay": True}, "Delay is True"),
        ({"Delay": float("nan")}, "Delay is nan"),
        ({"Delay": float("inf")}, "Delay is inf"),
        ({"MaxAttempts": 0}, "MaxAttempts is 0"),
        ({"MaxAttempts": 1.5}, "MaxAttempts is 1.5"),
        ({"MaxAttempts": None}, "MaxAttempts is None"),
        ({"Timeout": 1}, "Timeout is not known"),
    ],
)
async def test_settings_that_cannot_work_are_refused(
    config: dict[str, object], problem: str
) -> None:
    server = Server((200, None))
    with pytest.raises(ParamValidationError, match=f"HeadObject: WaiterConfig.{problem}"):
        await wait_until(server.call, EXISTS, PARAMS, config)
    assert server.asked == []
