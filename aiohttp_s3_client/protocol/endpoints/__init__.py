"""Where S3 is, as AWS's public endpoint rules decide it, in plain Python.

``resolve_endpoint`` takes the rules' own parameters and gives URL, headers and the ways of signing.
The modules beside: ``partitions``, ``names``, ``arn`` and ``custom`` know facts, ``asked`` is the
question and ``resolved`` the answer, ``resolve`` chooses between ``general``, ``directory``,
``access_points`` and ``outposts``, each of which knows the hosts of one kind of bucket.
"""

from .resolve import resolve_endpoint
from .resolved import AuthScheme, ResolvedEndpoint

__all__ = ["AuthScheme", "ResolvedEndpoint", "resolve_endpoint"]
