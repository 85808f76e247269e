"""Where keys come from. Each source is lazy as far as it has to be; see ``AbstractCredentials``."""

from __future__ import annotations

from .base import AbstractCredentials
from .chain import collect_credentials, merge_credentials
from .environment import EnvironmentCredentials
from .metadata import MetadataCredentials
from .profile import ConfigCredentials
from .static import AnonymousCredentials, StaticCredentials, URLCredentials

__all__ = [
    "AbstractCredentials",
    "AnonymousCredentials",
    "ConfigCredentials",
    "EnvironmentCredentials",
    "MetadataCredentials",
    "StaticCredentials",
    "URLCredentials",
    "collect_credentials",
    "merge_credentials",
]
