"""What transfers are told of how to go about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from aiohttp_s3_client import TransferConfig
from aiohttp_s3_client.config import ChecksumConfig, ClientConfig
from aiohttp_s3_client.protocol.extra_args import Translated, download_args, upload_args
from aiohttp_s3_client.transfer.settings import download_options, read_options, reading_options
from aiohttp_s3_client.transfer.upload import UploadOptions

ENCODED = "a2Vr" * 8
ARGUMENTS = {"SSECustomerKey": ENCODED, "SSECustomerKeyMD5": "bWQ1"}


@pytest.mark.parametrize(
    "options",
    [
        read_options,
        partial(download_options, ClientConfig()),
        partial(reading_options, ClientConfig()),
    ],
)
def test_a_customers_key_is_not_shown(
    options: Callable[[TransferConfig, Translated], object],
) -> None:
    args = download_args(ARGUMENTS)
    assert ENCODED in args.headers.values()
    shown = repr(options(TransferConfig(), args))
    assert "tries=" in shown
    assert ENCODED not in shown


def test_a_customers_key_of_an_upload_is_not_shown() -> None:
    args = upload_args(ARGUMENTS)
    how = UploadOptions(headers=args.multipart, part_size=5, workers=1)
    assert ENCODED in how.headers.values()
    assert "part_size=5" in repr(how)
    assert ENCODED not in repr(how)
    assert ENCODED not in repr(args)


DEFAULT: dict[str, Any] = {}
QUIET = {"response_checksum_validation": "when_required"}
SWITCHED_OFF = {"checksum": ChecksumConfig(validate_response=False)}


@pytest.mark.parametrize("options", [download_options, reading_options])
@pytest.mark.parametrize(
    ("client", "checksum", "mode", "verified"),
    [
        (DEFAULT, None, None, True),
        ({"response_checksum_validation": "when_supported"}, None, None, True),
        ({"checksum": ChecksumConfig("CRC32")}, None, None, True),
        (DEFAULT, False, None, False),
        (DEFAULT, False, "ENABLED", False),
        (DEFAULT, ChecksumConfig(validate_response=False), None, False),
        (QUIET, None, None, False),
        (SWITCHED_OFF, None, None, False),
        ({**QUIET, "checksum": ChecksumConfig("CRC32")}, None, None, False),
        # Where the call itself asks, it gets what it asks for.
        (QUIET, None, "ENABLED", True),
        (QUIET, True, None, True),
        (QUIET, "SHA256", None, True),
        (QUIET, ChecksumConfig(), None, True),
        (SWITCHED_OFF, None, "enabled", True),
        (SWITCHED_OFF, True, None, True),
    ],
)
def test_p20_whether_a_download_is_held_to_its_checksum(
    options: Callable[..., Any],
    client: dict[str, Any],
    checksum: Any,
    mode: str | None,
    verified: bool,
) -> None:
    """P20: by default wherever a server offers one; what the call says goes before the client."""
    args = download_args({"ChecksumMode": mode} if mode else {})
    how = options(ClientConfig(**client), TransferConfig(checksum=checksum), args)
    assert how.verify is verified
    assert how.md5_wanted is (checksum is True or checksum == "SHA256")
    # A range has no checksum of the whole: it is a HEAD that asks.
    assert "x-amz-checksum-mode" not in how.read.headers
