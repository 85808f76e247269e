"""What is decided: where a request goes, and the ways in which it may be signed."""

# Annotations are not postponed here, as in request.py.

from typing import NamedTuple, Required, TypedDict


class AuthScheme(TypedDict, total=False):
    """One way of signing, in the words of AWS's endpoint rules."""

    name: Required[str]
    """``sigv4``, ``sigv4a``, or ``sigv4-s3express`` with the credentials of a session."""
    signingName: Required[str]
    """The service of the credential scope: ``s3``, ``s3express``, ``s3-outposts``, …"""
    signingRegion: str
    signingRegionSet: list[str]
    """In place of ``signingRegion``, of ``sigv4a``."""
    disableDoubleEncoding: bool
    """True: S3 signs a path as it is sent."""


class ResolvedEndpoint(NamedTuple):
    """Where the requests about a bucket go; the key is what is appended to the path."""

    url: str
    """Scheme, authority and path, percent-encoded, as a rule without a slash at the end."""
    headers: dict[str, list[str]]
    """What every request has to bear. No rule for S3 asks for any today."""
    auth_schemes: list[AuthScheme]
    """Those that S3 takes here, the best one first."""


def sigv4(url: str, signing_name: str, signing_region: str) -> ResolvedEndpoint:
    """*url*, signed for one region."""
    return ResolvedEndpoint(url, {}, [_regional("sigv4", signing_name, signing_region)])


def express_session(url: str, signing_region: str) -> ResolvedEndpoint:
    """*url* of a directory bucket, signed with the credentials of a session.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html
    """
    return ResolvedEndpoint(url, {}, [_regional("sigv4-s3express", "s3express", signing_region)])


def sigv4a(url: str, signing_name: str) -> ResolvedEndpoint:
    """*url*, signed for all regions."""
    return ResolvedEndpoint(url, {}, [_everywhere(signing_name)])


def sigv4a_or_sigv4(url: str, signing_name: str, signing_region: str) -> ResolvedEndpoint:
    """*url*, signed for all regions, or for one by who cannot."""
    schemes = [_everywhere(signing_name), _regional("sigv4", signing_name, signing_region)]
    return ResolvedEndpoint(url, {}, schemes)


def _regional(name: str, signing_name: str, region: str) -> AuthScheme:
    return AuthScheme(
        name=name, signingName=signing_name, signingRegion=region, disableDoubleEncoding=True
    )


def _everywhere(signing_name: str) -> AuthScheme:
    return AuthScheme(
        name="sigv4a", signingName=signing_name, signingRegionSet=["*"], disableDoubleEncoding=True
    )
