"""Headers and requests as they are written down; what of them cannot be sent is test_client's."""

from __future__ import annotations

import io
import pickle

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aiohttp_s3_client.meta_request.http import HttpHeaders, HttpRequest

names = st.sampled_from(["a", "A", "b", "Bb", "bB", "x-amz-meta-a"])
values = st.text("ab \t", max_size=4)
pairs = st.lists(st.tuples(names, values), max_size=4)


class HeadersAgainstAModel(RuleBasedStateMachine):
    """Whatever is done to headers is done to a plain list as well."""

    def __init__(self) -> None:
        super().__init__()
        self.headers = HttpHeaders()
        self.model: list[tuple[str, str]] = []

    def of(self, name: str) -> list[tuple[str, str]]:
        return [pair for pair in self.model if pair[0].lower() == name.lower()]

    @rule(name=names, value=values)
    def add(self, name: str, value: str) -> None:
        self.headers.add(name, value)
        self.model.append((name, value.strip()))

    @rule(added=pairs)
    def add_pairs(self, added: list[tuple[str, str]]) -> None:
        self.headers.add_pairs(added)
        self.model += [(name, value.strip()) for name, value in added]

    @rule(name=names, value=values)
    def set(self, name: str, value: str) -> None:
        self.headers.set(name, value)
        gone = self.of(name)
        self.model = [pair for pair in self.model if pair not in gone]
        self.model.append((name, value.strip()))

    @rule(name=names)
    def remove(self, name: str) -> None:
        gone = self.of(name)
        if gone:
            self.headers.remove(name)
            self.model = [pair for pair in self.model if pair not in gone]
        else:
            with pytest.raises(KeyError, match=name):
                self.headers.remove(name)

    @rule(name=names, value=values)
    def remove_value(self, name: str, value: str) -> None:
        found = next((pair for pair in self.of(name) if pair[1] == value), None)
        if found:
            self.headers.remove_value(name, value)
            self.model.remove(found)
        else:
            with pytest.raises(ValueError, match=name):
                self.headers.remove_value(name, value)

    @rule()
    def clear(self) -> None:
        self.headers.clear()
        self.model.clear()

    @invariant()
    def same(self) -> None:
        assert list(self.headers) == self.model
        for name in ("A", "bb", "X-Amz-Meta-A", "missing"):
            its = [value for _, value in self.of(name)]
            assert list(self.headers.get_values(name)) == its
            assert self.headers.get(name) == (its[0] if its else None)
            assert self.headers.get(name, "default") == (its[0] if its else "default")


TestHeadersAgainstAModel = HeadersAgainstAModel.TestCase
TestHeadersAgainstAModel.settings = settings(max_examples=30, stateful_step_count=30)


def test_made_of_pairs() -> None:
    headers = HttpHeaders([("Host", "example.com"), ("a", "1"), ("A", "2")])
    assert list(headers.get_values("a")) == ["1", "2"]
    assert list(HttpHeaders(headers)) == list(headers)
    assert list(HttpHeaders()) == []


def test_changed_while_it_is_read() -> None:
    headers = HttpHeaders([("a", "1"), ("a", "2")])
    for name, _ in headers:
        headers.add(name, "more")
    for value in headers.get_values("A"):
        headers.remove_value("A", value)
    assert list(headers) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("", "1", "'' is no header's name"),
        ("a b", "1", "'a b' is no header's name"),
        ("a:", "1", "'a:' is no header's name"),
        ("a\n", "1", r"'a\\n' is no header's name"),
        ("é", "1", "'é' is no header's name"),
        ("a", "1\r\nb: 2", "the value of header 'a' has a line break"),
        ("a", "1\n2", "the value of header 'a' has a line break"),
        ("a", "1\x002", "the value of header 'a' has a line break"),
    ],
)
def test_what_would_be_another_header_is_refused(name: str, value: str, said: str) -> None:
    headers = HttpHeaders([("a", "kept")])
    for change in (headers.add, headers.set):
        with pytest.raises(ValueError, match=said):
            change(name, value)
    with pytest.raises(ValueError, match=said):
        headers.add_pairs([("b", "dropped"), (name, value)])
    assert list(headers) == [("a", "kept")]


def test_numbers_are_no_values() -> None:
    with pytest.raises(TypeError, match="pair of str, not of str and int"):
        HttpHeaders([("content-length", 5)])  # type: ignore[list-item]  # what is tested


def test_no_secret_is_shown_or_pickled() -> None:
    headers = HttpHeaders([("X-Amz-Security-Token", "tok3n"), ("Host", "example.com")])
    request = HttpRequest("GET", "/key?X-Amz-Signature=s1gn", headers)
    for shown in (repr(headers), str(headers), repr(request), str(request)):
        assert "tok3n" not in shown
        assert "s1gn" not in shown
    assert repr(headers) == (
        "HttpHeaders([('X-Amz-Security-Token', '[redacted]'), ('Host', 'example.com')])"
    )
    assert repr(request) == "HttpRequest('GET', '/key')"
    with pytest.raises(ValueError, match="'X-Amz-Security-Token' has no such value") as caught:
        headers.remove_value("X-Amz-Security-Token", "0ther")
    assert "0ther" not in str(caught.value)
    for held in (headers, request):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(held)


def test_request_as_awscrt_has_it() -> None:
    request = HttpRequest()
    assert (request.method, request.path, request.body_stream) == ("GET", "/", None)
    assert list(request.headers) == []
    request.method, request.path = "PUT", "/key"
    request.headers.add("Host", "example.com")
    request.body_stream = io.BytesIO(b"body")
    headers = HttpHeaders()
    assert HttpRequest(headers=headers).headers is headers
