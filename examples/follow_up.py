"""An operation whose result says what came of it: a follow-up prompt for the agent of a workspace."""

from typing import assert_never

import headway


async def follow_up(hw: headway.Headway, workspace_id: str, prompt: str) -> str:
    """Give an agent a follow-up prompt, and tell what came of asking."""
    match await hw.sessions.start_chat(workspace_id, prompt):
        case headway.Session(id=session_id):
            return f"session {session_id} starts as soon as the runner takes it"
        case headway.LimitReached(limit=limit):
            return f"the workspace has {limit} live sessions already: stop one of them first"
        case other:
            assert_never(other)
