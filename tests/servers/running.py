"""A started server as tests see it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from .base import ServerInfo
from .capabilities import UNSUPPORTED
from .external import NAME as EXTERNAL
from .oracle import Oracle
from .probes import PROBES, supports


@dataclass(frozen=True, slots=True)
class RunningServer:
    """One server: its address, what it supports, and an independent client for it."""

    info: ServerInfo
    oracle: Oracle
    _probed: dict[str, bool] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``: the base URL, without bucket, credentials or last slash."""
        return self.info.url

    @property
    def virtual_url(self) -> str:
        """The same with the host ``localhost``, below which buckets may be labels of the host."""
        return self.info.url.replace("127.0.0.1", "localhost")

    @property
    def access_key_id(self) -> str:
        return self.info.access_key_id

    @property
    def secret_access_key(self) -> str:
        return self.info.secret_access_key

    @property
    def region(self) -> str:
        return self.info.region

    @property
    def ca_file(self) -> str | None:
        return self.info.ca_file

    def ssl_context(self) -> ssl.SSLContext | None:
        """A context that trusts the server, or None for plain HTTP and public authorities."""
        return ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None

    def missing(self, feature: str) -> str | None:
        """Why the server lacks *feature*, or None where it has it.

        Raises ``LookupError`` for a feature that has no probe.
        """
        if feature not in PROBES:
            raise LookupError(f"{feature!r} is no feature of tests/servers/probes.py")
        if self.name != EXTERNAL:
            return UNSUPPORTED[self.name].get(feature)
        if feature not in self._probed:
            self._probed[feature] = self._probe(feature)
        return None if self._probed[feature] else "its probe says no"

    def need(self, *features: str) -> None:
        """Skip the test where the server lacks one of *features*, with the reason."""
        for feature in features:
            reason = self.missing(feature)
            if reason is not None:
                pytest.skip(f"{self.name}, {feature}: {reason}")

    def _probe(self, feature: str) -> bool:
        """Probe a user's own server, in a bucket of its own.

        Where the key cannot create one, nothing is probed inside the user's bucket: the test
        runs and shows what happens.
        """
        from botocore.exceptions import ClientError

        name = f"probe-{uuid4().hex[:12]}"

        try:
            self.oracle.create_bucket(name)
        except ClientError:
            return feature != "own_bucket"
        try:
            return supports(feature, self.oracle, name)
        finally:
            self.oracle.delete_bucket(name)
