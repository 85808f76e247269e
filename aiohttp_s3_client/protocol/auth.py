"""How a request is signed: by which scheme, for which service and region.

The words are those of AWS's endpoint rules; ``endpoints/`` decides them for whatever is not an
ordinary bucket.
"""

from __future__ import annotations

from typing import NamedTuple

SIGV4 = "sigv4"
SIGV4A = "sigv4a"
EXPRESS = "sigv4-s3express"
"""SigV4 with the credentials of a directory bucket's session in the place of the client's own."""


class Auth(NamedTuple):
    """What a signer is made for, beside the credentials."""

    scheme: str
    service: str
    """Of the credential scope: ``s3``, ``s3express``, ``s3-outposts``, ``s3-object-lambda``."""
    region: str
    """One region; for ``sigv4a`` a set of them: ``*``."""
