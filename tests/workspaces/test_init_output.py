"""The output of provisioning: atomic appends, whole lines, the last 64 KiB."""

from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.workspaces import OUTPUT_LIMIT, InitOutput, InitOutputLine, WorkspaceStatus
from headway_core.workspaces.output import fitting, joined, size, surplus
from headway_testing.clock import EPOCH

PATH = "/wt/1"


@pytest.mark.anyio
@pytest.mark.lesson("L12")
async def test_appends_at_the_same_time_lose_nothing(room: Any) -> None:
    """Each chunk is a row of its own, and no row of the workspace is touched."""
    made = await room.put(WorkspaceStatus.PROVISIONING)
    position = await room.position()

    async def append(number: int) -> None:
        await room.do(room.output.append, made.id, f"line {number}\n")

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(append, number)
    output = await room.service.init_output(made.id)
    assert sorted(output.text.splitlines()) == sorted(f"line {n}" for n in range(20))
    assert not output.cut
    assert await room.get(made.id) == made
    assert await room.told(position) == []


@pytest.mark.anyio
@pytest.mark.lesson("L12")
async def test_the_end_is_kept_and_the_cut_is_told(room: Any) -> None:
    """Past the limit the front goes, in whole lines, in the table as well as in the view."""
    made = await room.put(WorkspaceStatus.PROVISIONING)
    for number in range(40):
        await room.do(room.output.append, made.id, f"{number:02} {'x' * 4000}\n")
    output = await room.service.init_output(made.id)
    assert output.cut
    assert size(output.text) <= OUTPUT_LIMIT
    assert output.text.startswith("24 ")
    assert output.text.endswith("x\n")
    kept = await room.store.ledger.read(lambda tx: room.output._chunks(tx, made))
    assert sum(size(chunk.text) for chunk in kept) < OUTPUT_LIMIT + 4004


@pytest.mark.anyio
async def test_one_chunk_larger_than_the_limit_is_cut_too(room: Any) -> None:
    """The mark does not depend on how the text was divided."""
    made = await room.put(WorkspaceStatus.PROVISIONING)
    await room.do(room.output.append, made.id, f"first\n{'x' * OUTPUT_LIMIT}\nlast\n")
    assert await room.service.init_output(made.id) == InitOutput(text="last\n", cut=True)


@pytest.mark.anyio
@pytest.mark.lesson("L13")
async def test_a_retry_starts_a_new_output(room: Any) -> None:
    """The view is of the present run."""
    made = await room.put(WorkspaceStatus.FAILED, worktree_path=PATH)
    await room.do(room.output.append, made.id, "old\n")
    await room.do(room.steps.retry, made.id)
    assert await room.service.init_output(made.id) == InitOutput(text="", cut=False)
    await room.do(room.output.append, made.id, "new\n")
    assert (await room.service.init_output(made.id)).text == "new\n"


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_what_is_stored_is_text_that_every_database_takes(text: str) -> None:
    """No NUL, no lone surrogate, whatever a script prints."""
    kept, _ = fitting(text)
    assert "\0" not in kept
    kept.encode()


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b\n", "ü", "line\n"]), st.integers(0, 20_000)), max_size=9)
)
def test_what_is_dropped_was_not_needed(parts: list[tuple[str, int]]) -> None:
    """Only the front goes, and only while the rest still fills the limit."""
    chunks = [
        InitOutputLine(
            workspace_id="w", attempt="00", sequence=f"{n:08d}", text=fitting(text * times)[0], at=EPOCH
        )
        for n, (text, times) in enumerate(parts)
    ]
    gone = surplus(chunks)
    kept = chunks[len(gone) :]
    assert chunks[: len(gone)] == gone
    assert not gone or sum(size(c.text) for c in kept) >= OUTPUT_LIMIT
    whole = "".join(chunk.text for chunk in chunks)
    assert whole.endswith(joined(kept).text)
    assert joined(kept).cut or joined(kept).text == whole
