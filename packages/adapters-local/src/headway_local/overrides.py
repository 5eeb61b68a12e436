"""What a repository's own configuration may not say to our git, and what stands in its place.

An agent can write `.git/config`. What names a program, or another place to ask, is taken from the person's
own configuration (system and global) instead, and is neutral where that says nothing. Not in the table is
what no command of ours obeys (aliases; `pushInsteadOf` and `submodule.*.update`, as nothing of ours pushes or
updates submodules), and what only steers how files are read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import assert_never

import attrs

PERSONAL = frozenset({"system", "global"})
"""The scopes of configuration that a person writes, and no repository."""
OF_REPOSITORY = frozenset({"local", "worktree"})
GIVEN = "given"
"""The scope of what Headway's own configuration says."""


@attrs.frozen
class Setting:
    """A line of git's configuration."""

    scope: str
    file: Path | None
    """Where it stands; None: in no file."""
    key: str
    """As git writes it: all in lower case, but for the middle part."""
    value: str | None
    """None for a key without a value, which means yes."""


@attrs.frozen
class Value:
    """The last one counts: the person's, else this."""

    neutral: str


@attrs.frozen
class Many:
    """All count, and an empty one takes back those before it: the person's stand."""


@attrs.frozen
class Helpers:
    """As `Many`, for all helpers of credentials at once: those of one address add to the others."""


@attrs.frozen
class Proxy:
    """The person's, else that of the environment."""


@attrs.frozen
class Access:
    """The person's rule for the protocol, else for all, else git's own."""


@attrs.frozen
class Offline:
    """Nothing takes it back, as the first or the longest counts: our git asks no other repository."""


@attrs.frozen
class WithoutEffect:
    """The options, words and environment of our git leave it without effect, whoever says it."""

    plain: frozenset[str] = frozenset()
    """Values that name nothing."""


Rule = Value | Many | Helpers | Proxy | Access | Offline | WithoutEffect

_MERGE = "git merge-file -q --marker-size=%L %A %O %B"
"""What git does without a driver, as a driver."""
_RULES: tuple[tuple[str, Rule], ...] = (  # a middle part may be empty
    (r"filter\..*\.(clean|smudge|process)", Value("")),
    (r"filter\..*\.required", Value("false")),
    (r"merge\..*\.driver", Value(_MERGE)),
    (r"core\.sshcommand", Value("ssh")),
    (r"core\.gitproxy", Offline()),
    (r"core\.alternaterefscommand", Value("true")),
    (r"gpg\.(openpgp\.)?program", Value("gpg")),
    (r"gpg\.x509\.program", Value("gpgsm")),
    (r"gpg\.ssh\.program", Value("ssh-keygen")),
    (r"gpg\.ssh\.defaultkeycommand", Value("false")),
    (r"commit\.gpgsign", Value("false")),
    (r"remote\..*\.(uploadpack|receivepack|vcs)", Offline()),
    (r"(http|http\..*|remote\..*)\.proxy", Proxy()),
    (r"http\.(.*\.)?sslverify", Value("true")),
    (r"http\.(.*\.)?sslca(info|path)", Offline()),
    (r"http\.(.*\.)?(extraheader|curloptresolve)", Many()),
    (r"http\.(.*\.)?cookiefile", Value("")),
    (r"credential\.(.*\.)?helper", Helpers()),
    (r"url\..*\.insteadof", Offline()),
    (r"protocol\.(.*\.)?allow", Access()),
    (r"fetch\.bundleuri", Value("")),
    (r"lfs\.customtransfer\..*\.path", Value("false")),
    (r"lfs\.extension\..*\.(clean|smudge)", Value("cat")),
    (r"core\.fsmonitor", WithoutEffect(frozenset({"true", "false"}))),
    (r"core\.(hookspath|askpass|worktree|pager|editor)|pager\..*|sequence\.editor", WithoutEffect()),
    (r"diff\.external|diff\..*\.(command|textconv)", WithoutEffect()),
)
_COMPILED = tuple((re.compile(pattern, re.DOTALL), rule) for pattern, rule in _RULES)
_ALWAYS = frozenset({"http", "https", "git", "ssh"})


@attrs.frozen(kw_only=True)
class Overrides:
    """What our git is told besides, for one repository."""

    settings: tuple[tuple[str, str], ...] = ()
    closed: tuple[str, ...] = ()
    """The keys for whose sake it talks to no other repository."""
    overruled: tuple[str, ...] = ()
    """The keys of the repository that are not obeyed."""

    @property
    def environment(self) -> dict[str, str]:
        """By variables: a name may hold anything, and other users can read a command line."""
        if not self.settings and not self.closed:
            return {}
        told = {"GIT_CONFIG_COUNT": str(len(self.settings))}
        for number, (key, value) in enumerate(self.settings):
            told[f"GIT_CONFIG_KEY_{number}"] = key
            told[f"GIT_CONFIG_VALUE_{number}"] = value
        return {**told, **({"GIT_ALLOW_PROTOCOL": "none"} if self.closed else {})}


NOTHING = Overrides()
LFS = tuple(
    Setting(GIVEN, None, f"filter.lfs.{name}", value)
    for name, value in (
        ("clean", "git-lfs clean -- %f"),
        ("smudge", "git-lfs smudge -- %f"),
        ("process", "git-lfs filter-process"),
        ("required", "true"),
    )
)
"""As `git lfs install` writes it."""


def rule_of(key: str) -> Rule | None:
    """How a key that a repository sets is overruled; None: it is obeyed."""
    return next((rule for pattern, rule in _COMPILED if pattern.fullmatch(key)), None)


def overrides(settings: Sequence[Setting], environment: Mapping[str, str]) -> Overrides:
    """What overrules the settings of a repository. Of the environment the proxies count."""
    theirs = _collected(setting for setting in settings if setting.scope in OF_REPOSITORY)
    given = _collected(setting for setting in settings if setting.scope == GIVEN)
    person = _collected(setting for setting in settings if setting.scope in PERSONAL) | given
    told = dict(given)
    closed, overruled = [], []
    for key, values in sorted(theirs.items()):
        rule = rule_of(key)
        instead = None if rule is None else _instead(rule, key, person, environment)
        if rule is None or _same(rule, values, person.get(key, []), instead):
            continue
        overruled.append(key)
        if isinstance(rule, Offline):
            closed.append(key)
        elif isinstance(rule, Helpers):
            told["credential.helper"] = [""]
        elif instead is not None:
            told[key] = instead
    flat = [(key, value) for key, values in told.items() for value in values]
    if "credential.helper" in told:  # after the empty one all of the person's, in their order
        flat += [
            (setting.key, setting.value or "")
            for setting in settings
            if setting.scope in PERSONAL and rule_of(setting.key) == Helpers()
        ]
    return Overrides(settings=tuple(flat), closed=tuple(closed), overruled=tuple(overruled))


def _collected(settings: Iterable[Setting]) -> dict[str, list[str]]:
    """The values by key; a key without a value says yes."""
    found: dict[str, list[str]] = {}
    for setting in settings:
        found.setdefault(setting.key, []).append("true" if setting.value is None else setting.value)
    return found


def _instead(
    rule: Rule, key: str, person: Mapping[str, list[str]], environment: Mapping[str, str]
) -> list[str] | None:
    """The values that stand in place of a repository's; None: no value does."""
    match rule:
        case Many():
            return ["", *(person.get(key) or person.get(_general(key), []))]
        case Value(neutral):
            return _last(person, key, _general(key)) or [neutral]
        case Proxy():
            return _last(person, key, "http.proxy") or [_proxy(environment)]
        case Access():
            return _last(person, key, "protocol.allow") or [_access(key)]
        case Helpers() | Offline() | WithoutEffect():
            return None
        case _:
            assert_never(rule)


def _same(rule: Rule, theirs: list[str], person: list[str], instead: list[str] | None) -> bool:
    """Whether repositories only repeat what holds anyway."""
    if instead is not None and not isinstance(rule, Many):
        return set(theirs) <= set(instead)
    plain = rule.plain if isinstance(rule, WithoutEffect) else frozenset()
    return set(theirs) <= {*person, *plain}


def _general(key: str) -> str:
    """The key for all addresses of one for some: `http.proxy` of `http.<address>.proxy`."""
    first, _, _ = key.partition(".")
    return f"{first}.{key.rpartition('.')[2]}" if first == "http" else key


def _last(person: Mapping[str, list[str]], *keys: str) -> list[str]:
    """The person's last word for the first of the keys that they set, if there is one."""
    return next((person[key][-1:] for key in keys if key in person), [])


def _proxy(environment: Mapping[str, str]) -> str:
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    return next((environment[name] for name in names if environment.get(name)), "")


def _access(key: str) -> str:
    return "always" if key.split(".")[1] in _ALWAYS else "user"
