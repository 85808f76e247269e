"""What every face can do on one engine: managed transfers, syncing, administration, links."""

from __future__ import annotations

from .admin import Admin
from .api import Api
from .engine import Engine
from .managed import Managed
from .presigning import Presigning
from .syncing import Syncing


class Calls(Managed, Syncing, Admin, Presigning):
    """The calls that faces are made of. ``S3Client`` is one of them, and adds the verbs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._api = Api(engine)

    @property
    def api(self) -> Api:
        """Every operation of S3 under boto3's names."""
        return self._api
