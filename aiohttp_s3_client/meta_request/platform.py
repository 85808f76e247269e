"""The machine: which type of EC2 instance it is, and how much of a network it has.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
"""

from __future__ import annotations

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ..credentials.base import loop_runs
from ..credentials.imds import MetadataService
from ..errors import CredentialsError
from ..transport.shielding import threaded

logger = logging.getLogger(__name__)

_DMI = Path("/sys/devices/virtual/dmi/id")
_VENDOR = "amazon ec2"
_TYPE = r"[a-z0-9-]+\.[a-z0-9-]+"


class _Platform(NamedTuple):
    """What a processor can get out of an instance's network, in gigabits per second."""

    gbps: float
    optimized: bool


_PLATFORMS = {
    "c5n.9xlarge": _Platform(50, optimized=False),
    "c5n.18xlarge": _Platform(100, optimized=False),
    "c5n.metal": _Platform(100, optimized=False),
    "p4d.24xlarge": _Platform(400, optimized=True),
    "p4de.24xlarge": _Platform(400, optimized=True),
    "p5.48xlarge": _Platform(400, optimized=True),
    "p5e.48xlarge": _Platform(100, optimized=True),
    "p5en.48xlarge": _Platform(100, optimized=True),
    "p6-b200.48xlarge": _Platform(200, optimized=True),
    "p6-b300.48xlarge": _Platform(350, optimized=True),
    "trn1.32xlarge": _Platform(600, optimized=True),
    "trn1n.32xlarge": _Platform(800, optimized=True),
}
"""awscrt's figures (0.38). The network of the larger ones does more, for their accelerators."""


class Machine:
    """Finds out once which type of EC2 instance it is.

    DMI, which the kernel shows in files of *dmi*, says whether it is one, and on today's instances
    which. Only where it does not say that, the metadata service is asked.
    """

    __slots__ = ("_dmi", "_found", "_known")

    def __init__(self, dmi: Path = _DMI) -> None:
        self._dmi = dmi
        self._known = False
        self._found: str | None = None

    async def find_type(self) -> str | None:
        """The type; None for what is no EC2 instance, or when it cannot be had within a second."""
        if not self._known and await threaded(self._dmi_leaves_open):
            self._remember(await _ask_service())
        return self._found

    def wait_for_type(self) -> str | None:
        """``find_type`` for code that runs in no event loop; ``RuntimeError`` for any other."""
        if self._known:
            return self._found
        if loop_runs():
            raise RuntimeError(
                "the type of the instance is not known yet, and finding it out would hold up the "
                "event loop: call `await get_ec2_instance_type_async()` first"
            )
        if self._dmi_leaves_open():
            # In a thread, since asyncio.run leaves the main one without its event loop.
            with ThreadPoolExecutor(1) as pool:
                self._remember(pool.submit(lambda: asyncio.run(_ask_service())).result())
        return self._found

    def _dmi_leaves_open(self) -> bool:
        """Whether DMI says that this is an instance, and not of which type. Reads files."""
        if self._read("sys_vendor").lower() == _VENDOR:
            product = self._read("product_name")
            if not re.fullmatch(_TYPE, product):
                return True
            self._found = product
        self._known = True
        return False

    def _read(self, name: str) -> str:
        try:
            return (self._dmi / name).read_text("utf-8", "replace").strip()
        except OSError as error:
            logger.debug("DMI does not say %s: %s", name, error)
            return ""

    def _remember(self, found: str | None) -> None:
        # A service that failed may do better the next time.
        self._known, self._found = found is not None, found


async def _ask_service() -> str | None:
    try:
        return await MetadataService().fetch_instance_type()
    except CredentialsError as error:
        logger.warning("the type of the EC2 instance is not known: %s", "; ".join(error.args))
        return None


machine = Machine()


def get_ec2_instance_type() -> str | None:
    """The type of the EC2 instance that this is, such as ``p5.48xlarge``; None where it is none.

    DMI is read first, and the metadata service is asked only where it does not say enough, for a
    second at most; the answer is kept. Raises ``RuntimeError`` inside a running event loop, unless
    ``get_ec2_instance_type_async`` has found it out.
    """
    return machine.wait_for_type()


async def get_ec2_instance_type_async() -> str | None:
    """``get_ec2_instance_type`` inside an event loop."""
    return await machine.find_type()


def is_optimized_for_system() -> bool:
    """Whether this is one of ``get_optimized_platforms``.

    Raises ``RuntimeError`` inside an event loop as ``get_ec2_instance_type`` does.
    """
    return machine.wait_for_type() in get_optimized_platforms()


def get_optimized_platforms() -> list[str]:
    """The types of EC2 instances whose throughput is known well."""
    return [name for name, platform in _PLATFORMS.items() if platform.optimized]


def get_recommended_throughput_target_gbps() -> float | None:
    """A ``throughput_target_gbps`` for this machine, None where none is known.

    Raises ``RuntimeError`` inside an event loop as ``get_ec2_instance_type`` does.
    """
    platform = _PLATFORMS.get(machine.wait_for_type() or "")
    return platform and platform.gbps
