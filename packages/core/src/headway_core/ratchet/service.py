"""What callers may ask of the ratchet: each one transaction."""

from headway_core.kernel.ledger import Ledger
from headway_core.ratchet.decision import Decision
from headway_core.ratchet.explain import Explanation
from headway_core.ratchet.model import Hold, HoldKind, RatchetRecord
from headway_core.ratchet.steps import RatchetSteps


class RatchetService:
    """The automation of a workspace: its switch, its holds, its looks and what explains them."""

    def __init__(self, ledger: Ledger, steps: RatchetSteps) -> None:
        self._ledger = ledger
        self._steps = steps

    async def switch(self, workspace_id: str, *, enabled: bool) -> RatchetRecord:
        """Switch it on or off. Off is one transaction: it cancels the dispatch, asks its fixer to stop and
        forgets everything that was remembered, so that on again means "try again" (R14, R34). `NotFound`.
        """
        return await self._ledger.transact(lambda tx: self._steps.switch(tx, workspace_id, enabled=enabled))

    async def hold(self, workspace_id: str) -> RatchetRecord:
        """Keep it from acting until `release`. `NotFound`."""
        by_person = Hold(kind=HoldKind.PERSON, until=None)
        return await self._ledger.transact(lambda tx: self._steps.set_hold(tx, workspace_id, by_person))

    async def release(self, workspace_id: str) -> RatchetRecord:
        """End every hold. `NotFound`."""
        return await self._ledger.transact(lambda tx: self._steps.set_hold(tx, workspace_id, None))

    async def check(self, workspace_id: str) -> Decision:
        """Look now: close what ended, decide, and write the intent of what follows, in one transaction.

        `NotFound`.
        """
        return await self._ledger.transact(lambda tx: self._steps.check(tx, workspace_id))

    async def postpone(self, workspace_id: str, pause_s: float) -> None:
        """Have the workspace looked at in `pause_s`, because the last look failed."""
        await self._ledger.transact(lambda tx: self._steps.postpone(tx, workspace_id, pause_s))

    async def explain(self, workspace_id: str) -> Explanation:
        """What was seen and how old it is, what was decided and why, and what will change it. `NotFound`."""
        return await self._ledger.read(lambda tx: self._steps.explain(tx, workspace_id))
