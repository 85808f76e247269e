"""The tree of exceptions: what catches what, what survives a pickle, and what is never shown."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from aiohttp_s3_client import (
    AwsDownloadError,
    AwsError,
    AwsUploadError,
    ClientConfig,
    S3Client,
    S3Error,
    errors,
)
from aiohttp_s3_client.errors import (
    AccessDenied,
    EventStreamError,
    Forbidden,
    IncompleteMultipartUpload,
    InvalidObjectState,
    NoSuchBucket,
    NoSuchKey,
    NotFound,
    ParamValidationError,
    S3ConnectionError,
    S3TimeoutError,
    ServerError,
    SignatureDoesNotMatch,
    SlowDown,
    WaiterError,
    error_class,
)
from aiohttp_s3_client.models import DeleteError, SyncFailure, SyncReport
from aiohttp_s3_client.redaction import (
    BODY_LIMIT,
    REDACTED,
    redact_body,
    redact_elements,
    redact_headers,
    redact_text,
    redact_url,
    redacted_request_info,
)

from .servers.scripted import ScriptedServer, StartScript
from .servers.steps import Recorded, Step, drop, hang, raw, reply
from .transport.scripts import CREATED, KEY, SECRET, TOKEN, error, kind

INFO = redacted_request_info(URL("http://h/bucket/key"), "GET", {})


def make(status: int = 404, code: str = "NoSuchKey", **fields: object) -> AwsError:
    given = {"message": "gone", "bucket": "bucket", "key": "key", "operation": "GetObject"}
    return error_class(code, status)(
        INFO,
        status=status,
        code=code,
        **{**given, **fields},  # type: ignore[arg-type]
    )


# The tree


def test_every_error_is_documented() -> None:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    ours = [value for value in classes if value.__module__ == errors.__name__]
    assert len(ours) > 80
    assert set(errors.__all__) == {value.__name__ for value in ours} | {"error_class"}
    for value in ours:
        assert issubclass(value, S3Error)
        assert value.__doc__, value


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (404, "NoSuchKey", "NoSuchKey"),
        (404, "NoSuchBucket", "NoSuchBucket"),
        (404, "", "NotFound"),
        (404, "SomethingNew", "NotFound"),
        (403, "AccessDenied", "AccessDenied"),
        (401, "", "Forbidden"),
        (304, "", "NotModified"),
        (301, "PermanentRedirect", "PermanentRedirect"),
        (307, "", "Redirected"),
        (400, "ExpiredToken", "ExpiredToken"),
        (409, "", "Conflict"),
        (412, "", "PreconditionFailed"),
        (416, "", "InvalidRange"),
        (429, "", "SlowDown"),
        (500, "InternalError", "InternalError"),
        (500, "", "ServerError"),
        (501, "NotImplemented", "NotImplementedByServer"),
        (503, "SlowDown", "SlowDown"),
        (503, "", "ServiceUnavailable"),
        (599, "", "ServerError"),
        (418, "", "AwsError"),
        (200, "InternalError", "InternalError"),
        (415, "", "UnsupportedMediaType"),
        (415, "UnsupportedMediaType", "UnsupportedMediaType"),
        (404, "NoSuchTagSet", "NoSuchTagSet"),
        (400, "TooManyRequests", "SlowDown"),
    ],
)
def test_classes(status: int, code: str, name: str) -> None:
    assert error_class(code, status).__name__ == name


def modelled() -> dict[str, int]:
    """The errors of S3's own service description, with their statuses."""
    model = botocore.session.get_session().get_service_model("s3")
    return {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in model.error_shapes}


def test_every_error_of_the_service_model_has_its_class() -> None:
    assert len(modelled()) > 10
    for code, status in modelled().items():
        found = error_class(code, status)
        assert found.__name__ == code
        assert issubclass(found, error_class("", status))


SUB_RESOURCES = (
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchConfiguration",
    "NoSuchLifecycleConfiguration",
    "NoSuchObjectLockConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "NoSuchWebsiteConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "ReplicationConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
)


@pytest.mark.parametrize("code", SUB_RESOURCES)
def test_what_is_not_configured_is_not_found(code: str) -> None:
    found = error_class(code, 404)
    assert found is getattr(errors, code)
    assert issubclass(found, NotFound)


def test_families() -> None:
    assert issubclass(NoSuchKey, NotFound)
    assert issubclass(AccessDenied, Forbidden)
    assert issubclass(SlowDown, ServerError)
    assert issubclass(AwsError, aiohttp.ClientResponseError)
    assert issubclass(S3ConnectionError, aiohttp.ClientConnectionError)
    assert issubclass(S3TimeoutError, TimeoutError)


@pytest.mark.parametrize("role", [AwsUploadError, AwsDownloadError])
def test_an_error_of_a_transfer_is_both(role: type[AwsError]) -> None:
    failed = make(code="NoSuchBucket", detail="part 3").in_transfer(role)
    for caught in (role, NoSuchBucket, NotFound, AwsError, S3Error, aiohttp.ClientResponseError):
        assert isinstance(failed, caught)
    assert type(failed).__name__ == "NoSuchBucket"
    assert failed.detail == "part 3"
    assert type(make(code="NoSuchBucket").in_transfer(role)) is type(failed)


def test_what_it_says() -> None:
    failed = make(
        detail="part 7",
        attempts=3,
        elapsed=1.26,
        headers={"x-amz-request-id": "R", "x-amz-id-2": "I"},
    )
    assert str(failed) == (
        "GetObject bucket/key: 404 NoSuchKey: gone [part 7] (after 3 attempts, 1.3 s) "
        "(request id R)"
    )
    assert repr(failed) == f"<NoSuchKey {failed}>"
    assert (failed.request_id, failed.host_id) == ("R", "I")
    assert (failed.code, failed.status) == ("NoSuchKey", 404)
    bare = AwsError(INFO, status=418)
    assert str(bare) == "GET: 418"
    assert bare.request_id == bare.host_id == ""


# Pickle


@pytest.mark.parametrize("role", [None, AwsUploadError, AwsDownloadError])
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_everything(role: type[AwsError] | None, protocol: int) -> None:
    failed = make(
        headers={"x-amz-request-id": "R"},
        body=b"<Error/>",
        detail="part 2",
        attempts=2,
        elapsed=0.5,
        details={"StorageClass": "GLACIER"},
    )
    if role is not None:
        failed = failed.in_transfer(role)
    back = pickle.loads(pickle.dumps(failed, protocol))
    assert type(back) is type(failed)
    assert back._fields() == failed._fields()
    assert (str(back), repr(back)) == (str(failed), repr(failed))
    assert back.request_info == failed.request_info
    assert back.request_id == "R"
    assert back.details == {"StorageClass": "GLACIER"}
    assert str(copy.copy(failed)) == str(failed)


@pytest.mark.parametrize(
    "failed",
    [
        S3ConnectionError("lost", attempts=3, elapsed=1.5),
        S3TimeoutError("late", attempts=2),
        IncompleteMultipartUpload("holes", (2, 4)),
        errors.ObjectChanged("changed"),
        errors.SourceChanged("changed"),
        errors.ResponseParseError("odd"),
        errors.CredentialsError("none"),
        ParamValidationError("PutBucketCors", ["a", "b"]),
        WaiterError("never came", "object_exists", 20),
        EventStreamError("InternalError", "again"),
        errors.DeleteFailed([DeleteError("a", None, "AccessDenied", "no")], 1, 5),
        errors.UnsafeKey("a/../b"),
        errors.StorageError("no"),
        errors.StorageFileNotFoundError("a"),
        errors.StorageFileExistsError("a"),
    ],
    ids=lambda failed: type(failed).__name__,
)
def test_pickle_of_the_others(failed: S3Error) -> None:
    back = pickle.loads(pickle.dumps(failed))
    assert type(back) is type(failed)
    assert str(back) == str(failed)
    assert vars(back) == vars(failed)


def test_pickle_of_a_syncs_error_keeps_what_failed() -> None:
    failure = SyncFailure("a", errors.UnsafeKey("a/../b"))
    back = pickle.loads(pickle.dumps(errors.SyncError([failure], SyncReport(3, 2, 1, 1))))
    assert back.report == SyncReport(3, 2, 1, 1)
    assert [(name, str(error)) for name, error in back.failures] == [("a", "a/../b")]


def test_what_work_on_many_says() -> None:
    refused = [DeleteError(key, None, "AccessDenied", "no") for key in "abcd"]
    assert str(errors.DeleteFailed(refused, 1200, 5)) == (
        "1,200 could not be deleted: 'a' (AccessDenied); 'b' (AccessDenied); "
        "'c' (AccessDenied), and 1,197 more"
    )
    many = errors.DeleteFailed(refused * 300, 1200, 5)
    assert (len(many.errors), many.failed) == (1000, 1200)
    failures = [SyncFailure("a", OSError("disk full")), SyncFailure("b", ValueError("no"))]
    assert str(errors.SyncError(failures, SyncReport(0, 0, 0, 2))) == (
        "2 could not be synced: 'a' (disk full); 'b' (no)"
    )


def test_what_a_storage_says() -> None:
    missing = errors.StorageFileNotFoundError("a/b")
    assert (missing.key, str(missing)) == ("a/b", "File not found: a/b")
    there = errors.StorageFileExistsError("a/b")
    assert (there.key, str(there)) == ("a/b", "File already exists: a/b")
    for one in (missing, there, errors.StoragePermissionError(), errors.StorageConnectionError()):
        assert isinstance(one, errors.StorageError)
    assert issubclass(errors.ConfigurationError, errors.StorageError)
    assert issubclass(errors.ConfigurationError, ValueError)


def test_pickle_of_a_waiters_error_keeps_the_last_answer() -> None:
    failed = WaiterError("never came", "object_exists", 20, make(status=404))
    back = pickle.loads(pickle.dumps(failed))
    assert str(back) == "never came"
    assert (back.waiter, back.attempts) == ("object_exists", 20)
    assert isinstance(back.last, NoSuchKey)
    assert str(back.last) == str(failed.last)


def test_pickles_of_the_first_version_can_be_read() -> None:
    """They name functions that stood in a module that is a package now."""
    upload = (
        b"caiohttp_s3_client.errors\n_unpickle\n(caiohttp_s3_client.errors\nAwsUploadError\n"
        b"(Vhttp://h/b/k\nVGET\n(dt(dVstatus\nI404\nsVcode\nVNoSuchBucket\nsVmessage\nVm\n"
        b"sVdetail\nVpart 1\nstR."
    )
    timeout = (
        b"caiohttp_s3_client.errors\n_rebuild\n(caiohttp_s3_client.errors\nS3TimeoutError\n"
        b"Vlate\n(dVattempts\nI2\nsVelapsed\nF0.5\nstR."
    )
    failed = pickle.loads(upload)
    assert isinstance(failed, NoSuchBucket)
    assert isinstance(failed, AwsUploadError)
    assert str(failed) == "GET: 404 NoSuchBucket: m [part 1]"
    late = pickle.loads(timeout)
    assert isinstance(late, S3TimeoutError)
    assert (str(late), late.attempts, late.elapsed) == ("late", 2, 0.5)


# Operations that are called by name


def test_what_bad_parameters_say() -> None:
    failed = ParamValidationError(
        "PutBucketCors", ["Bucket is missing", "CORSConfiguration.CORSRules[0] is no dict"]
    )
    assert isinstance(failed, ValueError)
    assert failed.operation == "PutBucketCors"
    assert failed.problems == ("Bucket is missing", "CORSConfiguration.CORSRules[0] is no dict")
    assert str(failed) == (
        "PutBucketCors: Bucket is missing; CORSConfiguration.CORSRules[0] is no dict"
    )


def test_what_a_broken_stream_of_events_says() -> None:
    failed = EventStreamError("InternalError", "try again")
    assert (failed.code, failed.message) == ("InternalError", "try again")
    assert str(failed) == "InternalError: try again"
    assert str(EventStreamError("InternalError")) == "InternalError"


# Redaction


SIGNED = (
    "http://h/b/k?X-Amz-Algorithm=A&X-Amz-Credential=AKID%2Fx&X-Amz-Signature=deadbeef"
    "&X-Amz-Security-Token=tok&x-id=1"
)


def test_urls_lose_what_authorises() -> None:
    shown = str(redact_url(URL(SIGNED.replace("//h", "//user:word@h"), encoded=True)))
    for secret in ("deadbeef", "AKID", "tok", "user", "word"):
        assert secret not in shown
    assert "x-id=1" in shown
    assert "deadbeef" not in redact_text(f"GET {SIGNED} failed")


def test_headers_lose_what_authorises() -> None:
    shown = redact_headers(
        CIMultiDict(
            {
                "AUTHORIZATION": "a",
                "X-Amz-Security-Token": "b",
                "Cookie": "c",
                "x-amz-server-side-encryption-customer-key": "d",
                "ETag": "e",
            }
        )
    )
    assert sorted(shown.values()) == ["[redacted]"] * 4 + ["e"]


ECHOED = (
    "<CanonicalRequest>GET\n/\n\nx-amz-security-token:THE-TOKEN\n</CanonicalRequest>",
    "<CanonicalRequestBytes>54 48 45</CanonicalRequestBytes>",
    "<SignatureProvided>THE-SIGNATURE</SignatureProvided>",
    "<Token-0>THE-TOKEN</Token-0>",
)


@pytest.mark.parametrize("echoed", ECHOED)
@pytest.mark.parametrize("cut", [False, True])
def test_bodies_lose_what_s3_repeats(echoed: str, cut: bool) -> None:
    """Also where the document breaks off, or goes on beyond what is kept."""
    if cut:
        echoed = echoed.rpartition("</")[0]
    shown = redact_body(f"<Error><Code>X</Code>{echoed}".encode())
    assert b"<Code>X</Code>" in shown
    for secret in (b"THE-TOKEN", b"THE-SIGNATURE", b"54 48"):
        assert secret not in shown


def test_details_lose_what_s3_repeats() -> None:
    shown = redact_elements(
        {
            "SignatureProvided": "THE-SIGNATURE",
            "CanonicalRequestBytes": "54 48",
            "Token-0": "THE-TOKEN",
            "StringToSign": "AWS4",
            "ArgumentValue": "a THE-TOKEN, a /?X-Amz-Signature=THE-SIGNATURE",
        },
        ["THE-TOKEN"],
    )
    assert shown == {
        "SignatureProvided": REDACTED,
        "CanonicalRequestBytes": REDACTED,
        "Token-0": REDACTED,
        "StringToSign": "AWS4",
        "ArgumentValue": f"a {REDACTED}, a /?X-Amz-Signature={REDACTED}",
    }


@given(st.integers(min_value=BODY_LIMIT - 100, max_value=BODY_LIMIT))
def test_bodies_lose_it_at_the_limit_too(filler: int) -> None:
    body = b"x" * filler + b"<SignatureProvided>THE-SIGNATURE</SignatureProvided>"
    assert b"THE-SIG" not in redact_body(body)


@given(st.text(alphabet="<>/ab=&", max_size=30), st.text(alphabet="xyz", min_size=5, max_size=8))
def test_a_known_secret_is_never_kept(around: str, secret: str) -> None:
    text = around + secret + around
    assert secret not in redact_text(text, [secret])
    assert secret.encode() not in redact_body(text.encode(), [secret])


# No error of a client shows a secret


def whole(failed: BaseException) -> str:
    """Everything that a program may show or send of an exception."""
    text = "".join(traceback.format_exception(failed))
    shown = [text, repr(failed), str(failed), repr(failed.args), repr(vars(failed))]
    if isinstance(failed, S3Error):
        shown.append(pickle.dumps(failed, 0).decode("latin-1"))
        shown.append(repr(pickle.loads(pickle.dumps(failed)).__dict__))
    cause: BaseException | None = failed
    while cause is not None:
        shown += [repr(cause), str(cause), repr(vars(cause))]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(shown)


def signature_of(request: Recorded) -> str:
    return (request.header("Authorization") or "").partition("Signature=")[2]


def echo(request: Recorded) -> Step:
    """S3's refusal of a signature repeats much of the request."""
    return error(
        403,
        "SignatureDoesNotMatch",
        f"The signature for token {TOKEN} does not match",
        headers={"x-amz-security-token": TOKEN},
        extra=f"<AWSAccessKeyId>{KEY}</AWSAccessKeyId><StringToSign>AWS4</StringToSign>"
        f"<SignatureProvided>{signature_of(request)}</SignatureProvided>"
        f"<CanonicalRequest>GET\n\nx-amz-security-token:{TOKEN}\n</CanonicalRequest>",
    )


def bad_part(request: Recorded) -> Step:
    return CREATED if kind(request) == "create" else echo(request)


STEPS: dict[str, Step] = {
    "signature": echo,
    "expired": error(400, "ExpiredToken", "expired", extra=f"<Token-0>{TOKEN}</Token-0>"),
    "slow down": error(503, "SlowDown"),
    "dropped": drop(read=None),
    "reset": drop(reset=True, read=None),
    "timeout": hang(),
    "no http": raw(b"nonsense\r\n\r\n"),
    "no xml": reply(200, {}, "hello"),
    "redirected": reply(301, {"Location": "http://localhost:1/?X-Amz-Signature=abc"}),
    "part": bad_part,
}

CALLS: dict[str, Callable[[S3Client, Path], Awaitable[object]]] = {
    "get": lambda c, _: c.get("bucket/key", raise_for_status=True),
    "put": lambda c, _: c.put("bucket/key", b"x", raise_for_status=True),
    "copy": lambda c, _: c.copy("bucket/a", "bucket/b", raise_for_status=True),
    "multipart": lambda c, _: c.put_multipart("bucket/key", [b"x"]),
    "download": lambda c, p: c.get_file_parallel("bucket/key", p / "file"),
    "list": lambda c, _: anext(c.list_objects_v2("bucket")),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_no_secret_is_shown(
    scripted: StartScript,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    step: Step,
    call: Callable[[S3Client, Path], Awaitable[object]],
) -> None:
    caplog.set_level(logging.DEBUG)
    server = await scripted(rest=step)
    config = ClientConfig(read_timeout=0.05, max_attempts=2)
    async with S3Client(
        None, server.url, SECRET, KEY, TOKEN, region="us-east-1", config=config
    ) as client:
        try:
            await call(client, tmp_path)
        except S3Error as failed:
            text = whole(failed) + caplog.text
        else:
            text = repr(client) + caplog.text
    signatures = [signature_of(request) for request in server.requests]
    assert all(len(signature) == 64 for signature in signatures)
    for secret in (SECRET, TOKEN, *signatures):
        assert secret not in text
    gc.collect()


async def test_a_signature_in_the_message_is_not_shown(scripted: StartScript) -> None:
    server = await scripted(
        rest=lambda request: error(403, "SignatureDoesNotMatch", f"not {signature_of(request)}!")
    )
    async with S3Client(None, server.url, SECRET, KEY, region="us-east-1") as client:
        with pytest.raises(SignatureDoesNotMatch) as caught:
            await client.get("bucket/key", raise_for_status=True)
    assert signature_of(server.requests[0]) not in whole(caught.value)


async def test_a_customers_key_that_is_echoed_is_not_shown(scripted: StartScript) -> None:
    """In the message, in the body and in what else it says."""
    name, key = "x-amz-server-side-encryption-customer-key", "a2Vr" * 8
    server = await scripted(
        rest=lambda request: error(
            400,
            "InvalidArgument",
            f"{request.header(name)} is no key",
            extra=f"<ArgumentValue>{request.header(name)}</ArgumentValue>",
        )
    )
    async with S3Client(None, server.url, SECRET, KEY, region="us-east-1") as client:
        with pytest.raises(AwsError) as caught:
            await client.get("bucket/key", headers={name: key}, raise_for_status=True)
    assert caught.value.details["ArgumentValue"] == REDACTED
    assert key not in whole(caught.value)


async def test_an_error_of_a_users_raise_for_status_shows_no_secret(scripted: StartScript) -> None:
    """aiohttp's own error holds the request's headers: it must not be chained."""

    async def check(response: aiohttp.ClientResponse) -> None:
        response.raise_for_status()

    server = await scripted(rest=echo)
    for wish in (True, check):
        async with aiohttp.ClientSession(raise_for_status=wish) as session:
            client = S3Client(session, server.url, SECRET, KEY, TOKEN, region="us-east-1")
            with pytest.raises(SignatureDoesNotMatch) as caught:
                await client.get("bucket/key")
        text = whole(caught.value)
        for secret in (SECRET, TOKEN, *map(signature_of, server.requests)):
            assert secret not in text


async def test_a_presigned_url_that_is_redirected_to_is_not_shown(scripted: StartScript) -> None:
    target = await scripted(rest=drop())
    location = f"{target.url}/b/k?X-Amz-Signature=deadbeef&X-Amz-Security-Token=tok"
    server = await scripted(rest=reply(307, {"Location": location}))
    async with S3Client(None, server.url, SECRET, KEY, region="us-east-1") as client:
        with pytest.raises(S3ConnectionError) as caught:
            await client.get("bucket/key")
    assert "deadbeef" not in whole(caught.value)


async def test_the_userinfo_of_the_url_is_not_shown() -> None:
    async with S3Client(url=f"http://{KEY}:{SECRET.replace('/', '%2F')}@127.0.0.1:9") as client:
        with pytest.raises(S3ConnectionError) as caught:
            await client.get("bucket/key")
    assert SECRET not in whole(caught.value)
    assert SECRET.replace("/", "%2F") not in whole(caught.value)


async def test_an_error_says_what_it_is_about(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied", "not you"))
    async with S3Client(None, server.url, SECRET, KEY, region="us-east-1") as client:
        with pytest.raises(AccessDenied) as caught:
            await client.get("bucket/dir/key", raise_for_status=True)
    failed = caught.value
    assert (failed.operation, failed.bucket, failed.key) == ("GetObject", "bucket", "dir/key")
    assert (failed.code, failed.status, failed.message) == ("AccessDenied", 403, "not you")
    assert failed.request_id == "REQ1"
    assert b"<HostId>HOST1</HostId>" in failed.body
    assert failed.request_info.method == "GET"
    assert failed.request_info.headers["Authorization"] == "[redacted]"
    assert failed.headers is not None
    assert failed.headers["Content-Type"] == "application/xml"


async def test_an_error_tells_what_else_its_body_says(scripted: StartScript) -> None:
    extra = "<StorageClass>GLACIER</StorageClass><AccessTier/><Signed>%s</Signed>"
    server = await scripted(
        rest=lambda request: error(
            403, "InvalidObjectState", "archived", extra=extra % signature_of(request)
        )
    )
    async with S3Client(None, server.url, SECRET, KEY, region="us-east-1") as client:
        with pytest.raises(InvalidObjectState) as caught:
            await client.get("bucket/key", raise_for_status=True)
    details = caught.value.details
    assert details["StorageClass"] == "GLACIER"
    assert details["Signed"] == REDACTED
    assert not details.keys() & {"Code", "Message", "RequestId", "HostId", "AccessTier"}
    assert caught.value.in_transfer(AwsDownloadError).details == details


async def test_an_endless_error_body_is_bounded(scripted: StartScript) -> None:
    server = await scripted(rest=reply(500, {}, b"<Error>" + b"x" * 3_000_000, end="close"))
    config = ClientConfig(max_attempts=1)
    async with S3Client(None, server.url, SECRET, KEY, config=config) as client:
        with pytest.raises(S3Error) as caught:
            await client.get("bucket/key", raise_for_status=True)
    assert len(getattr(caught.value, "body", b"")) <= BODY_LIMIT


async def test_errors_survive_another_process(scripted: StartScript) -> None:
    """As a process pool sends them: a subprocess unpickles what this one caught."""
    import sys

    server = await scripted(rest=error(404, "NoSuchBucket"))
    async with S3Client(None, server.url, SECRET, KEY) as client:
        with pytest.raises(NoSuchBucket) as caught:
            await client.put_multipart("bucket/key", [b"x"])
    code = (
        "import pickle, sys; e = pickle.load(sys.stdin.buffer);"
        "print(type(e).__mro__[1].__name__, type(e).__name__, e)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(pickle.dumps(caught.value))
    assert out.decode().strip() == f"AwsUploadError NoSuchBucket {caught.value}"
    assert isinstance(server, ScriptedServer)
