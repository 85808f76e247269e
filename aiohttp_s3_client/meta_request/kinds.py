"""The types of a request: what each is to S3, and what it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from .downloading import get_object
from .plain import send_one
from .uploading import put_object
from .values import S3RequestType
from .work import Result, Work


class Kind(NamedTuple):
    """One type of a request."""

    name: str
    operation: str
    """S3's name of it; empty where the caller says it."""
    method: str
    """Empty for any."""
    carry_out: Callable[[Work], Awaitable[Result]]

    @classmethod
    def of(cls, type_: object) -> Kind:
        """The kind that an ``S3RequestType``, or its number, means."""
        for known, kind in _KINDS.items():
            if known == type_ and not isinstance(type_, bool):
                return kind
        raise ValueError(f"type must be an S3RequestType, not {type_!r}")

    def named(self, operation_name: object) -> str:
        """S3's name of a request of this kind. Raises ``ValueError`` where there is none."""
        if self.operation:
            return self.operation
        if not operation_name:
            raise ValueError("operation_name must be set where type is DEFAULT")
        if not isinstance(operation_name, str):
            raise TypeError(f"operation_name must be a str, not {operation_name!r}")
        return operation_name

    def check(self, work: Work) -> None:
        """Raise ``ValueError`` for a request that cannot be of this kind."""
        target = work.target
        if self.method and target.method != self.method:
            raise ValueError(
                f"request: a {self.name} is sent by {self.method}, not by {target.method}"
            )
        if self.method and target.key is None:
            raise ValueError(f"request: a {self.name} needs the path of an object")
        has_body = work.body is not None or work.send_path is not None
        if self.method == "GET" and has_body:
            raise ValueError(f"send_filepath, body_stream: a {self.name} sends no body")
        if self.method == "PUT" and work.receive_path is not None:
            raise ValueError(f"recv_filepath: nothing comes back from a {self.name}")
        if not has_body and (
            target.content_length or (self.method == "PUT" and target.content_length is None)
        ):
            raise ValueError(
                "request: it needs a body_stream, or send_filepath, or 'Content-Length: 0'"
            )


_KINDS = {
    S3RequestType.DEFAULT: Kind("DEFAULT", "", "", send_one),
    S3RequestType.GET_OBJECT: Kind("GET_OBJECT", "GetObject", "GET", get_object),
    S3RequestType.PUT_OBJECT: Kind("PUT_OBJECT", "PutObject", "PUT", put_object),
}
