"""Which endpoint and region each bucket's requests are signed for, as far as it is known."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ..config import DEFAULT_REGION
from ..request import Request
from .auth import SIGV4, Auth
from .endpoint import Address, Endpoint
from .endpoints.asked import HOME_REGION
from .endpoints.partitions import AWS


class Route(NamedTuple):
    """Where requests for a bucket go, and the region they are signed for."""

    endpoint: Endpoint
    region: str
    asked: Auth | None = None
    """How requests are signed where the user says it; an empty region in it is the route's."""

    def address(self, request: Request) -> Address:
        """The address of *request*, which is of the bucket that this is the route of."""
        if request.path:
            return self.endpoint.service_address(
                request.service, self.region, request.host_prefix, request.path
            )
        return self.endpoint.address(request.bucket, request.key, request.operation, self.region)

    def to(self, bucket: str, key: str | None, operation: str = "") -> Address:
        """The address of *key* in *bucket*, for what S3 calls *operation*."""
        return self.endpoint.address(bucket, key, operation, self.region)

    def auth(self, address: Address, service: str = "s3") -> Auth:
        """How a request to *address* is signed; *service* is the one that the request names."""
        if self.asked is not None:
            return self.asked._replace(region=self.asked.region or self.region)
        return address.auth or _ordinary(service, self.region)


@lru_cache
def _ordinary(service: str, region: str) -> Auth:
    return Auth(SIGV4, service, region)


class Routes:
    """The client's own endpoint and region, and what answers taught about single buckets."""

    __slots__ = ("_confirmed", "_default", "_learnt")

    REMEMBERED = 4096
    """Buckets that are remembered; a service that visits more learns some of them again."""

    def __init__(self, endpoint: Endpoint, region: str, asked: Auth | None = None) -> None:
        region = region or endpoint.region or DEFAULT_REGION
        if region == AWS.global_region:
            region = HOME_REGION
        self._default = Route(endpoint.signed_in(region), region, asked)
        self._learnt: dict[str, Route] = {}
        self._confirmed: set[str] = set()

    @property
    def default(self) -> Route:
        return self._default

    def of(self, bucket: str) -> Route:
        return self._learnt.get(bucket, self._default)

    def learn(self, bucket: str, region: str) -> bool:
        """An answer named the bucket's region; whether that is news that can be acted on."""
        if not region or region == self.of(bucket).region:
            return False
        if self._default.endpoint.decides_signing(bucket):
            return False
        if len(self._learnt) >= self.REMEMBERED:
            self._learnt.clear()
        self._learnt[bucket] = self._default._replace(
            endpoint=self._default.endpoint.in_region(region), region=region
        )
        return True

    def confirm(self, bucket: str) -> None:
        """A signed request for *bucket* was accepted: its region is right."""
        if bucket in self._confirmed:
            return
        if len(self._confirmed) >= self.REMEMBERED:
            self._confirmed.clear()
        self._confirmed.add(bucket)

    def is_confirmed(self, bucket: str) -> bool:
        return bucket in self._confirmed
