"""Names of repositories and slugs: pure functions over hostile text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.kernel.errors import InvalidInput
from headway_core.projects import Remote, first_free, is_slug, remote_of, slug
from headway_core.projects.remotes import given_host, given_repository


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/octo/demo.git", ("github.com", "octo", "demo")),
        ("https://github.com/octo/demo", ("github.com", "octo", "demo")),
        ("https://github.com/octo/demo/", ("github.com", "octo", "demo")),
        ("https://ada:secret@GitHub.com/octo/demo.git", ("github.com", "octo", "demo")),
        ("https://www.github.com/octo/demo", ("github.com", "octo", "demo")),
        ("http://127.0.0.1:8080/octo/demo", ("127.0.0.1:8080", "octo", "demo")),
        ("https://ghe.example.org:8443/octo/demo.x", ("ghe.example.org:8443", "octo", "demo.x")),
        ("ssh://git@github.com/octo/demo.git", ("github.com", "octo", "demo")),
        ("ssh://git@ssh.github.com:443/octo/demo.git", ("github.com", "octo", "demo")),
        ("ssh://git@ghe.example.org:2222/octo/demo", ("ghe.example.org", "octo", "demo")),
        ("git://github.com/octo/demo", ("github.com", "octo", "demo")),
        ("git@github.com:octo/demo.git", ("github.com", "octo", "demo")),
        ("github.com:octo/demo", ("github.com", "octo", "demo")),
        ("git@ghe.example.org:/octo/demo.git", ("ghe.example.org", "octo", "demo")),
    ],
)
def test_the_address_of_origin_names_host_owner_and_repository(
    url: str, expected: tuple[str, str, str]
) -> None:
    """https, ssh and scp-like addresses, without their credentials and ports of ssh."""
    host, owner, name = expected
    assert remote_of(url) == Remote(host=host, owner=owner, name=name)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "/srv/git/demo.git",
        "../demo.git",
        "file:///srv/git/octo/demo.git",
        "https://github.com/octo",
        "https://github.com/octo/demo/extra",
        "https://github.com/octo/..",
        "https://github.com/-octo/demo",
        "https://github.com:99999/octo/demo",
        "https://[::1/octo/demo",
        "ext::sh -c touch% /tmp/x",
        "git@github.com:octo",
        "git@-oProxyCommand=x:octo/demo",
        "https://git\nhub.com/octo/demo",
        "ftp://github.com/octo/demo",
    ],
)
def test_what_names_no_repository_on_a_host_is_none(url: str | None) -> None:
    """Local paths and hostile addresses give nothing to go on."""
    assert remote_of(url) is None


@given(st.text())
def test_whatever_the_address_says_only_plain_names_come_out(url: str) -> None:
    """No credential, separator, space or option survives."""
    remote = remote_of(url)
    if remote is not None:
        for text in (remote.host, remote.owner, remote.name):
            assert text.isascii()
            assert not set(text) & set(" @/\\\n\t\"'`$;|&<>")
            assert not text.startswith("-") or text == remote.name


@pytest.mark.parametrize(
    "text", ["octo", "octo/", "/demo", "octo/demo/x", "octo/..", "o cto/demo", "-o/demo"]
)
def test_a_given_repository_is_owner_and_name(text: str) -> None:
    """Anything else is refused as `github`."""
    with pytest.raises(InvalidInput) as caught:
        given_repository(text)
    assert caught.value.field == "github"


@pytest.mark.parametrize("text", ["", "a b", "-x", "git@github.com", "github.com/octo", "x:y"])
def test_a_given_host_is_a_host(text: str) -> None:
    """Anything else is refused as `host`."""
    with pytest.raises(InvalidInput) as caught:
        given_host(text)
    assert caught.value.field == "host"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix login", "fix-login"),
        ("  --Fix__the   LOGIN!!  ", "fix-the-login"),
        ("Ärger mit Größe", "arger-mit-grosse"),
        ("починить вход", "pochinit-vkhod"),
        ("修复登录", "xiufudenglu"),
        ("", "other"),
        ("!!!", "other"),
        ("x" * 80, "x" * 50),
        ("$(rm -rf /)", "rm-rf"),
    ],
)
def test_a_slug_reads_like_its_text(text: str, expected: str) -> None:
    """Other scripts are transliterated; a text without letters falls back."""
    assert slug(text, otherwise="other") == expected


@given(st.text(max_size=300))
def test_every_text_has_a_slug(text: str) -> None:
    """`[a-z0-9-]`, 1 to 50, no dash at an end, and its own slug."""
    made = slug(text, otherwise="other")
    assert is_slug(made)
    assert slug(made, otherwise="other") == made


@given(st.text(max_size=100), st.integers(min_value=0, max_value=120))
def test_the_first_free_name_is_free_and_still_a_slug(text: str, holders: int) -> None:
    """However many came before, the next is another slug of at most 50 characters."""
    base = slug(text, otherwise="other")
    taken: set[str] = set()
    for _ in range(holders + 1):
        made = first_free(base, taken.__contains__)
        assert made not in taken
        assert is_slug(made)
        taken.add(made)
    assert base in taken
