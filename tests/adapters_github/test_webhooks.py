"""Webhook deliveries: whose they are, what they hint at, and all that GitHub's own examples hold."""

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from hypothesis import given
from hypothesis import strategies as st

from headway_core.api import DeliveryAccepted, DeliveryIgnored, DeliveryRepeated
from headway_core.kernel.errors import InvalidInput
from headway_core.pull_requests.ports import Delivery, DeliveryProblem, DeliveryRefused, LookAgain
from headway_github.webhooks import BODY_BYTES, HINTS, GitHubWebhooks
from headway_testing.harness import Harness

SECRET = "It's a Secret to Everybody"
HEAD = "a" * 40
PACKAGE = "@octokit/webhooks-examples@7.6.1"
"""329 payloads of github.com, by the people who keep octokit (MIT)."""
HERE = {"id": 1, "full_name": "octo/demo"}
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def signed(
    body: bytes, secret: str = SECRET, changes: Mapping[str, str | None] | None = None
) -> dict[str, str]:
    """The headers of a delivery; None takes one away."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers: dict[str, str | None] = {
        "X-GitHub-Delivery": GUID,
        "X-GitHub-Event": "ping",
        "X-GitHub-Hook-ID": "292430182",
        "X-Hub-Signature-256": f"sha256={signature}",
        **(changes or {}),
    }
    return {name: value for name, value in headers.items() if value is not None}


def decode(event: str, payload: Any, *, secrets: tuple[str, ...] = (SECRET,)) -> Delivery | DeliveryRefused:
    """Decode a rightly signed delivery."""
    body = json.dumps(payload).encode()
    return GitHubWebhooks("github.com", secrets).decode(signed(body, changes={"X-GitHub-Event": event}), body)


def hints(event: str, payload: Mapping[str, Any]) -> tuple[LookAgain, ...]:
    found = decode(event, {"repository": HERE, **payload})
    assert isinstance(found, Delivery)
    return found.hints


def test_githubs_own_example_of_a_signature() -> None:
    """Secret, body and digest as the documentation has them: the body is no JSON, and rightly signed."""
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = signed(b"", changes={"X-Hub-Signature-256": f"sha256={digest}"})
    found = GitHubWebhooks("github.com", [SECRET]).decode(headers, b"Hello, World!")
    assert isinstance(found, DeliveryRefused)
    assert found.reason is DeliveryProblem.MALFORMED


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha1=757107ea0eb2509fc211221cce984b8a37570b6d",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=" + "0" * 64,
        "sha256=" + "A" * 64,
        "sha256=" + "0" * 63 + "é",
        "sha256=" + "0" * 63 + "\udcff",
        "sha256=" + "٣" * 64,
        "sha256=" + "0" * 64 + "\n",
    ],
)
def test_a_signature_that_is_none_of_ours_is_refused(signature: str | None) -> None:
    """Missing, empty, of another kind, wrong, or not even ASCII: refused, never an exception."""
    headers = signed(b"{}", changes={"X-Hub-Signature-256": signature})
    found = GitHubWebhooks("github.com", [SECRET]).decode(headers, b"{}")
    assert isinstance(found, DeliveryRefused)
    assert found.reason is DeliveryProblem.SIGNATURE


def test_the_raw_bytes_are_signed() -> None:
    """The same JSON written otherwise is another body."""
    body = b'{"zen":  "Keep it logically awesome."}'
    headers, webhooks = signed(body), GitHubWebhooks("github.com", [SECRET])
    assert isinstance(webhooks.decode(headers, body), Delivery)
    found = webhooks.decode(headers, json.dumps(json.loads(body)).encode())
    assert isinstance(found, DeliveryRefused)
    assert found.reason is DeliveryProblem.SIGNATURE


def test_two_secrets_during_a_rotation() -> None:
    """Either is right; a third is not; headers may have any case."""
    webhooks = GitHubWebhooks("github.com", ["new", "old"])
    for secret, right in (("old", True), ("new", True), ("other", False), ("", False)):
        headers = {name.upper(): value for name, value in signed(b"{}", secret).items()}
        assert isinstance(webhooks.decode(headers, b"{}"), Delivery) is right


def test_without_a_secret_everything_is_refused_and_an_empty_one_is_none() -> None:
    """Nobody signs with nothing."""
    found = decode("ping", {}, secrets=())
    assert found == DeliveryRefused(
        reason=DeliveryProblem.UNCONFIGURED, problem="no webhook secret is configured"
    )
    with pytest.raises(InvalidInput):
        GitHubWebhooks("github.com", ["good", ""])
    assert SECRET not in repr(GitHubWebhooks("github.com", [SECRET]))


def test_a_body_that_github_never_sends_is_refused_unread() -> None:
    """Larger than 25 MB: before anything is computed of it."""
    webhooks = GitHubWebhooks("github.com", [SECRET])
    found = webhooks.decode({}, b" " * (BODY_BYTES + 1))
    assert isinstance(found, DeliveryRefused)
    assert found.reason is DeliveryProblem.TOO_BIG
    body = b'{"x": "' + b"y" * (BODY_BYTES - 9) + b'"}'
    assert len(body) == BODY_BYTES
    assert isinstance(webhooks.decode(signed(body), body), Delivery)


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (b"", {}),
        (b"[]", {}),
        (b"payload=%7B%7D", {}),
        (b'{"action": "op', {}),
        (b"\xff\xfe", {}),
        (b"[" * 100_000, {}),
        (b'{"action": 5}', {}),
        (b"{}", {"X-GitHub-Delivery": None}),
        (b"{}", {"X-GitHub-Delivery": "x" * 65}),
        (b"{}", {"X-GitHub-Delivery": "../../x"}),
        (b"{}", {"X-GitHub-Event": None}),
        (b"{}", {"X-GitHub-Event": "Check Run"}),
        (b"{}", {"X-GitHub-Hook-ID": "-1"}),
    ],
)
def test_what_is_no_delivery_is_refused(body: bytes, changes: dict[str, str | None]) -> None:
    """Rightly signed, and not what GitHub sends."""
    found = GitHubWebhooks("github.com", [SECRET]).decode(signed(body, changes=changes), body)
    assert isinstance(found, DeliveryRefused)
    assert found.reason is DeliveryProblem.MALFORMED


def test_who_delivered_what() -> None:
    """Hook, delivery id, event and action; a hook that is not named is empty."""
    found = decode("star", {"action": "created"})
    assert found == Delivery(hook="292430182", guid=GUID, event="star.created", hints=())
    body = b"{}"
    found = GitHubWebhooks("github.com", [SECRET]).decode(
        signed(body, changes={"X-GitHub-Hook-ID": None}), body
    )
    assert found == Delivery(hook="", guid=GUID, event="ping", hints=())


def look(**named: Any) -> tuple[LookAgain, ...]:
    return (LookAgain(host="github.com", repository="octo/demo", **named),)


PULL = {"number": 7, "head": {"ref": "fix", "sha": HEAD, "repo": HERE}}
FORK = {**PULL, "head": {"ref": "main", "sha": HEAD, "repo": {"id": 2, "full_name": "eve/demo"}}}


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        ("pull_request", {"action": "synchronize", "pull_request": PULL}, look(numbers=(7,))),
        ("pull_request", {"action": "opened", "pull_request": PULL}, look(numbers=(7,), branches=("fix",))),
        ("pull_request", {"action": "opened", "pull_request": FORK}, look(numbers=(7,))),
        ("pull_request_review", {"pull_request": PULL}, look(numbers=(7,))),
        ("pull_request_review_comment", {"pull_request": PULL}, look(numbers=(7,))),
        ("pull_request_review_thread", {"pull_request": PULL}, look(numbers=(7,))),
        ("issue_comment", {"issue": {"number": 7, "pull_request": {}}}, look(numbers=(7,))),
        ("issue_comment", {"issue": {"number": 7}}, ()),
        ("check_run", {"check_run": {"head_sha": HEAD, "pull_requests": []}}, look(commits=(HEAD,))),
        (
            "check_suite",
            {
                "check_suite": {
                    "head_sha": HEAD,
                    "pull_requests": [
                        {"number": 7, "base": {"repo": {"id": 1}}},
                        {"number": 8, "base": {"repo": {"id": 2}}},
                    ],
                }
            },
            look(commits=(HEAD,), numbers=(7,)),
        ),
        ("workflow_run", {"workflow_run": {"head_sha": HEAD}}, look(commits=(HEAD,))),
        ("workflow_job", {"workflow_job": {"head_sha": HEAD}}, look(commits=(HEAD,))),
        ("status", {"sha": HEAD}, look(commits=(HEAD,))),
        (
            "merge_group",
            {
                "merge_group": {
                    "head_sha": HEAD,
                    "head_ref": f"refs/heads/gh-readonly-queue/main/pr-104-{'b' * 40}",
                }
            },
            look(commits=(HEAD,), numbers=(104,)),
        ),
        (
            "merge_group",
            {"merge_group": {"head_sha": HEAD, "head_ref": "refs/heads/x"}},
            look(commits=(HEAD,)),
        ),
        ("push", {"ref": "refs/heads/feature/x"}, look(branches=("feature/x",))),
        ("push", {"ref": "refs/tags/v1"}, ()),
        (
            "repository",
            {"action": "renamed", "changes": {"repository": {"name": {"from": "old"}}}},
            look(all=True, former_repository="octo/old"),
        ),
        (
            "repository",
            {
                "action": "transferred",
                "changes": {"owner": {"from": {"organization": {"login": "acme"}}}},
            },
            look(all=True, former_repository="acme/demo"),
        ),
        ("repository", {"action": "privatized"}, look(all=True)),
        ("repository", {"action": "edited", "changes": {}}, ()),
        ("installation", {"action": "deleted", "repositories": [HERE]}, look(all=True)),
        ("installation", {"action": "suspend"}, ()),
        (
            "installation_repositories",
            {"action": "removed", "repositories_added": [], "repositories_removed": [HERE]},
            look(all=True),
        ),
        ("label", {"action": "created"}, ()),
        ("an_event_of_next_year", {}, ()),
    ],
)
def test_where_each_event_says_to_look(
    event: str, payload: dict[str, Any], expected: tuple[LookAgain, ...]
) -> None:
    """By number, head commit or branch of its repository; what changes nothing that is kept says nothing."""
    assert hints(event, payload) == expected


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("pull_request", {}),
        ("pull_request", {"pull_request": {"number": "7"}}),
        ("pull_request", {"pull_request": {"number": -1}}),
        ("pull_request", {"action": "opened", "pull_request": {**PULL, "head": None}}),
        ("check_run", {"check_run": {"head_sha": "main"}}),
        ("check_run", {"check_run": {"head_sha": HEAD, "pull_requests": [5]}}),
        ("status", {"sha": None}),
        ("push", {"ref": None}),
        ("push", {"ref": "refs/heads/x", "repository": {"full_name": "../.."}, "x": "../../etc"}),
        ("push", {"ref": "refs/heads/x", "repository": {"full_name": "a/b/c"}}),
        ("push", {"ref": "refs/heads/x", "repository": None}),
        ("repository", {"action": "renamed", "changes": {"repository": {"name": {"from": "a b"}}}}),
        ("installation", {"repositories": [{"full_name": "x"}]}),
    ],
)
def test_an_event_of_interest_without_what_it_promises_is_refused(
    event: str, payload: dict[str, Any]
) -> None:
    """The place is named, outside text is not."""
    found = decode(event, {"repository": HERE, **payload})
    assert isinstance(found, DeliveryRefused)
    assert found.reason is DeliveryProblem.MALFORMED
    assert "etc" not in found.problem


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just(HEAD),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = [
    "action", "repository", "pull_request", "issue", "check_run", "check_suite", "workflow_run", "sha", "ref",
    "merge_group", "changes", "repositories", "number", "head", "head_sha", "pull_requests", "full_name",
]  # fmt: skip


@given(
    st.sampled_from(sorted(HINTS)),
    st.dictionaries(
        st.sampled_from(_FIELDS), _JSON | st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=4)
    ),
)
def test_no_payload_raises(event: str, payload: dict[str, Any]) -> None:
    """Any JSON in any place is a delivery or a refusal."""
    assert isinstance(decode(event, payload), Delivery | DeliveryRefused)


@pytest.fixture(scope="session")
def package() -> Path:
    """Examples of payloads, fetched once by `npm pack` and kept in a cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headway-tests"
    archive = base / "octokit-webhooks-examples-7.6.1.tgz"
    if not archive.exists():
        problem = _fetch(base)
        if problem is not None:
            if os.environ.get("CI") == "true":
                pytest.fail(problem)
            pytest.skip(problem)
    return archive


def examples(package: Path, server: str) -> list[dict[str, Any]]:
    """The events of one kind of server, with examples of their payloads."""
    with tarfile.open(package) as packed:
        index = packed.extractfile(f"package/{server}/index.json")
        assert index is not None
        found: list[dict[str, Any]] = json.load(index)
    return found


def _fetch(folder: Path) -> str | None:
    """Why the package can't be had; None when it is there."""
    npm = shutil.which("npm")
    if npm is None:
        return f"npm is not installed: it fetches {PACKAGE}"
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [npm, "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, check=False, timeout=90
    )
    return f"npm can't fetch {PACKAGE}" if done.returncode else None


def test_all_of_githubs_own_examples(package: Path, capsys: Any) -> None:
    """Each of 329 payloads of 58 events is accepted; of the events that we want, all name where to look."""
    seen: Counter[tuple[str, str]] = Counter()
    events = examples(package, "api.github.com")
    for kind in events:
        for payload in kind["examples"]:
            found = decode(kind["name"], payload)
            assert isinstance(found, Delivery), (kind["name"], found)
            seen[kind["name"], _told(found)] += 1
    assert sum(seen.values()) == 329
    assert len(events) == 58
    assert set(HINTS) <= {kind["name"] for kind in events}
    silent = {event: count for (event, told), count in seen.items() if event in HINTS and told == "nothing"}
    assert silent == {
        "issue_comment": 9,  # all of them on issues
        "push": 5,  # tags
        "repository": 4,  # created, edited
        "installation": 2,  # suspended and unsuspended name no repository
    }
    lines = [
        f"  {event:<32} {count:>3}  {told}"
        for (event, told), count in sorted(seen.items(), key=lambda row: (row[0][1] == "nothing", row))
    ]
    with capsys.disabled():
        sys.stdout.write(
            "\n".join(["", "GitHub's own webhook examples, and where they say to look:", *lines, ""])
        )


@pytest.mark.anyio
async def test_the_face_takes_githubs_own_examples(package: Path) -> None:
    """Each is accepted or ignored, as it hints or not, and is repeated when it comes again."""
    harness = Harness()
    harness.core.webhook_decoder.override(providers.Object(GitHubWebhooks("github.com", ["former", SECRET])))
    hw, count = harness.core.api(), 0
    for kind in examples(package, "api.github.com"):
        for payload in kind["examples"]:
            count += 1
            body = json.dumps(payload).encode()
            told = {"X-GitHub-Event": kind["name"], "X-GitHub-Delivery": str(count)}
            headers = signed(body, changes=told)
            found = decode(kind["name"], payload)
            assert isinstance(found, Delivery)
            expected = (
                DeliveryAccepted(event=found.event, workspaces=0)
                if found.hints
                else DeliveryIgnored(event=found.event)
            )
            assert await hw.webhooks.receive(headers, body) == expected
            assert await hw.webhooks.receive(headers, body) == DeliveryRepeated(event=found.event)
    assert count == 329


def test_the_examples_of_enterprise_servers(package: Path) -> None:
    """Those of five older versions are accepted too, and the same events hint."""
    count = 0
    for version in ("31", "32", "33", "34", "35"):
        for kind in examples(package, f"ghes-{version}"):
            for payload in kind["examples"]:
                assert isinstance(decode(kind["name"], payload), Delivery), (version, kind["name"])
                count += 1
    assert count == 397


def _told(delivery: Delivery) -> str:
    named = {
        field
        for hint in delivery.hints
        for field in ("numbers", "commits", "branches", "former_repository", "all")
        if getattr(hint, field)
    }
    return ", ".join(sorted(named)) or "nothing"
