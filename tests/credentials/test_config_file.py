"""The grammar of the files that AWS's tools share, which profiles they make, and where they are."""

from __future__ import annotations

import pickle
import re
import traceback
from pathlib import Path

import pytest
from botocore.configloader import load_config
from botocore.exceptions import ConfigParseError
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.credentials.config_file import (
    ConfigFileError,
    Paths,
    Section,
    SharedConfig,
    default_paths,
    expand_home,
    parse,
    profile_name,
    read_shared_config,
)
from aiohttp_s3_client.errors import ConfigurationError, CredentialsError

from .conftest import KEY, SECRET

Plain = dict[str, dict[str, str]]


def profiles(config: str, credentials: str = "") -> Plain:
    """What both texts say of each profile; what is nested stands below ``setting.name``."""
    files = SharedConfig(parse(config, "config"), parse(credentials, "credentials"))
    return {name: flat(section) for name, section in files.profiles().items()}


def flat(section: Section) -> dict[str, str]:
    below = {
        f"{setting}.{name}": value
        for setting, nested in section.nested.items()
        for name, value in nested.items()
    }
    return {**section, **below}


FOO = "[profile foo]\n"


@pytest.mark.parametrize(
    ("config", "credentials", "expected"),
    [
        pytest.param("", "", {}, id="empty files"),
        pytest.param("[profile foo]", "", {"foo": {}}, id="an empty profile"),
        pytest.param("[default]\nx = 1", "", {"default": {"x": "1"}}, id="default"),
        pytest.param("[profile a-b:c/d_e%f.g@h+]", "", {"a-b:c/d_e%f.g@h+": {}}, id="names"),
        pytest.param("[profile \tfoo \t]", "", {"foo": {}}, id="white space around a name"),
        pytest.param("[profile\tfoo]", "", {"foo": {}}, id="a tab after profile"),
        pytest.param("[  profile foo  ]\nx = 1", "", {"foo": {"x": "1"}}, id="inner blanks"),
        pytest.param('[profile "two words"]', "", {"two words": {}}, id="quoted"),
        pytest.param("[profile 'two words']", "", {"two words": {}}, id="quoted once"),
        pytest.param("[profile two words]\nx = 1", "", {}, id="two words"),
        pytest.param("[profile it's]\nx = 1", "", {}, id="half a quotation"),
        pytest.param("[profilefoo]\nx = 1\n[profile bar]", "", {"bar": {}}, id="no blank"),
        pytest.param("[profilefoo bar]\nx = 1", "", {}, id="another word"),
        pytest.param(f"{FOO}  x = 1\n  y = 2", "", {"foo": {"x": "1", "y": "2"}}, id="indented"),
        pytest.param("[foo]\nx = 1", "", {}, id="no prefix in config"),
        pytest.param("", "[profile foo]\nx = 1", {}, id="a prefix in credentials"),
        pytest.param("", "[  foo ]\nx = 1", {"foo": {"x": "1"}}, id="credentials"),
        pytest.param(f"{FOO}x = 1\r\ny = 2\r\n", "", {"foo": {"x": "1", "y": "2"}}, id="CRLF"),
        pytest.param(f"{FOO}x = a=b", "", {"foo": {"x": "a=b"}}, id="an equals sign"),
        pytest.param(f"{FOO}x = 😂", "", {"foo": {"x": "😂"}}, id="any character"),
        pytest.param(f"{FOO}x \t=  \ty \t", "", {"foo": {"x": "y"}}, id="trimmed"),
        pytest.param(f"{FOO}x =", "", {"foo": {"x": ""}}, id="an empty value"),
        pytest.param(f"{FOO}AbC-9_ = 1", "", {"foo": {"abc-9_": "1"}}, id="any case"),
        pytest.param(
            f"\t \n{FOO}\t\n \nx = 1\n\t \n[profile bar]\n \t",
            "",
            {"foo": {"x": "1"}, "bar": {}},
            id="blank lines",
        ),
        pytest.param(
            "# a\n[profile foo] # b\nx = 1 # c # d\n; e\n[profile bar]; f\n[profile baz]#\ny = 2 ;",
            "",
            {"foo": {"x": "1"}, "bar": {}, "baz": {"y": "2"}},
            id="comments",
        ),
        pytest.param(
            f"{FOO}x = 1; no comment\ny = 2# none",
            "",
            {"foo": {"x": "1; no comment", "y": "2# none"}},
            id="comments need a blank",
        ),
        pytest.param(
            f"{FOO}x = 1\n -more\n \t and more \t ",
            "",
            {"foo": {"x": "1\n-more\nand more"}},
            id="continued",
        ),
        pytest.param(
            f"{FOO}x = 1\n -more # part\n -of ; it",
            "",
            {"foo": {"x": "1\n-more # part\n-of ; it"}},
            id="continued with what is no comment there",
        ),
        pytest.param(
            f"{FOO}x = 1\n{FOO}x = 2\ny = 3",
            "",
            {"foo": {"x": "2", "y": "3"}},
            id="the same section twice",
        ),
        pytest.param(f"{FOO}X = 1\nx = 2", "", {"foo": {"x": "2"}}, id="the same setting twice"),
        pytest.param(
            "[profile default]\nx = 1\n[default]\ny = 2\n[profile default]\nz = 3",
            "[default]\ns = 4",
            {"default": {"x": "1", "z": "3", "s": "4"}},
            id="the prefixed default first",
        ),
        pytest.param(
            "[default]\ny = 2\n[profile default]\nx = 1",
            "",
            {"default": {"x": "1"}},
            id="the prefixed default last",
        ),
        pytest.param(
            f"{FOO}s3 =\n a = 1\n\n\t \n # no setting\n b= 2 # all of it\n c =",
            "",
            {"foo": {"s3": "", "s3.a": "1", "s3.b": "2 # all of it", "s3.c": ""}},
            id="nested",
        ),
        pytest.param(
            f"{FOO}s3 =\n in valid = 1\nx = 2",
            "",
            {"foo": {"s3": "", "s3.in valid": "1", "x": "2"}},
            id="after what is nested",
        ),
        pytest.param(
            f"{FOO}s3 =\n a = 1\ns3 =\n b = 2",
            "",
            {"foo": {"s3": "", "s3.b": "2"}},
            id="nested twice",
        ),
        pytest.param(
            f"{FOO}s3 =\n a = 1\ns3 = x\n", "", {"foo": {"s3": "x"}}, id="nested no more"
        ),
        pytest.param(
            f"{FOO}x = 1\ny = 2", "[foo]\nx = 3\nz = 4", {"foo": {"x": "3", "y": "2", "z": "4"}},
            id="the credentials file counts more",
        ),
        pytest.param(
            f"{FOO}x = 1\n[sso-session foo]\ny = 1\n[services foo]\nz = 1\n[plugins]\na = b",
            "",
            {"foo": {"x": "1"}},
            id="other sections",
        ),
    ],
)  # fmt: skip
def test_profiles(config: str, credentials: str, expected: Plain) -> None:
    assert profiles(config, credentials) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("[profile foo", 1, id="no bracket at the end"),
        pytest.param("[]", 1, id="no name"),
        pytest.param("[ ]", 1, id="a blank name"),
        pytest.param(f"x = {SECRET}", 1, id="no section"),
        pytest.param(f" -{SECRET}", 1, id="continued out of a section"),
        pytest.param(f"{FOO} -{SECRET}", 2, id="continued out of a setting"),
        pytest.param(f"{FOO}x = 1\n{FOO} -{SECRET}", 4, id="continued after a section"),
        pytest.param(f"{FOO}= {SECRET}", 2, id="no setting"),
        pytest.param(f"{FOO}{SECRET}", 2, id="no value"),
        pytest.param(f"{FOO}s3 =\n {SECRET}", 3, id="nothing nested"),
        pytest.param(f"{FOO}s3 =\n = {SECRET}", 3, id="nested without a name"),
    ],
)
def test_malformed(text: str, line: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"^the file, line {line}: ") as caught:
        parse(text, "the file")
    assert isinstance(caught.value, CredentialsError)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (ConfigFileError, str(caught.value))


def test_other_sections() -> None:
    text = (
        "[sso-session corp]\nsso_region = eu-west-1\n[services local]\ns3 =\n"
        "  endpoint_url = http://localhost:9000\nsts =\n  endpoint_url = http://localhost:9001\n"
    )
    files = SharedConfig(parse(text, "config"), None)
    assert files.sso_sessions() == {"corp": {"sso_region": "eu-west-1"}}
    assert files.services()["local"].nested == {
        "s3": {"endpoint_url": "http://localhost:9000"},
        "sts": {"endpoint_url": "http://localhost:9001"},
    }
    assert files.profiles() == {}
    assert SharedConfig(None, None).services() == {}


def test_sections_show_no_secret() -> None:
    section = parse(f"[x]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\n", "")["x"]
    assert repr(section) == str(section) == "Section(aws_access_key_id, aws_secret_access_key)"
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(section)


@given(st.text())
def test_no_text_is_too_much(text: str) -> None:
    """Any text is either read or refused by its line."""
    try:
        found = parse(text, "file")
    except ConfigurationError as error:
        refusal = str(error)
    else:
        files = SharedConfig(found, found)
        assert set(files.config_profiles()) <= set(files.profiles())
        files.sso_sessions()
        files.services()
        return
    assert refusal.startswith("file, line ")


LINES = st.sampled_from(
    [
        "", "# c", "; c", "[default]", "[profile a]", "[profile b]", '[profile "c d"]', "[e]",
        "[services s]", "[sso-session t]", "s3 =", "  x = 1", "    y = 2", "x = 1", "X: 2", "z=",
        "  more", "=1", "nothing", "  = 1", "[f", "a=b=c",
    ]
)  # fmt: skip


@given(st.lists(LINES | st.text("[]=:#; \tabé\"'", max_size=8), max_size=8))
def test_lines_never_break_it(lines: list[str]) -> None:
    try:
        SharedConfig(parse("\n".join(lines), "file"), None).profiles()
    except ConfigFileError:
        return


@given(
    st.lists(
        st.sampled_from(
            [
                "", "# c", "x = 1", "Y: 2", "z=", "s3 =\n  x = 1\n  y = 2", "x = a=b", "w = 1\n  2",
                "  v = indented",
            ]
        ),
        max_size=5,
        unique=True,
    ).map("\n".join),
    st.permutations(["[default]", "[profile a]", '[profile "c d"]', "[e]", "[profile x y]"]),
)  # fmt: skip
def test_as_botocore_reads_it(body: str, headers: list[str]) -> None:
    """What botocore reads, is read the same; in a file without inline comments."""
    text = "".join(f"{header}\n{body}\n" for header in headers)
    path = Path("config")
    path.write_text(text, encoding="utf-8")
    try:
        theirs = load_config(str(path))["profiles"]
    except ConfigParseError:
        theirs = None
    try:
        ours = SharedConfig(parse(text, "config"), None).profiles()
    except ConfigFileError:
        assert theirs is None
        return
    if theirs is not None:
        both = {name: {**section, **section.nested} for name, section in ours.items()}
        # Within a value that goes on, botocore keeps blank lines.
        told = {
            name: {
                key: re.sub("\n+", "\n", x) if isinstance(x, str) else x for key, x in of.items()
            }
            for name, of in theirs.items()
        }
        assert both == told


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


HOME = {"HOME": "/home/user"}
WINDOWS = {"USERPROFILE": r"C:\users\user", "HOMEDRIVE": "D:", "HOMEPATH": r"\other"}


@pytest.mark.parametrize(
    ("environ", "windows", "config", "credentials"),
    [
        (HOME, False, "/home/user/.aws/config", "/home/user/.aws/credentials"),
        (
            {**HOME, "USERPROFILE": "no", "HOMEDRIVE": "no", "HOMEPATH": "no"},
            False,
            "/home/user/.aws/config",
            "/home/user/.aws/credentials",
        ),
        (
            {**WINDOWS, "HOME": r"C:\home"},
            True,
            r"C:\home\.aws\config",
            r"C:\home\.aws\credentials",
        ),
        (WINDOWS, True, r"C:\users\user\.aws\config", r"C:\users\user\.aws\credentials"),
        (
            {"HOMEDRIVE": "C:", "HOMEPATH": r"\users\user"},
            True,
            r"C:\users\user\.aws\config",
            r"C:\users\user\.aws\credentials",
        ),
        (
            {**HOME, "AWS_CONFIG_FILE": "/other/config"},
            False,
            "/other/config",
            "/home/user/.aws/credentials",
        ),
        (
            {**HOME, "AWS_SHARED_CREDENTIALS_FILE": "/other/keys"},
            False,
            "/home/user/.aws/config",
            "/other/keys",
        ),
        (
            {"HOME": r"C:\users\user", "AWS_CONFIG_FILE": r"C:\other\config"},
            True,
            r"C:\other\config",
            r"C:\users\user\.aws\credentials",
        ),
        (
            {**HOME, "AWS_CONFIG_FILE": "~/mine", "AWS_SHARED_CREDENTIALS_FILE": "$X/${Y}/$Z"}
            | {"X": "/x", "Y": "y"},
            False,
            "/home/user/mine",
            "/x/y/$Z",
        ),
        (
            {"HOME": "/", "AWS_CONFIG_FILE": " ", "AWS_SHARED_CREDENTIALS_FILE": ""},
            False,
            "/.aws/config",
            "/.aws/credentials",
        ),
        ({**HOME, "AWS_PROFILE": "other"}, False, "/home/user/.aws/config", None),
    ],
)
def test_locations(
    environ: dict[str, str], windows: bool, config: str, credentials: str | None
) -> None:
    paths = default_paths(environ, windows=windows)
    assert expand_home(paths.config, environ, windows=windows) == config
    if credentials is not None:
        assert expand_home(paths.credentials, environ, windows=windows) == credentials


def test_a_path_elsewhere_stays() -> None:
    for path in ("/x/~/y", "x", "~nobody-of-that-name/x", ""):
        assert expand_home(path, HOME, windows=False) == path


def test_a_slash_of_windows_is_none_elsewhere() -> None:
    assert expand_home("~/x", WINDOWS, windows=True) == r"C:\users\user/x"
    assert expand_home(r"~\x", HOME, windows=False) == r"~\x"


def test_the_profile() -> None:
    assert profile_name({}) == ""
    assert profile_name({"AWS_DEFAULT_PROFILE": "a"}) == "a"
    assert profile_name({"AWS_DEFAULT_PROFILE": "a", "AWS_PROFILE": "b"}) == "b"
    assert profile_name({"AWS_DEFAULT_PROFILE": "a", "AWS_PROFILE": " "}) == "a"


def test_reading(home: Path) -> None:
    assert read_shared_config() == SharedConfig(None, None)
    (home / ".aws" / "config").write_bytes(b"\xef\xbb\xbf[profile a]\nx = 1\n")
    files = read_shared_config()
    assert files.credentials is None
    assert files.profiles() == {"a": {"x": "1"}}
    (home / "keys").write_text("[a]\nx = 2\n")
    assert read_shared_config(Paths("~/nothing", "~/keys")).profiles() == {"a": {"x": "2"}}


def test_a_path_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"'x\\x00y' cannot be the path"):
        read_shared_config(Paths("x\0y", "z"))
