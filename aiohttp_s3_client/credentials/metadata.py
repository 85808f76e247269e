"""Credentials of the IAM role of an EC2 instance, from its metadata service (IMDSv2).

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
"""

from __future__ import annotations

from datetime import timedelta

from ..models import CredentialsSnapshot
from .imds import MetadataService
from .refreshing import Clock, RefreshingCredentials, utc_now


class MetadataCredentials(RefreshingCredentials):
    """Credentials of the role that an EC2 instance has, renewed before they expire.

    ``await start()`` fetches them and keeps a task that renews them in the background, ``await
    stop()`` ends it; ``async with`` does both. Without ``start`` they are fetched and renewed when
    a request needs them. One fetch runs at a time, whoever asks. A fetch that fails while the old
    keys are valid is logged and tried again later; while the service does not answer, the old keys
    are used for a quarter of an hour beyond their end. Where there is no such service, ``start``
    raises ``CredentialsError`` within some five seconds.

    ``host`` and ``port`` are those of the service; by default those of
    ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` or ``http://169.254.169.254``.
    ``AWS_EC2_METADATA_DISABLED=true`` switches the source off. ``clock`` gives the time, aware.
    The region is the argument, or the instance's own.
    """

    EXTENDED_USE = timedelta(minutes=15)

    __slots__ = ("_service",)

    def __init__(
        self,
        *,
        service: str = "s3",
        host: str = "",
        port: int = 0,
        region: str = "",
        clock: Clock = utc_now,
    ) -> None:
        self._service = MetadataService(host, port)
        super().__init__(
            f"the metadata service {self._service.endpoint}",
            region=region,
            service=service,
            clock=clock,
        )

    async def _fetch(self) -> CredentialsSnapshot:
        return await self._service.fetch_credentials(self.region)

    def __repr__(self) -> str:
        return (
            f"MetadataCredentials(endpoint={str(self._service.endpoint)!r}, "
            f"region={self.region!r}, service={self.service!r})"
        )
