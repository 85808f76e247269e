"""Where keys come from. Each source is lazy as far as it has to be; see ``AbstractCredentials``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .base import AbstractCredentials
from .chain import collect_credentials, merge_credentials
from .environment import EnvironmentCredentials
from .profile import ConfigCredentials
from .static import AnonymousCredentials, StaticCredentials, URLCredentials

if TYPE_CHECKING:
    from .metadata import MetadataCredentials

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

_SELDOM = {"MetadataCredentials": "metadata"}
"""What few programs need is read by those that name it."""


def __getattr__(name: str) -> object:
    if name not in _SELDOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_SELDOM[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_SELDOM})
