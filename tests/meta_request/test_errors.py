"""The errors of a meta request: awscrt's codes and names."""

from __future__ import annotations

import pickle

import pytest

from aiohttp_s3_client.errors import AwsCrtError, S3Error, S3ResponseError
from aiohttp_s3_client.errors.crt import CRT_ERRORS


def test_response_error_as_the_seed_has_it() -> None:
    error = S3ResponseError(code=14343, name="AWS_ERROR_S3_INVALID_RESPONSE_STATUS", message="No.")
    assert isinstance(error, AwsCrtError)
    assert isinstance(error, S3Error)
    assert (error.code, error.name, error.message) == (
        14343,
        "AWS_ERROR_S3_INVALID_RESPONSE_STATUS",
        "No.",
    )
    assert (error.status_code, error.headers) == (None, None)
    assert (error.body, error.operation_name) == (None, None)
    assert str(error) == "AWS_ERROR_S3_INVALID_RESPONSE_STATUS: No."
    assert repr(error) == (
        "S3ResponseError(name='AWS_ERROR_S3_INVALID_RESPONSE_STATUS', message='No.', code=14343)"
    )


def test_response_error_is_pickled_whole() -> None:
    error = S3ResponseError(
        code=1,
        name="N",
        message="m",
        status_code=404,
        headers=[("a", "1"), ("a", "2")],
        body=b"<Error/>",
        operation_name="UploadPart",
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is S3ResponseError
    assert vars(copy) == vars(error)
    assert copy.args == error.args
    assert copy.headers == [("a", "1"), ("a", "2")]


def test_by_name() -> None:
    error = AwsCrtError.of("AWS_ERROR_PLATFORM_NOT_SUPPORTED")
    assert (error.code, error.message) == (53, "This platform cannot do that.")
    assert AwsCrtError.of("AWS_ERROR_S3_CANCELED", "Enough.").message == "Enough."
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.args) == (AwsCrtError, error.args)
    with pytest.raises(KeyError):
        AwsCrtError.of("AWS_ERROR_OF_NOBODY")


def test_names_and_codes_are_said_once() -> None:
    codes = [code for code, _ in CRT_ERRORS.values()]
    assert len(set(codes)) == len(codes)
    assert all(message for _, message in CRT_ERRORS.values())
