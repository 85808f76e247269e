"""What an answer means to a waiter; botocore's acceptors are the oracle."""

from __future__ import annotations

from typing import Any

import botocore.loaders
import pytest
from botocore.waiter import AcceptorConfig
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.waiters import Acceptor, Outcome, State, Waiter, judge

FACTS: dict[str, Any] = botocore.loaders.Loader().load_service_model("s3", "waiters-2")["waiters"]

states = st.sampled_from(["success", "failure", "retry"])
words = st.sampled_from(["up", "down", ""])
codes = st.sampled_from(["NoSuchKey", "404", "SlowDown"])
acceptors = st.one_of(
    st.fixed_dictionaries(
        {"state": states, "matcher": st.just("status"), "expected": st.sampled_from([200, 404])}
    ),
    st.fixed_dictionaries(
        {"state": states, "matcher": st.just("error"), "expected": codes | st.booleans()}
    ),
    st.fixed_dictionaries(
        {
            "state": states,
            "matcher": st.sampled_from(["path", "pathAll", "pathAny"]),
            "argument": st.sampled_from(["State", "Items", "Items[].State", "Items[0].State"]),
            "expected": words | st.none() | st.booleans() | st.lists(words, max_size=2),
        }
    ),
)
items = st.lists(st.fixed_dictionaries({}, optional={"State": words}), max_size=3)
outputs = st.fixed_dictionaries({}, optional={"State": words | st.booleans(), "Items": items})
outcomes = st.one_of(
    st.builds(Outcome, st.sampled_from([200, 204]), output=outputs),
    st.builds(Outcome, st.sampled_from([301, 404, 503]), codes),
)


def botocores(outcome: Outcome) -> dict[str, Any]:
    """The answer as botocore's acceptors see it."""
    response = {**outcome.output, "ResponseMetadata": {"HTTPStatusCode": outcome.status}}
    return response | ({"Error": {"Code": outcome.error}} if outcome.error else {})


@given(acceptors, outcomes)
def test_acceptors_match_what_botocores_match(facts: dict[str, Any], outcome: Outcome) -> None:
    theirs = AcceptorConfig(facts).matcher_func(botocores(outcome))
    assert Acceptor.of(facts).matches(outcome) is bool(theirs)


@pytest.mark.parametrize(
    ("name", "outcome", "state"),
    [
        ("BucketExists", Outcome(200), "success"),
        ("BucketExists", Outcome(301, "PermanentRedirect"), "success"),
        ("BucketExists", Outcome(403, "AccessDenied"), "success"),
        ("BucketExists", Outcome(404, "404"), "retry"),
        ("BucketExists", Outcome(503, "SlowDown"), "failure"),
        ("BucketNotExists", Outcome(200), "retry"),
        ("BucketNotExists", Outcome(403, "403"), "failure"),
        ("BucketNotExists", Outcome(404, "NoSuchBucket"), "success"),
        ("ObjectExists", Outcome(200), "success"),
        ("ObjectExists", Outcome(404, "404"), "retry"),
        ("ObjectExists", Outcome(403, "403"), "failure"),
        ("ObjectNotExists", Outcome(200), "retry"),
        ("ObjectNotExists", Outcome(404, "NoSuchKey"), "success"),
    ],
)
def test_the_waiters_of_the_model(name: str, outcome: Outcome, state: State) -> None:
    waiter = Waiter.of(name, FACTS[name])
    assert waiter.name == name
    assert waiter.operation in {"HeadBucket", "HeadObject"}
    assert (waiter.delay, waiter.max_attempts) == (5, 20)
    assert judge(waiter, outcome) == state


def test_the_first_acceptor_that_matches_counts() -> None:
    failing = Acceptor("failure", "error", True)
    hoping = Acceptor("retry", "status", 404)
    waiter = Waiter("W", "HeadObject", 1, 1, (failing, hoping))
    assert judge(waiter, Outcome(404, "404")) == "failure"
    assert judge(waiter._replace(acceptors=(hoping, failing)), Outcome(404, "404")) == "retry"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"matcher": "output"}, "matcher 'output'"),
        ({"state": "done"}, "state 'done'"),
        ({"expected": "200"}, "not a status"),
        ({"matcher": "error", "expected": 404}, "neither an error's code nor a boolean"),
        ({"matcher": "path"}, "not of a known form"),
        ({"matcher": "pathAll", "argument": "length(Items)"}, "not of a known form"),
        ({"matcher": "pathAny", "argument": "Items[?State]"}, "not of a known form"),
    ],
)
def test_foreign_acceptors_are_refused_when_loaded(changed: dict[str, Any], message: str) -> None:
    acceptor = {"state": "success", "matcher": "status", "expected": 200} | changed
    with pytest.raises(ValueError, match=message):
        Waiter.of("W", FACTS["ObjectExists"] | {"acceptors": [acceptor]})
