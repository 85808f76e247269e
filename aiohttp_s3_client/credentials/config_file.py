"""The two files that AWS's tools share, ``~/.aws/config`` and ``~/.aws/credentials``.

``parse`` turns a text into its sections and touches nothing; ``read_shared_config`` reads the
files. Where the CLI refuses what AWS's other tools take (a section that comes twice), it is taken.

Format: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
Places: https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from ..errors import ConfigurationError, CredentialsError

_HEADER = r"\[\s*([^\]\s][^\]]*)\]\s*(?:[#;].*)?"
_SETTING = r"([^=:]+?)\s*[=:]\s*(.*)"
_COMMENT = r"(?:^|\s)[#;].*"
_VARIABLE = r"\$(?:(\w+)|\{(\w+)\})"
_WINDOWS = os.name == "nt"


class ConfigFileError(CredentialsError, ConfigurationError):
    """A file of AWS's that cannot be read, or says what cannot be."""


class Section(dict[str, str]):
    """The settings of one section: names in lower case, values as they stand.

    ``nested`` are the settings below a setting without a value of its own (``s3 =`` and the
    indented lines after it), by its name; their names are as they stand. Shows no value in its
    repr, and is not pickled: keys are kept in sections.
    """

    __slots__ = ("nested",)

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        nested: Mapping[str, dict[str, str]] | None = None,
    ) -> None:
        super().__init__(settings or {})
        self.nested: dict[str, dict[str, str]] = dict(nested or {})

    def updated(self, other: Section) -> Section:
        """A section of both: what *other* says counts."""
        return Section({**self, **other}, {**self.nested, **other.nested})

    def __repr__(self) -> str:
        return f"Section({', '.join(self)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Section is not pickled: the pickle would hold secrets")


Sections = dict[str, Section]


def parse(text: str, path: str) -> Sections:
    """The sections of *text* by what stands in their brackets.

    A section that comes twice is one, and the last of several values counts. A line that is
    indented deeper than the setting above it belongs to that setting: it continues its value or,
    where that is empty, is a nested ``name = value``. Lines that begin with ``#`` or ``;`` are
    comments, and so is the rest of a value from white space and one of these on.

    Raises ``ConfigFileError`` with *path* and the number of the line, whose content is not shown.
    """
    sections: Sections = {}
    section: Section | None = None
    name, depth = "", -1
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        indent = len(raw) - len(raw.lstrip())
        if section is not None and name and indent > depth:
            _continue(section, name, line, f"{path}, line {number}")
        elif header := re.fullmatch(_HEADER, line):
            section, name = sections.setdefault(header[1].strip(), Section()), ""
        elif section is None or line[0] == "[" or not (setting := re.fullmatch(_SETTING, line)):
            raise ConfigFileError(
                f"{path}, line {number}: neither a [section] nor a setting = value in one"
            )
        else:
            name, depth = setting[1].lower(), indent
            section[name] = re.sub(_COMMENT, "", setting[2], count=1)
            section.nested.pop(name, None)
    return sections


def _continue(section: Section, name: str, line: str, where: str) -> None:
    """Take a line below the setting *name*."""
    if section[name]:
        section[name] += f"\n{line}"
        return
    nested, equals, value = (part.strip() for part in line.partition("="))
    if not (nested and equals):
        raise ConfigFileError(f"{where}: no setting = value below {name!r}, which has no value")
    section.nested.setdefault(name, {})[nested] = value


def named(sections: Mapping[str, Section], kind: str) -> Sections:
    """The sections ``[kind name]`` by their names, which may be quoted as in a shell.

    Headers of more than two words are nobody's, as the CLI has it.
    """
    found: Sections = {}
    for header, section in sections.items():
        if header.startswith(kind):
            try:
                words = shlex.split(header)
            except ValueError:  # A quotation mark without its other half.
                continue
            if len(words) == 2 and words[0] == kind:
                found[words[1]] = section
    return found


class SharedConfig(NamedTuple):
    """What is in the two files, each None where the file does not exist."""

    config: Sections | None
    credentials: Sections | None

    def profiles(self) -> Sections:
        """All profiles: each made of both files, of which the credentials file counts more."""
        found = self.config_profiles()
        for name, section in (self.credentials or {}).items():
            if not re.match(r"profile\s", name):
                found[name] = found[name].updated(section) if name in found else section
        return found

    def config_profiles(self) -> Sections:
        """The profiles of the config file: ``[profile name]`` and ``[default]``.

        ``[profile default]`` counts where both are there.
        """
        sections = self.config or {}
        default = {"default": sections["default"]} if "default" in sections else {}
        return {**default, **named(sections, "profile")}

    def sso_sessions(self) -> Sections:
        """``[sso-session name]`` by name."""
        return named(self.config or {}, "sso-session")

    def services(self) -> Sections:
        """``[services name]`` by name; what is said of each service is nested in them."""
        return named(self.config or {}, "services")


class Paths(NamedTuple):
    """Where the two files are; ``~`` and what follows it may stand for a home directory."""

    config: str
    credentials: str


def default_paths(environ: Mapping[str, str] = os.environ, *, windows: bool = _WINDOWS) -> Paths:
    """``AWS_CONFIG_FILE`` and ``AWS_SHARED_CREDENTIALS_FILE``, or the usual places."""
    slash = "\\" if windows else "/"
    return Paths(
        *(
            re.sub(_VARIABLE, lambda match: environ.get(match[1] or match[2], match[0]), given)
            if (given := environ.get(variable, "").strip())
            else slash.join(("~", ".aws", name))
            for variable, name in (
                ("AWS_CONFIG_FILE", "config"),
                ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            )
        )
    )


def profile_name(environ: Mapping[str, str] = os.environ) -> str:
    """The profile that ``AWS_PROFILE`` or ``AWS_DEFAULT_PROFILE`` names; empty when none does."""
    names = (environ.get(name, "").strip() for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))
    return next(filter(None, names), "")


def expand_home(
    path: str, environ: Mapping[str, str] = os.environ, *, windows: bool = _WINDOWS
) -> str:
    """*path* with the user's home directory for a ``~`` before a slash.

    That is ``HOME``, also on Windows, which has ``USERPROFILE`` or ``HOMEDRIVE`` and ``HOMEPATH``
    otherwise. ``~name`` is the home directory of that user.
    """
    if path.startswith(("~/", "~\\") if windows else "~/"):
        home = environ.get("HOME", "")
        if windows and not home:
            drive = environ.get("HOMEDRIVE", "")
            home = environ.get("USERPROFILE") or drive + environ.get("HOMEPATH", "")
        if home:
            return home.rstrip("/\\" if windows else "/") + path[1:]
    return os.path.expanduser(path)


def read_shared_config(paths: Paths | None = None) -> SharedConfig:
    """Both files, by default those of the environment. Blocks: to be called in a thread.

    Raises ``ConfigFileError`` for a file that cannot be read or is malformed.
    """
    paths = paths or default_paths()
    return SharedConfig(read_sections(paths.config), read_sections(paths.credentials))


def read_sections(path: str) -> Sections | None:
    """The sections of a file, None when it does not exist. Blocks."""
    try:
        with open(expand_home(path), "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigFileError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:  # A zero byte in it.
        raise ConfigFileError(f"{path!r} cannot be the path of a file") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
    else:
        return parse(text, path)
    # Raised out here: the decoder's error holds the whole file.
    raise ConfigFileError(f"{path}, line {number}: not UTF-8 text")
