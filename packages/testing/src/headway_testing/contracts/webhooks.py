"""What every `WebhookDecoder` does. An adapter's test subclasses `WebhookDecoderContract` and signs."""

import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.ports import Delivery, DeliveryProblem, DeliveryRefused, WebhookDecoder
from headway_testing.contracts.suite import Capability, PortContract
from headway_testing.records import a_project

NUMBER = 7


class WebhookDecoderCapability(Capability):
    """What a forge's deliveries may lack; the rest holds for each."""

    PULL_REQUESTS = enum.auto()
    """A delivery can name the pull request that changed, and not only its repository."""
    MALFORMED = enum.auto()
    """A delivery can be signed rightly and be no delivery: its form has rules."""


@attrs.frozen
class Posted:
    """A delivery as it comes over HTTP."""

    headers: Mapping[str, str]
    body: bytes


class DeliveryStage(ABC):
    """A forge that delivers."""

    @abstractmethod
    def of_pull_request(self, project: Project, number: int, *, guid: str) -> Posted:
        """A signed delivery: something changed in a pull request."""

    @abstractmethod
    def of_nothing(self, *, guid: str) -> Posted:
        """A signed delivery of no interest."""

    @abstractmethod
    def malformed(self) -> Posted:
        """Something that is signed, and is no delivery."""


class WebhookDecoderContract(PortContract):
    """Subclasses define the fixtures `decoder` (a `WebhookDecoder`) and `stage` (a `DeliveryStage`)."""

    port = WebhookDecoder
    capabilities: ClassVar[frozenset[WebhookDecoderCapability]] = frozenset(WebhookDecoderCapability)

    def test_a_delivery_says_where_to_look(self, decoder: WebhookDecoder, stage: DeliveryStage) -> None:
        """Its hints name the repository, as the project has it, and the pull request that changed."""
        project = a_project()
        delivery = decoded(decoder, stage.of_pull_request(project, NUMBER, guid="1"))
        hosts = {hint.host for hint in delivery.hints}
        assert hosts == {project.github_host}
        assert project.repository.casefold() in {hint.repository.casefold() for hint in delivery.hints}
        if WebhookDecoderCapability.PULL_REQUESTS in self.capabilities:
            assert any(NUMBER in hint.numbers for hint in delivery.hints)
        else:
            assert any(hint.all for hint in delivery.hints)

    def test_a_delivery_of_no_interest_hints_at_nothing(
        self, decoder: WebhookDecoder, stage: DeliveryStage
    ) -> None:
        """It is taken, and nobody looks."""
        assert decoded(decoder, stage.of_nothing(guid="1")).hints == ()

    def test_a_repetition_is_known_by_its_id(self, decoder: WebhookDecoder, stage: DeliveryStage) -> None:
        """Delivered again it is the same; another delivery has another id."""
        first = decoded(decoder, stage.of_nothing(guid="1"))
        assert decoded(decoder, stage.of_nothing(guid="1")) == first
        other = decoded(decoder, stage.of_nothing(guid="2"))
        assert (other.hook, other.guid) != (first.hook, first.guid)

    def test_the_body_is_signed(self, decoder: WebhookDecoder, stage: DeliveryStage) -> None:
        """One more byte, and nothing of it is believed; nor without what signs it."""
        posted = stage.of_pull_request(a_project(), NUMBER, guid="1")
        for forged in (Posted(posted.headers, posted.body + b" "), Posted({}, posted.body)):
            assert refused(decoder, forged).reason is DeliveryProblem.SIGNATURE

    def test_names_of_headers_have_any_case(self, decoder: WebhookDecoder, stage: DeliveryStage) -> None:
        """A proxy may write them otherwise."""
        posted = stage.of_pull_request(a_project(), NUMBER, guid="1")
        for write in (str.upper, str.lower):
            headers = {write(name): value for name, value in posted.headers.items()}
            assert decoded(decoder, Posted(headers, posted.body)) == decoded(decoder, posted)

    def test_what_is_no_delivery_is_refused(self, decoder: WebhookDecoder, stage: DeliveryStage) -> None:
        """A right signature makes no delivery of it, and what it says is not repeated."""
        self.needs(WebhookDecoderCapability.MALFORMED)
        posted = stage.malformed()
        answer = refused(decoder, posted)
        assert answer.reason is DeliveryProblem.MALFORMED
        assert posted.body.decode() not in answer.problem


def decoded(decoder: WebhookDecoder, posted: Posted) -> Delivery:
    """What is believed of it."""
    found = decoder.decode(posted.headers, posted.body)
    assert isinstance(found, Delivery), found
    return found


def refused(decoder: WebhookDecoder, posted: Posted) -> DeliveryRefused:
    """Why nothing is."""
    found = decoder.decode(posted.headers, posted.body)
    assert isinstance(found, DeliveryRefused), found
    return found
