"""By whom one request is signed: what it says itself, completed by what its client says."""

from __future__ import annotations

from ..credentials import AnonymousCredentials
from ..protocol.auth import EXPRESS, SIGV4
from ..transport.session import refuse_ours
from .providers import Provider, credentials_of
from .signing import Signing, SigningLike, signing_of
from .target import Target

_PLAIN = Signing(SIGV4, "s3", "", None, None)


def signing_from(
    client: Signing | None,
    signing_config: SigningLike | None,
    credential_provider: Provider | None,
    *,
    express: bool,
) -> Signing | None:
    """How to sign by these arguments, of a request of *client*'s or of the client itself.

    None is not at all. Raises ``ValueError`` for both arguments at once, for a config without
    credentials where the client has none either, and for S3 Express where it is not enabled.
    """
    if credential_provider is not None:
        if signing_config is not None:
            raise ValueError("credential_provider and signing_config: give only one of them")
        return (client or _PLAIN)._replace(credentials=credentials_of(credential_provider))
    if signing_config is None:
        return client
    signing = signing_of(signing_config)
    if client is not None:
        # Not `or`: a source of credentials may be false.
        own = signing.credentials if signing.credentials is not None else client.credentials
        signing = signing._replace(region=signing.region or client.region, credentials=own)
    if signing.credentials is None:
        raise ValueError("signing_config: it needs a credentials_provider, since nothing else has")
    if signing.scheme == EXPRESS and not express:
        raise ValueError("signing_config: V4_S3EXPRESS needs enable_s3express=True of the client")
    return signing


def check_headers(target: Target, signing: Signing | None) -> None:
    """Raise ``ValueError`` for headers that the client has to make itself.

    What is not signed here may have been signed by its sender.
    """
    if signing is not None and not isinstance(signing.credentials, AnonymousCredentials):
        refuse_ours(target.headers, "request: headers")
    elif "Transfer-Encoding" in target.headers:
        raise ValueError("request: headers: the client frames the body; leave Transfer-Encoding")
