"""The examples that AWS publishes, each stage of each: canonical request, string, signature.

S3's examples: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html,
sigv4-query-string-auth.html and sigv4-streaming.html. The others are AWS's test suite for
Signature Version 4 (its service is called ``service``), and the ListUsers example of the IAM guide.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import pytest
from yarl import URL

from aiohttp_s3_client.protocol.sigv4 import (
    EMPTY_SHA256,
    STREAMING_PAYLOAD,
    UNSIGNED_PAYLOAD,
    SigV4Signer,
    canonical_headers,
    canonical_path,
    canonical_query,
    canonical_request,
    chunk_string_to_sign,
    split_url,
    string_to_sign,
)

SUITE_NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SUITE_KEY = "AKIDEXAMPLE"
SUITE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SUITE_TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
STS_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPf"
    "IeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7W"
    "Z0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8F"
    "DrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
S3_NOW = datetime(2013, 5, 24, tzinfo=UTC)
S3_KEY = "AKIAIOSFODNN7EXAMPLE"
S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
S3_HOST = "https://examplebucket.s3.amazonaws.com"
S3_DATE = "20130524T000000Z"
S3_SCOPE = "20130524/us-east-1/s3/aws4_request"

LETTERS = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = sha256(b"Param1=value1").hexdigest()
WELCOME = sha256(b"Welcome to Amazon S3.").hexdigest()


class Vector(NamedTuple):
    """One published example."""

    name: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    canonical: tuple[str, ...]
    """The canonical request without its payload hash; the empty line after the headers too."""
    request_sha256: str
    """The last line of the published string to sign."""
    signature: str
    payload_hash: str = EMPTY_SHA256
    token: str | None = None
    service: str = "service"


HOST = "host:example.amazonaws.com"
DATE = "x-amz-date:20150830T123600Z"
VANILLA = ("GET", "/", "", HOST, DATE, "", "host;x-amz-date")
VANILLA_SHA256 = "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63"
VANILLA_SIGNATURE = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def get(path: str = "/", query: str = "") -> tuple[str, ...]:
    return ("GET", path, query, HOST, DATE, "", "host;x-amz-date")


def with_header(method: str, *lines: str) -> tuple[str, ...]:
    names = [line.partition(":")[0] for line in lines]
    return (method, "/", "", HOST, *lines, DATE, "", ";".join(["host", *names, "x-amz-date"]))


SUITE = [
    Vector("get-vanilla", "GET", "/", (), VANILLA, VANILLA_SHA256, VANILLA_SIGNATURE),
    Vector(
        "get-vanilla-empty-query-key",
        "GET",
        "/?Param1=value1",
        (),
        get(query="Param1=value1"),
        "1e24db194ed7d0eec2de28d7369675a243488e08526e8c1c73571282f7c517ab",
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    Vector(
        "get-vanilla-query-order-key-case",
        "GET",
        "/?Param2=value2&Param1=value1",
        (),
        get(query="Param1=value1&Param2=value2"),
        "816cd5b414d056048ba4f7c5386d6e0533120fb1fcfa93762cf0fc39e2cf19e0",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    Vector(
        "get-vanilla-query-order-value",
        "GET",
        "/?Param1=value2&Param1=value1",
        (),
        get(query="Param1=value1&Param1=value2"),
        "c968629d70850097a2d8781c9bf7edcb988b04cac14cca9be4acc3595f884606",
        "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
    ),
    Vector(
        "get-vanilla-query-order-encoded",
        "GET",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        (),
        get(query="%E1%88%B4=Value1&Param=Value2&Param-3=Value3"),
        "868294f5c38bd141c4972a373a76654f1418a8e4fc18b2e7903ae45e8ae0ec71",
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ),
    Vector(
        "get-vanilla-query-unreserved",
        "GET",
        f"/?{LETTERS}={LETTERS}",
        (),
        get(query=f"{LETTERS}={LETTERS}"),
        "c30d4703d9f799439be92736156d47ccfb2d879ddf56f5befa6d1d6aab979177",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    Vector(
        "get-vanilla-utf8-query",
        "GET",
        "/?ሴ=bar",
        (),
        get(query="%E1%88%B4=bar"),
        "eb30c5bed55734080471a834cc727ae56beb50e5f39d1bff6d0d38cb192a7073",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    Vector(
        "get-unreserved",
        "GET",
        f"/{LETTERS}",
        (),
        get(f"/{LETTERS}"),
        "6a968768eefaa713e2a6b16b589a8ea192661f098f37349f4e2c0082757446f9",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    Vector(
        "get-utf8",
        "GET",
        "/ሴ",
        (),
        get("/%E1%88%B4"),
        "2a0a97d02205e45ce2e994789806b19270cfbbb0921b278ccf58f5249ac42102",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    Vector(
        "normalize-path/get-space",
        "GET",
        "/example space/",
        (),
        get("/example%20space/"),
        "63ee75631ed7234ae61b5f736dfc7754cdccfedbff4b5128a915706ee9390d86",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
    Vector(
        "normalize-path/get-slashes",
        "GET",
        "//example//",
        (),
        get("/example/"),
        "cb96b4ac96d501f7c5c15bc6d67b3035061cfced4af6585ad927f7e6c985c015",
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    Vector(
        "normalize-path/get-slash-pointless-dot",
        "GET",
        "/./example",
        (),
        get("/example"),
        "214d50c111a8edc4819da6a636336472c916b5240f51e9a51b5c3305180cf702",
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    ),
    *(
        Vector(
            f"normalize-path/{name}", "GET", path, (), VANILLA, VANILLA_SHA256, VANILLA_SIGNATURE
        )
        for name, path in (
            ("get-relative", "/example/.."),
            ("get-relative-relative", "/example1/example2/../.."),
            ("get-slash", "//"),
            ("get-slash-dot-slash", "/./"),
        )
    ),
    Vector(
        "get-header-key-duplicate",
        "GET",
        "/",
        (("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")),
        with_header("GET", "my-header1:value2,value2,value1"),
        "dc7f04a3abfde8d472b0ab1a418b741b7c67174dad1551b4117b15527fbe966c",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    Vector(
        # Folded over three lines in the suite; HTTP has given folding up, and a client sends
        # three headers.
        "get-header-value-multiline",
        "GET",
        "/",
        (("My-Header1", "value1"), ("My-Header1", "  value2"), ("My-Header1", "     value3")),
        with_header("GET", "my-header1:value1,value2,value3"),
        "b7b6cbfd8a0430b78891e986784da2630c8a135a8595cec25b26ea94f926ee55",
        "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790",
    ),
    Vector(
        "get-header-value-order",
        "GET",
        "/",
        tuple(("My-Header1", f"value{n}") for n in (4, 1, 3, 2)),
        with_header("GET", "my-header1:value4,value1,value3,value2"),
        "31ce73cd3f3d9f66977ad3dd957dc47af14df92fcd8509f59b349e9137c58b86",
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    Vector(
        "get-header-value-trim",
        "GET",
        "/",
        (("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')),
        with_header("GET", "my-header1:value1", 'my-header2:"a b c"'),
        "a726db9b0df21c14f559d0a978e563112acb1b9e05476f0a6a1c7d68f28605c7",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    Vector(
        "get-vanilla-with-session-token",
        "GET",
        "/",
        (),
        (
            *VANILLA[:5],
            f"x-amz-security-token:{SUITE_TOKEN}",
            "",
            "host;x-amz-date;x-amz-security-token",
        ),
        "067b36aa60031588cea4a4cde1f21215227a047690c72247f1d70b32fbbfad2b",
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        token=SUITE_TOKEN,
    ),
    Vector(
        # The same as post-header-key-case, and as post-sts-header-after without its unsigned token.
        "post-vanilla",
        "POST",
        "/",
        (),
        ("POST", *VANILLA[1:]),
        "553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    Vector(
        "post-sts-header-before",
        "POST",
        "/",
        (),
        (
            "POST",
            *VANILLA[1:5],
            f"x-amz-security-token:{STS_TOKEN}",
            "",
            "host;x-amz-date;x-amz-security-token",
        ),
        "c237e1b440d4c63c32ca95b5b99481081cb7b13c7e40434868e71567c1a882f6",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        token=STS_TOKEN,
    ),
    Vector(
        "post-header-key-sort",
        "POST",
        "/",
        (("My-Header1", "value1"),),
        with_header("POST", "my-header1:value1"),
        "9368318c2967cf6de74404b30c65a91e8f6253e0a8659d6d5319f1a812f87d65",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    Vector(
        "post-header-value-case",
        "POST",
        "/",
        (("My-Header1", "VALUE1"),),
        with_header("POST", "my-header1:VALUE1"),
        "d51ced243e649e3de6ef63afbbdcbca03131a21a7103a1583706a64618606a93",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    Vector(
        "post-vanilla-query",
        "POST",
        "/?Param1=value1",
        (),
        ("POST", *get(query="Param1=value1")[1:]),
        "9d659678c1756bb3113e2ce898845a0a79dbbc57b740555917687f1b3340fbbd",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    ),
    Vector(
        "post-x-www-form-urlencoded",
        "POST",
        "/",
        (("Content-Type", "application/x-www-form-urlencoded"),),
        (
            "POST",
            "/",
            "",
            "content-type:application/x-www-form-urlencoded",
            HOST,
            DATE,
            "",
            "content-type;host;x-amz-date",
        ),
        "42a5e5bb34198acb3e84da4f085bb7927f2bc277ca766e6d19c73c2154021281",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        payload_hash=FORM,
    ),
    Vector(
        # As the suite has it today: with a length and with the payload's hash as a header.
        "post-x-www-form-urlencoded/signed-body-header",
        "POST",
        "/",
        (
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", "13"),
            ("X-Amz-Content-Sha256", FORM),
        ),
        (
            "POST",
            "/",
            "",
            "content-length:13",
            "content-type:application/x-www-form-urlencoded",
            HOST,
            f"x-amz-content-sha256:{FORM}",
            DATE,
            "",
            "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
        ),
        "b1edd1d03544c25390e32085d55b57acc9a3961bb59415ff86c45c3d89d16cfb",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        payload_hash=FORM,
    ),
]

S3_HOST_LINE = "host:examplebucket.s3.amazonaws.com"
S3_LINES = (S3_HOST_LINE, f"x-amz-content-sha256:{EMPTY_SHA256}", f"x-amz-date:{S3_DATE}", "")
S3_NAMES = "host;x-amz-content-sha256;x-amz-date"

S3_EXAMPLES = [
    Vector(
        "GET Object with Range",
        "GET",
        "/test.txt",
        (("Range", "bytes=0-9"),),
        (
            "GET",
            "/test.txt",
            "",
            S3_HOST_LINE,
            "range:bytes=0-9",
            *S3_LINES[1:],
            "host;range;x-amz-content-sha256;x-amz-date",
        ),
        "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    Vector(
        "PUT Object",
        "PUT",
        "/test%24file.text",
        (("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")),
        (
            "PUT",
            "/test%24file.text",
            "",
            "date:Fri, 24 May 2013 00:00:00 GMT",
            S3_HOST_LINE,
            f"x-amz-content-sha256:{WELCOME}",
            f"x-amz-date:{S3_DATE}",
            "x-amz-storage-class:REDUCED_REDUNDANCY",
            "",
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        ),
        "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        payload_hash=WELCOME,
    ),
    Vector(
        "GET Bucket Lifecycle",
        "GET",
        "/?lifecycle",
        (),
        ("GET", "/", "lifecycle=", *S3_LINES, S3_NAMES),
        "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    Vector(
        "GET Bucket (List Objects)",
        "GET",
        "/?prefix=J&max-keys=2",
        (),
        ("GET", "/", "max-keys=2&prefix=J", *S3_LINES, S3_NAMES),
        "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
]


def stages(vector: Vector, origin: str, extra: dict[str, str], scope: str) -> tuple[str, str]:
    """The canonical request and the string to sign, by the pure functions alone."""
    _, host, raw_path, raw_query = split_url(origin + vector.target)
    if vector.token:
        extra["x-amz-security-token"] = vector.token
    request = canonical_request(
        vector.method,
        canonical_path(raw_path, service=vector.service),
        canonical_query(raw_query),
        canonical_headers([*vector.headers, *extra.items()], host),
        vector.payload_hash,
    )
    return request, string_to_sign(request, extra["x-amz-date"], scope)


def check(vector: Vector, origin: str, extra: dict[str, str], now: datetime, key: str) -> None:
    scope = f"{now:%Y%m%d}/us-east-1/{vector.service}/aws4_request"
    request, text = stages(vector, origin, extra, scope)
    assert request.split("\n") == [*vector.canonical, vector.payload_hash]
    date = extra["x-amz-date"]
    assert text == f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{vector.request_sha256}"
    secret = SUITE_SECRET if key == SUITE_KEY else S3_SECRET
    signer = SigV4Signer(key, secret, vector.token, region="us-east-1", service=vector.service)
    assert signer.signature(text, now) == vector.signature
    sent = signer.sign(
        vector.method,
        origin + vector.target,
        vector.headers,
        payload_hash=vector.payload_hash,
        now=now,
    )
    assert sent["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={vector.canonical[-1]}, "
        f"Signature={vector.signature}"
    )


@pytest.mark.parametrize("vector", SUITE, ids=lambda vector: vector.name)
def test_the_signature_test_suite(vector: Vector) -> None:
    check(
        vector,
        "https://example.amazonaws.com",
        {"x-amz-date": "20150830T123600Z"},
        SUITE_NOW,
        SUITE_KEY,
    )


@pytest.mark.parametrize("vector", S3_EXAMPLES, ids=lambda vector: vector.name)
def test_the_examples_of_s3(vector: Vector) -> None:
    extra = {"x-amz-date": S3_DATE, "x-amz-content-sha256": vector.payload_hash}
    check(vector._replace(service="s3"), S3_HOST, extra, S3_NOW, S3_KEY)


def test_the_presigned_example_of_s3() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host"
    )
    host = canonical_headers([], "examplebucket.s3.amazonaws.com")
    request = canonical_request("GET", "/test.txt", canonical_query(query), host, UNSIGNED_PAYLOAD)
    text = string_to_sign(request, S3_DATE, S3_SCOPE)
    assert request == f"GET\n/test.txt\n{query}\n{S3_HOST_LINE}\n\nhost\nUNSIGNED-PAYLOAD"
    assert text == (
        f"AWS4-HMAC-SHA256\n{S3_DATE}\n{S3_SCOPE}\n"
        "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04"
    )
    signer = SigV4Signer(S3_KEY, S3_SECRET, region="us-east-1")
    signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    assert signer.signature(text, S3_NOW) == signature
    url = signer.presign("GET", URL(f"{S3_HOST}/test.txt"), expires=86400, now=S3_NOW)
    assert str(url) == f"{S3_HOST}/test.txt?{query}&X-Amz-Signature={signature}"


def test_the_chunked_upload_example_of_s3() -> None:
    seed = Vector(
        "PUT Object in chunks",
        "PUT",
        "/examplebucket/chunkObject.txt",
        (
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("Content-Encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("Content-Length", "66824"),
        ),
        (
            "PUT",
            "/examplebucket/chunkObject.txt",
            "",
            "content-encoding:aws-chunked",
            "content-length:66824",
            "host:s3.amazonaws.com",
            f"x-amz-content-sha256:{STREAMING_PAYLOAD}",
            f"x-amz-date:{S3_DATE}",
            "x-amz-decoded-content-length:66560",
            "x-amz-storage-class:REDUCED_REDUNDANCY",
            "",
            "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
            "x-amz-decoded-content-length;x-amz-storage-class",
        ),
        "cee3fed04b70f867d036f722359b0b1f2f0e5dc0efadbc082b76c4c60e316455",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        payload_hash="STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        service="s3",
    )
    extra = {"x-amz-date": S3_DATE, "x-amz-content-sha256": STREAMING_PAYLOAD}
    check(seed, "https://s3.amazonaws.com", extra, S3_NOW, S3_KEY)

    signer = SigV4Signer(S3_KEY, S3_SECRET, region="us-east-1")
    first = sha256(b"a" * 65536).hexdigest()
    assert chunk_string_to_sign(seed.signature, first, S3_DATE, S3_SCOPE).split("\n") == [
        "AWS4-HMAC-SHA256-PAYLOAD",
        S3_DATE,
        S3_SCOPE,
        seed.signature,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a",
    ]
    previous = seed.signature
    for chunk, signature in (
        (b"a" * 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (b"a" * 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (b"", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ):
        previous = signer.sign_chunk(previous, sha256(chunk).hexdigest(), S3_NOW)
        assert previous == signature


def test_the_example_of_the_iam_guide() -> None:
    signer = SigV4Signer(SUITE_KEY, SUITE_SECRET, region="us-east-1", service="iam")
    sent = signer.sign(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        payload_hash=EMPTY_SHA256,
        now=SUITE_NOW,
    )
    assert sent["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )
