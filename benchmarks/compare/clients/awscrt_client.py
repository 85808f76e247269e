"""The S3 client of AWS's Common Runtime, in C, used as it is."""

from __future__ import annotations

from io import BytesIO

from awscrt import auth, http, io, s3

from .base import PART_SIZE, Settings


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self) -> None:
        settings = self._settings
        self._credentials = auth.AwsCredentialsProvider.new_static(
            settings.access_key_id, settings.secret_access_key
        )
        mode, tls = s3.S3RequestTlsMode.DISABLED, None
        if settings.tls:
            trust = io.TlsContextOptions()
            trust.override_default_trust_store_from_path(ca_filepath=settings.ca)
            mode = s3.S3RequestTlsMode.ENABLED
            tls = io.TlsConnectionOptions(io.ClientTlsContext(trust))
        self._client = s3.S3Client(
            bootstrap=io.ClientBootstrap.get_or_create_static_default(),
            region=settings.region,
            tls_mode=mode,
            tls_connection_options=tls,
            part_size=PART_SIZE,
            throughput_target_gbps=10.0,
            signing_config=s3.create_default_s3_signing_config(
                region=settings.region, credential_provider=self._credentials
            ),
        )

    def close(self) -> None:
        ended = self._client.shutdown_event
        del self._client
        ended.wait(10)

    def _request(self, method: str, key: str, length: int | None = None) -> http.HttpRequest:
        headers = http.HttpHeaders([("Host", f"{self._settings.host}:{self._settings.port}")])
        if length is not None:
            headers.add("Content-Length", str(length))
        return http.HttpRequest(method, f"/{self._settings.bucket}/{key}", headers)

    def get(self, key: str) -> int:
        lengths: list[int] = []

        def keep(chunk: bytes, offset: int, **_: object) -> None:
            lengths.append(len(chunk))

        self._client.make_request(
            type=s3.S3RequestType.GET_OBJECT, request=self._request("GET", key), on_body=keep
        ).finished_future.result()
        return sum(lengths)

    def put(self, key: str, body: bytes) -> None:
        request = self._request("PUT", key, len(body))
        request.body_stream = BytesIO(body)
        self._client.make_request(
            type=s3.S3RequestType.PUT_OBJECT, request=request
        ).finished_future.result()

    def download(self, key: str, path: str, size: int) -> None:
        self._client.make_request(
            type=s3.S3RequestType.GET_OBJECT, request=self._request("GET", key), recv_filepath=path
        ).finished_future.result()

    def upload(self, key: str, path: str, size: int) -> None:
        self._client.make_request(
            type=s3.S3RequestType.PUT_OBJECT,
            request=self._request("PUT", key, size),
            send_filepath=path,
        ).finished_future.result()

    def presign(self, key: str) -> str:
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS,
            credentials_provider=self._credentials,
            region=self._settings.region,
            service="s3",
            use_double_uri_encode=False,
            should_normalize_uri_path=False,
            signed_body_value=auth.AwsSignedBodyValue.UNSIGNED_PAYLOAD,
            expiration_in_seconds=3600,
        )
        return str(auth.aws_sign_request(self._request("GET", key), config).result().path)
