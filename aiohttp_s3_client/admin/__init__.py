"""What is done to buckets and objects beside their content, as methods, thin over ``client.api``.

``client.api`` has what is not here, under boto3's names.
"""

from __future__ import annotations

from .buckets import Buckets
from .emptying import Emptying
from .objects import Objects
from .settings import BucketSettings


class Admin(Buckets, Objects, Emptying, BucketSettings):
    """Administration of buckets and objects. All raise S3's typed errors.

    ``bucket`` may be left out where the client is bound to one, and may name no other then.
    """
