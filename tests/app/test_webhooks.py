"""`hw.webhooks.receive`: what an application hands over as it came, and what it is told."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from stage import Stage

import headway
from headway import Config, DeliveryAccepted, DeliveryIgnored, DeliveryRepeated, Headway, Manual

pytestmark = pytest.mark.anyio

PUSH = json.dumps(
    {"ref": "refs/heads/fix", "repository": {"full_name": "Acme/Greeter", "default_branch": "main"}}
).encode()


def headers(event: str, guid: str = "1", *, signer: str = "new", body: bytes = PUSH) -> dict[str, str]:
    signature = hmac.new(signer.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "x-hub-signature-256": f"sha256={signature}",
    }


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return attrs.evolve(Config.beside(str(tmp_path / "x.db")), webhook_secrets=("new", "former"))


@pytest.fixture
async def hw(config: Config, stage: Stage) -> AsyncIterator[Headway]:
    """With a workspace on the branch `fix` of acme/greeter."""
    async with headway.open(config=config) as opened:
        project = await opened.projects.register(str(stage.repository), github="acme/greeter")
        await opened.workspaces.create(Manual(project_id=project.id, name="Fix", branch="fix"))
        yield opened


async def test_a_delivery_is_accepted_once(hw: Headway) -> None:
    """By either secret, with the number of workspaces that it concerns; again it is repeated."""
    accepted = DeliveryAccepted(event="push", workspaces=1)
    assert await hw.webhooks.receive(headers("push"), PUSH) == accepted
    assert await hw.webhooks.receive(headers("push"), PUSH) == DeliveryRepeated(event="push")
    assert await hw.webhooks.receive(headers("push", "2", signer="former"), PUSH) == accepted


async def test_what_changes_nothing_is_ignored(hw: Headway) -> None:
    """A ping is rightly signed, and hints at nothing."""
    assert await hw.webhooks.receive(headers("ping"), PUSH) == DeliveryIgnored(event="ping")


async def test_a_wrong_signature_is_denied(hw: Headway) -> None:
    """By another secret, or of another body: nothing is stored, so the right one is still accepted."""
    with pytest.raises(headway.PermissionDenied, match="webhooks: the signature is wrong"):
        await hw.webhooks.receive(headers("push", signer="other"), PUSH)
    with pytest.raises(headway.PermissionDenied, match="webhooks: the signature is wrong"):
        await hw.webhooks.receive(headers("push", body=b"{}"), PUSH)
    assert isinstance(await hw.webhooks.receive(headers("push"), PUSH), DeliveryAccepted)


async def test_what_github_never_sends_is_invalid(hw: Headway) -> None:
    """Rightly signed, and no JSON."""
    with pytest.raises(headway.InvalidInput) as refused:
        await hw.webhooks.receive(headers("push", body=b"push"), b"push")
    assert refused.value.field == "delivery"


async def test_without_a_secret_nothing_is_taken(config: Config) -> None:
    """The error says what is missing, not that the forge signed wrongly."""
    async with headway.open(config=attrs.evolve(config, webhook_secrets=())) as hw:
        with pytest.raises(headway.Unavailable, match="no webhook secret is configured"):
            await hw.webhooks.receive(headers("push"), PUSH)
