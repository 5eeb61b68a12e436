"""What of the host's environment reaches agents, scripts and git: names on a list, nothing else."""

import os
import re
from collections.abc import Iterable, Mapping

LOCALE = frozenset(
    {
        *("LANG", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES"),
        *("LC_MONETARY", "LC_NUMERIC", "LC_TIME"),
    }
)
PROXIES = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    }
)
CERTIFICATES = frozenset(
    {
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
        *("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"),
    }
)
"""Where the common libraries look for certificate authorities: names of files, no secrets."""
ALLOWED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "TERM", "SHELL", "TMPDIR", "TZ", "SSH_AUTH_SOCK"),
        *LOCALE,
        *PROXIES,
        *CERTIFICATES,
    }
)
"""Exact names. No token is among them: what an agent may know beside these is said by its configuration."""
RESERVED = frozenset({"GH_CONFIG_DIR", "GIT_CONFIG_GLOBAL", "GIT_TERMINAL_PROMPT"})
"""What Headway sets itself for an agent, beside what begins with `RESERVED_PREFIX`."""
RESERVED_PREFIX = "HEADWAY_"
FOR_GIT = frozenset({"XDG_CONFIG_HOME"})
"""What our own git needs besides, to find its configuration."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def allowed_environment(host: Mapping[str, str] | None = None) -> dict[str, str]:
    """The allow-listed part of `host` (default: of this process's environment, as it is now)."""
    return named_environment(ALLOWED, host)


def named_environment(names: Iterable[str], host: Mapping[str, str] | None = None) -> dict[str, str]:
    """Those of `names` that are set in `host` (default: in this process's environment, as it is now)."""
    source = os.environ if host is None else host
    return {name: source[name] for name in names if name in source}


def is_name(text: str) -> bool:
    """Whether a variable can have this name."""
    return _NAME.fullmatch(text) is not None


def refusal(name: str) -> str | None:
    """Why a variable of this name can't be given to an agent; None when it can.

    The text never holds the name: a secret may have been put in its place by mistake.
    """
    if not is_name(name):
        return "is no name of a variable: A-Z a-z 0-9 _, not beginning with a digit, and no value"
    if name in RESERVED or name.startswith(RESERVED_PREFIX):
        return "is set by Headway itself"
    return None


def git_environment(host: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of our own git: of the host's `GIT_*` only where its certificates are, plain
    messages, and never a question.
    """
    source = os.environ if host is None else host
    return {
        **allowed_environment(source),
        **named_environment(FOR_GIT, source),
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "false",
        "GIT_SEQUENCE_EDITOR": "false",
    }
