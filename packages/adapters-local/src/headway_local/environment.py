"""What of the host's environment reaches agents, scripts and git: names on a list, nothing else."""

import os
from collections.abc import Mapping

ALLOWED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TERM", "SHELL", "TMPDIR", "TZ", "SSH_AUTH_SOCK"}
)
"""No token is among them: what an agent may know beside these is said in its launch."""
ALLOWED_PREFIX = "LC_"
FOR_GIT = frozenset(
    {
        *("XDG_CONFIG_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    }
)
"""What our own git needs besides, to find its configuration and its remotes."""


def allowed_environment(host: Mapping[str, str] | None = None) -> dict[str, str]:
    """The allow-listed part of `host` (default: of this process's environment, as it is now)."""
    source = os.environ if host is None else host
    return {
        name: value for name, value in source.items() if name in ALLOWED or name.startswith(ALLOWED_PREFIX)
    }


def git_environment(host: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of our own git: no `GIT_*` of the host's, plain messages, and never a question."""
    source = os.environ if host is None else host
    return {
        **allowed_environment(source),
        **{name: value for name, value in source.items() if name in FOR_GIT},
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "false",
        "GIT_SEQUENCE_EDITOR": "false",
    }
