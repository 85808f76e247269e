"""What may stand where a bucket is named: a bucket, an alias, or the ARN of an access point.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
"""

from __future__ import annotations

import re
from functools import lru_cache

BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
DNS_BUCKET = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
"""What is one label of a host."""
_LEGACY_BUCKET = r"[A-Za-z0-9._-]{3,255}"
_DOTTED_QUAD = r"\d+\.\d+\.\d+\.\d+"
_DOTTED_REGION = r"arn:[^:]*:[^:]*:[^:]*\."
_ACCESS_POINT = (
    r"(arn:[^:/]+:[^:/]+:[^:/]*:[^:/]*:(?:outpost[:/][^:/]+[:/])?accesspoint[:/][^:/]+)(?:/(.*))?"
)


def is_arn(bucket: str) -> bool:
    """Whether *bucket* is meant as an ARN; no bucket's name holds a colon."""
    return bucket.startswith("arn:")


@lru_cache(maxsize=4096)
def check_bucket_name(bucket: str, *, legacy: bool = False) -> str:
    """*bucket*, or a ``ValueError`` that says which rule it breaks.

    Which ARNs lead anywhere is for the endpoint rules to say, but for those whose region has a dot:
    the rules would make a host of it that need not be one of S3's.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    if is_arn(bucket):
        if re.match(_DOTTED_REGION, bucket):
            raise ValueError(f"bucket: {bucket!r} is in no region of AWS's")
        return bucket
    if legacy and re.fullmatch(_LEGACY_BUCKET, bucket):
        return bucket
    if not re.fullmatch(BUCKET, bucket):
        raise ValueError(
            f"bucket: {bucket!r} is not a bucket name: 3 to 63 lower-case letters, digits, dots "
            "and hyphens, beginning and ending with a letter or digit "
            "(ClientConfig(legacy_bucket_names=True) allows the older rules)"
        )
    if ".." in bucket or re.fullmatch(_DOTTED_QUAD, bucket):
        raise ValueError(
            f"bucket: {bucket!r} is not a bucket name: it holds two dots in a row or looks like "
            "an IP address"
        )
    return bucket


def split_bucket(name: str) -> tuple[str, str | None]:
    """The bucket that *name* begins with, and what follows its slash; None where there is none.

    The ARN of an access point may have a slash of its own: ``arn:…:accesspoint/reports/a/key`` is
    the key ``a/key`` there. An ARN of anything else is left whole, for the rules to refuse.
    """
    if is_arn(name):
        arn = re.fullmatch(_ACCESS_POINT, name, re.DOTALL)
        return (arn[1], arn[2]) if arn else (name, None)
    bucket, slash, key = name.partition("/")
    return bucket, key if slash else None
