"""Where a repository lives on GitHub: read from the address of its `origin`, or as a person gave it."""

import re
from urllib.parse import urlsplit

import attrs

from headway_core.kernel.errors import InvalidInput

_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})"
_NAME = r"[A-Za-z0-9._-]{1,100}"
_FULL_NAME = re.compile(rf"({_OWNER})/({_NAME})")
_HOST = re.compile(
    r"(?=.{1,253}(?::|$))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\d{1,5})?"
)
_SCP_LIKE = re.compile(r"(?:[^@/:\s]+@)?([^@/:\s\[\]]+):(?!//)(.+)")
_SCHEMES = frozenset({"https", "http", "ssh", "git", "git+ssh"})
_SAME_HOST = {"ssh.github.com": "github.com", "www.github.com": "github.com"}
"""GitHub's other addresses for itself (SSH over the HTTPS port)."""


@attrs.frozen(kw_only=True)
class Remote:
    """A repository on a GitHub host. `host` is lower case, with its port when it has one of its own."""

    host: str
    owner: str
    name: str


def remote_of(url: str | None) -> Remote | None:
    """The repository that a remote's address names: https, ssh or scp-like; None for anything else."""
    if not url or not url.isprintable():
        return None
    host, path = _https_or_ssh(url) if "://" in url else _scp_like(url)
    full_name = _full_name(path.strip("/").removesuffix(".git"))
    host = _SAME_HOST.get(host, host)
    if full_name is None or not _HOST.fullmatch(host):
        return None
    return Remote(host=host, owner=full_name[0], name=full_name[1])


def given_repository(text: str) -> tuple[str, str]:
    """Owner and name of an `owner/name` that a person gave; `InvalidInput("github")` else."""
    full_name = _full_name(text)
    if full_name is None:
        raise InvalidInput("github", f"{text!r} is not owner/name")
    return full_name


def given_host(text: str) -> str:
    """A host that a person gave, in lower case; `InvalidInput("host")` else."""
    host = text.lower()
    if not _HOST.fullmatch(host):
        raise InvalidInput("host", f"{text!r} is no host name")
    return host


def _https_or_ssh(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:  # a port that is none, a bracket that does not close
        return "", ""
    if parts.scheme not in _SCHEMES:
        return "", ""
    # The port of ssh says nothing of the web; a port of http is part of the address.
    own_port = port if port is not None and parts.scheme in {"http", "https"} else None
    return (host if own_port is None else f"{host}:{own_port}"), parts.path


def _scp_like(url: str) -> tuple[str, str]:
    match = _SCP_LIKE.fullmatch(url)
    return (match[1].lower(), match[2]) if match else ("", "")


def _full_name(text: str) -> tuple[str, str] | None:
    match = _FULL_NAME.fullmatch(text)
    if match is None or match[2] in {".", ".."}:
        return None
    return match[1], match[2]
