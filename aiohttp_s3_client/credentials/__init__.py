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
    from .callables import BotocoreCredentials, CallableCredentials
    from .container import ContainerCredentials
    from .metadata import MetadataCredentials
    from .process import ProcessCredentials
    from .service_access import ServiceAccess, ServiceError
    from .sso import SSOCredentials
    from .sts import AssumeRoleCredentials, WebIdentityCredentials

__all__ = [
    "AbstractCredentials",
    "AnonymousCredentials",
    "AssumeRoleCredentials",
    "BotocoreCredentials",
    "CallableCredentials",
    "ConfigCredentials",
    "ContainerCredentials",
    "EnvironmentCredentials",
    "MetadataCredentials",
    "ProcessCredentials",
    "SSOCredentials",
    "ServiceAccess",
    "ServiceError",
    "StaticCredentials",
    "URLCredentials",
    "WebIdentityCredentials",
    "collect_credentials",
    "merge_credentials",
]

# Imported when they are asked for: a client with keys of its own has no need of them, and the
# package is to be imported quickly.
_LATER = {
    "AssumeRoleCredentials": "sts",
    "BotocoreCredentials": "callables",
    "CallableCredentials": "callables",
    "ContainerCredentials": "container",
    "MetadataCredentials": "metadata",
    "ProcessCredentials": "process",
    "SSOCredentials": "sso",
    "ServiceAccess": "service_access",
    "ServiceError": "service_access",
    "WebIdentityCredentials": "sts",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
