"""The outbox of prompts: which wait for a session's start, and what became of each."""

from collections.abc import Iterable, Sequence

import attrs

from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.outside_text import unstorable
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.sessions.events import PromptQueued, PromptStatusChanged
from headway_core.sessions.model import PROMPTS_OF, QUEUED_PROMPTS, Prompt, PromptStatus, Session


class PromptSteps:
    """The single writer of prompts, for `SessionSteps`: a prompt moves with its session, and never alone."""

    def __init__(self, prompts: OwnedTable[Prompt]) -> None:
        self._prompts = prompts

    def of(self, tx: ReadTransaction, session_id: str) -> Sequence[Prompt]:
        """The prompts of a session, oldest first."""
        return self._prompts.query(tx, PROMPTS_OF, session_id=session_id)

    def queued(self, tx: ReadTransaction, session_id: str) -> tuple[Prompt, ...]:
        """The prompts that wait for the session's start."""
        return self._in_status(tx, session_id, PromptStatus.QUEUED)

    def delivering(self, tx: ReadTransaction, session_id: str) -> tuple[Prompt, ...]:
        """The prompts that are being handed over to the session."""
        return self._in_status(tx, session_id, PromptStatus.DELIVERING)

    def waited_for(self, tx: ReadTransaction) -> frozenset[str]:
        """The ids of the sessions for which prompts wait."""
        return frozenset(prompt.session_id for prompt in self._prompts.query(tx, QUEUED_PROMPTS))

    def handed(self, tx: ReadTransaction, session: Session) -> str:
        """What the present attempt is told: its prompts, in order."""
        texts = (p.text for p in self.of(tx, session.id) if p.attempt == session.attempt)
        return "\n\n".join(texts)

    def queue(
        self, tx: Transaction, session: Session, text: str, *, causes: tuple[str, ...], actor: str
    ) -> Prompt:
        """Put a prompt into the outbox. `InvalidInput("prompt")` for what is empty, or no Unicode."""
        if not text.strip():
            raise InvalidInput("prompt", "it is empty")
        if (problem := unstorable(text)) is not None:
            raise InvalidInput("prompt", problem)
        prompt = self._prompts.add(
            tx,
            Prompt(
                id=tx.new_id(),
                workspace_id=session.workspace_id,
                session_id=session.id,
                text=text,
                causes=causes,
                created_at=tx.now(),
            ),
        )
        queued = PromptQueued(
            prompt_id=prompt.id, session_id=session.id, causes=causes, created_at=prompt.created_at
        )
        tx.emit(queued, workspace_id=session.workspace_id, actor=actor)
        return prompt

    def hand_over(self, tx: Transaction, prompts: Iterable[Prompt], *, attempt: int) -> None:
        """Store that these are being handed to this attempt, from the outbox or from an attempt that never
        ran.
        """
        for prompt in prompts:
            self._move(tx, prompt, PromptStatus.DELIVERING, attempt=attempt)

    def settle(self, tx: Transaction, session_id: str, status: PromptStatus) -> None:
        """Store the outcome of all that were being handed over."""
        for prompt in self.delivering(tx, session_id):
            self._move(tx, prompt, status, attempt=prompt.attempt)

    def cancel_queued(self, tx: Transaction, session_id: str, *, actor: str = "headway") -> None:
        """Cancel the prompts that wait: nobody gets them."""
        for prompt in self.queued(tx, session_id):
            self._move(tx, prompt, PromptStatus.CANCELLED, attempt=None, actor=actor)

    def _in_status(self, tx: ReadTransaction, session_id: str, status: PromptStatus) -> tuple[Prompt, ...]:
        return tuple(prompt for prompt in self.of(tx, session_id) if prompt.status is status)

    def _move(
        self,
        tx: Transaction,
        prompt: Prompt,
        status: PromptStatus,
        *,
        attempt: int | None,
        actor: str = "headway",
    ) -> None:
        self._prompts.replace(tx, attrs.evolve(prompt, status=status, attempt=attempt))
        changed = PromptStatusChanged(
            prompt_id=prompt.id,
            session_id=prompt.session_id,
            from_status=prompt.status,
            status=status,
            attempt=attempt,
        )
        tx.emit(changed, workspace_id=prompt.workspace_id, actor=actor)
