"""The fakes of a forge keep the contracts that the real adapters keep, when a test scripts them so."""

import itertools
from collections.abc import Iterator

import attrs
import pytest

from headway_core.kernel.errors import HeadwayError
from headway_core.operations.ports import Issue
from headway_core.projects.model import Project
from headway_core.pull_requests.model import (
    Author,
    Base,
    CheckOutcome,
    GitHubState,
    Head,
    Mergeability,
    MergeQueueEntry,
    Review,
)
from headway_core.pull_requests.ports import (
    ChecksPart,
    ConversationPart,
    Delivery,
    DeliveryProblem,
    DeliveryRefused,
    LookAgain,
    Observation,
    RateLimit,
)
from headway_testing.clock import EPOCH
from headway_testing.contracts.forge import BODY_CHARACTERS, TITLE_CHARACTERS, ForgeReaderContract
from headway_testing.contracts.forge_writer import ForgeWriterContract
from headway_testing.contracts.issues import IssueReaderContract
from headway_testing.contracts.webhooks import DeliveryStage, Posted, WebhookDecoderContract
from headway_testing.conversations import a_comment, a_thread
from headway_testing.fakes import (
    FakeEffects,
    FakeForgeReader,
    FakeForgeWriter,
    FakeIssueReader,
    FakeWebhookDecoder,
)
from headway_testing.observations import a_candidate, a_check, an_observation
from headway_testing.records import a_project

BOB = Author(login="bob", node_id="U_bob", association="MEMBER", can_push=True)
NOTHING = ConversationPart(reviews=(), threads=())


@attrs.define
class ScriptedStage:
    """Tells the fakes what a forge would show after each thing that somebody does."""

    forge: FakeForgeReader = attrs.field(factory=FakeForgeReader)
    effects: FakeEffects = attrs.field(factory=lambda: FakeEffects(branches=set(), threads=set()))
    issues: FakeIssueReader = attrs.field(factory=FakeIssueReader)
    project: Project = attrs.field(factory=a_project)
    reviewer: str = "bob"
    tips: dict[str, str] = attrs.field(factory=dict)
    numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def __attrs_post_init__(self) -> None:
        self.forge.repositories = {self.project.repository}
        self.forge.told_limits = (
            RateLimit(resource="graphql", limit=5000, remaining=4999, resets_at=EPOCH, cost=1, told_at=EPOCH),
        )

    def seen(self, node_id: str) -> Observation:
        found = self.forge.observations[node_id]
        assert isinstance(found, Observation)
        return found

    def show(self, found: Observation) -> None:
        """The forge shows this from now on, and its branch while it is open."""
        state = found.state
        self.forge.observations[state.node_id] = found
        is_open = state.state is GitHubState.OPEN
        candidate = a_candidate(
            state.number,
            node_id=state.node_id,
            head_repository=self.project.repository,
            head_commit=state.head.commit,
        )
        self.forge.candidates[state.head.ref] = (candidate,) if is_open else ()

    def show_state(self, node_id: str, state: GitHubState) -> None:
        found = self.seen(node_id)
        self.show(attrs.evolve(found, state=attrs.evolve(found.state, state=state)))

    def conversation(self, node_id: str) -> ConversationPart:
        part = self.seen(node_id).conversation
        assert part is not None
        return part

    async def push(self, branch: str) -> str:
        commit = self.tips[branch] = f"{next(self.numbers):040}"
        assert self.effects.branches is not None
        self.effects.branches.add(branch)
        for found in list(self.forge.observations.values()):
            if isinstance(found, Observation) and found.state.head.ref == branch:
                head = attrs.evolve(found.state.head, commit=commit, tip=commit)
                checks = ChecksPart(commit=commit, checks=(), required=())
                self.show(attrs.evolve(found, state=attrs.evolve(found.state, head=head), checks=checks))
        return commit

    async def open_pull_request(
        self, branch: str, *, title: str = "Fix login", draft: bool = False
    ) -> tuple[str, int]:
        number, commit = next(self.numbers), self.tips[branch]
        self.show(
            an_observation(
                f"PR_{number}",
                number=number,
                url=f"https://github.com/octo/demo/pull/{number}",
                title=title[:TITLE_CHARACTERS],
                draft=draft,
                head=Head(ref=branch, commit=commit, repository=self.project.repository, tip=commit),
                base=Base(ref="main", commit="b" * 40),
                checks=ChecksPart(commit=commit, checks=(), required=()),
                conversation=NOTHING,
            )
        )
        self.forge.numbers[number] = f"PR_{number}"
        return f"PR_{number}", number

    async def close(self, node_id: str) -> None:
        self.effects.closed.add(node_id)
        if node_id in self.forge.observations:
            self.show_state(node_id, GitHubState.CLOSED)

    async def reopen(self, node_id: str) -> None:
        self.show_state(node_id, GitHubState.OPEN)

    async def merge(self, node_id: str) -> None:
        self.show_state(node_id, GitHubState.MERGED)

    async def report_check(self, commit: str, name: str, outcome: CheckOutcome) -> None:
        run = a_check(name, outcome, run_id=str(next(self.numbers)))
        for found in list(self.forge.observations.values()):
            if isinstance(found, Observation) and found.checks and found.checks.commit == commit:
                others = tuple(each for each in found.checks.checks if each.name != name)
                self.show(attrs.evolve(found, checks=attrs.evolve(found.checks, checks=(*others, run))))

    async def review(self, node_id: str, *, approves: bool, body: str) -> None:
        state = "APPROVED" if approves else "CHANGES_REQUESTED"
        review = Review(id=f"R_{state}", author=BOB, state=state, body=body, submitted_at=EPOCH)
        part = self.conversation(node_id)
        told = attrs.evolve(part, reviews=(*part.reviews, review))
        self.show(attrs.evolve(self.seen(node_id), conversation=told))

    async def start_thread(self, node_id: str, body: str) -> str:
        thread = a_thread(a_comment(BOB, body[:BODY_CHARACTERS]), thread_id=f"T_{next(self.numbers)}")
        part = self.conversation(node_id)
        told = attrs.evolve(part, threads=(*part.threads, thread))
        self.show(attrs.evolve(self.seen(node_id), conversation=told))
        assert self.effects.threads is not None
        self.effects.threads.add(thread.id)
        return thread.id

    async def resolve_thread(self, thread_id: str) -> None:
        for found in list(self.forge.observations.values()):
            if isinstance(found, Observation) and found.conversation:
                left = tuple(each for each in found.conversation.threads if each.id != thread_id)
                told = attrs.evolve(found.conversation, threads=left)
                self.show(attrs.evolve(found, conversation=told))

    async def move_base_into_conflict(self, node_id: str) -> None:
        self.show(attrs.evolve(self.seen(node_id), mergeability=Mergeability.CONFLICT))

    async def enqueue(self, node_id: str) -> None:
        found = self.seen(node_id)
        entry = MergeQueueEntry(state="QUEUED", position=1)
        self.show(attrs.evolve(found, state=attrs.evolve(found.state, merge_queue=entry)))

    async def open_issue(self, title: str, body: str, *, trusted: bool) -> int:
        number = next(self.numbers)
        issue: Issue | HeadwayError = Issue(
            number=number,
            url=f"https://github.com/octo/demo/issues/{number}",
            title=title,
            body=body,
            author="bob" if trusted else "sam",
            trusted=trusted,
        )
        self.issues.issues[number] = issue
        return number


@pytest.fixture
def stage() -> ScriptedStage:
    return ScriptedStage()


class TestFakePullRequests(ForgeReaderContract):
    """The contract, on a script."""

    @pytest.fixture
    def forge(self, stage: ScriptedStage) -> FakeForgeReader:
        return stage.forge


class TestFakeForgeWriter(ForgeWriterContract):
    """The contract, on a list of effects."""

    @pytest.fixture
    def writer(self, stage: ScriptedStage) -> FakeForgeWriter:
        return FakeForgeWriter(stage.effects)


@attrs.frozen
class ScriptedDeliveries(DeliveryStage):
    """Tells the fake what is signed."""

    decoder: FakeWebhookDecoder

    def _posted(self, guid: str, answer: Delivery | DeliveryRefused) -> Posted:
        self.decoder.deliveries[guid.encode()] = answer
        return Posted({"X-Signature": "right"}, guid.encode())

    def of_pull_request(self, project: Project, number: int, *, guid: str) -> Posted:
        hint = LookAgain(host=project.github_host, repository=project.repository, numbers=(number,))
        return self._posted(guid, Delivery(hook="1", guid=guid, event="push", hints=(hint,)))

    def of_nothing(self, *, guid: str) -> Posted:
        return self._posted(guid, Delivery(hook="1", guid=guid, event="ping", hints=()))

    def malformed(self) -> Posted:
        refusal = DeliveryRefused(reason=DeliveryProblem.MALFORMED, problem="it is no delivery")
        return self._posted("nonsense", refusal)


class TestFakeWebhookDecoder(WebhookDecoderContract):
    """The contract, on a script."""

    @pytest.fixture
    def decoder(self) -> FakeWebhookDecoder:
        return FakeWebhookDecoder()

    @pytest.fixture
    def stage(self, decoder: FakeWebhookDecoder) -> ScriptedDeliveries:
        return ScriptedDeliveries(decoder)


class TestFakeIssueReader(IssueReaderContract):
    """The contract, on a script."""

    @pytest.fixture
    def issues(self, stage: ScriptedStage) -> FakeIssueReader:
        return stage.issues
