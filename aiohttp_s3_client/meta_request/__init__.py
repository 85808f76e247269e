"""Requests to S3 as whole HTTP requests, carried out in parallel: the vocabulary of awscrt.s3.

::

    async with S3Client(region="us-east-1", signing_config=…) as client:
        headers = HttpHeaders([("Host", "bucket.s3.us-east-1.amazonaws.com")])
        request = HttpRequest("GET", "/key", headers)
        get = client.make_request(type=S3RequestType.GET_OBJECT, request=request, on_body=…)
        await get.finished_future

``S3Client`` here is ``AcceleratedClient``.
"""

from __future__ import annotations

from ..errors.crt import AwsCrtError, CrossProcessLockError, S3ResponseError
from .client import AcceleratedClient
from .http import HttpHeaders, HttpRequest
from .lock import CrossProcessLock
from .platform import (
    get_ec2_instance_type,
    get_ec2_instance_type_async,
    get_optimized_platforms,
    get_recommended_throughput_target_gbps,
    is_optimized_for_system,
)
from .providers import AwsCredentials, AwsCredentialsProvider
from .request import S3Request
from .signing import (
    AwsSignatureType,
    AwsSignedBodyHeaderType,
    AwsSignedBodyValue,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    create_default_s3_signing_config,
)
from .tls import ClientTlsContext, TlsConnectionOptions, TlsContextOptions, TlsVersion
from .values import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
    S3RequestTlsMode,
    S3RequestType,
)

S3Client = AcceleratedClient

__all__ = [
    "AcceleratedClient",
    "AwsCredentials",
    "AwsCredentialsProvider",
    "AwsCrtError",
    "AwsSignatureType",
    "AwsSignedBodyHeaderType",
    "AwsSignedBodyValue",
    "AwsSigningAlgorithm",
    "AwsSigningConfig",
    "ClientTlsContext",
    "CrossProcessLock",
    "CrossProcessLockError",
    "HttpHeaders",
    "HttpRequest",
    "S3ChecksumAlgorithm",
    "S3ChecksumConfig",
    "S3ChecksumLocation",
    "S3Client",
    "S3Request",
    "S3RequestTlsMode",
    "S3RequestType",
    "S3ResponseError",
    "TlsConnectionOptions",
    "TlsContextOptions",
    "TlsVersion",
    "create_default_s3_signing_config",
    "get_ec2_instance_type",
    "get_ec2_instance_type_async",
    "get_optimized_platforms",
    "get_recommended_throughput_target_gbps",
    "is_optimized_for_system",
]
