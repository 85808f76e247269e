"""What transfers are told of how to go about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aiohttp_s3_client import TransferConfig
from aiohttp_s3_client.protocol.extra_args import Translated, download_args, upload_args
from aiohttp_s3_client.transfer.settings import download_options, read_options, reading_options
from aiohttp_s3_client.transfer.upload import UploadOptions

ENCODED = "a2Vr" * 8
ARGUMENTS = {"SSECustomerKey": ENCODED, "SSECustomerKeyMD5": "bWQ1"}


@pytest.mark.parametrize("options", [read_options, download_options, reading_options])
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
