"""What an operation returns: the members of its answer, and out of the way what came with it."""

from __future__ import annotations

from typing import Any

from ..transport.answer import Answer

_METADATA = "ResponseMetadata"


class Output(dict[str, Any]):
    """The members of an answer, as boto3 names them; those that the server left out are absent.

    ``output["ResponseMetadata"]`` (and ``get``) works as in boto3, without being one of the keys:
    ``HTTPStatusCode``, ``HTTPHeaders`` by lower-case names, ``RequestId``, ``HostId``,
    ``RetryAttempts``.
    """

    __slots__ = ("_attempts", "_raw_headers", "_status")

    def __init__(self, members: dict[str, Any], answer: Answer) -> None:
        super().__init__(members)
        # Few ask for the metadata: it is made for those who do, and the response is let go.
        self._raw_headers = answer.response.raw_headers
        self._status = answer.response.status
        self._attempts = answer.attempts

    @property
    def _metadata(self) -> dict[str, Any]:
        headers = {
            name.decode("utf-8", "surrogateescape").lower(): value.decode(
                "utf-8", "surrogateescape"
            )
            for name, value in self._raw_headers
        }
        return {
            "RequestId": headers.get("x-amz-request-id", ""),
            "HostId": headers.get("x-amz-id-2", ""),
            "HTTPStatusCode": self._status,
            "HTTPHeaders": headers,
            "RetryAttempts": self._attempts - 1,
        }

    def __missing__(self, name: str) -> dict[str, Any]:
        if name == _METADATA:
            return self._metadata
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """A member, or *default* where the answer has none."""
        return self._metadata if name == _METADATA else super().get(name, default)
