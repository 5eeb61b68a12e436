"""What the checks of a head say together: which of them count, and what is missing among them. Pure."""

from collections.abc import Iterable, Sequence

import attrs

from headway_core.pull_requests.check_records import ExpectedCheck, PinnedCheck
from headway_core.pull_requests.check_rows import CANCELLED, SUITE
from headway_core.pull_requests.model import (
    Check,
    CheckOutcome,
    CIStatus,
    PullRequestSnapshot,
)
from headway_core.settings.model import CIScope


def plain_name(name: str) -> str:
    """A name of a check as it is compared: without case."""
    return name.strip().casefold()


def counted(
    checks: Sequence[Check],
    scope: CIScope,
    required: Sequence[str] | None = None,
    pinned: Sequence[PinnedCheck] = (),
) -> tuple[Check, ...]:
    """The checks that count: all of them, or those that the base requires.

    Required are the checks that say so and those with a name in `required`, of the app in `pinned` where
    there is one; while one of these is absent also the runs of workflows without check runs, which may be
    why. Where nothing is required, all count.
    """
    if scope is CIScope.ALL:
        return tuple(checks)
    names = required or ()
    misses = bool(absent(checks, names, pinned))
    chosen = tuple(
        check
        for check in checks
        if check.required or is_required(check, names, pinned) or (misses and is_suite(check))
    )
    return chosen if chosen or names else tuple(checks)


def is_suite(check: Check) -> bool:
    """Whether it is a run of a workflow without check runs."""
    return check.identity.startswith(SUITE)


def is_required(check: Check, required: Iterable[str], pinned: Iterable[PinnedCheck]) -> bool:
    """Whether the base requires a check: by its name, and by its app where the rule names one."""
    name = plain_name(check.name)
    if all(plain_name(context) != name for context in required):
        return False
    apps = {pin.app for pin in pinned if plain_name(pin.context) == name}
    return not apps or check.app in apps


def absent(
    checks: Iterable[Check], required: Iterable[str], pinned: Iterable[PinnedCheck] = ()
) -> tuple[str, ...]:
    """The required contexts that have not reported, or not by each app that has to."""
    checks = tuple(checks)
    present = {plain_name(check.name) for check in checks}
    reported = {(plain_name(check.name), check.app) for check in checks}
    missed = {plain_name(pin.context) for pin in pinned if (plain_name(pin.context), pin.app) not in reported}
    return tuple(
        context for context in required if plain_name(context) not in present or plain_name(context) in missed
    )


def ci_status(
    checks: Iterable[Check],
    *,
    complete: bool = True,
    quiet_passed: bool = True,
    required: Iterable[str] | None = None,
    pinned: Iterable[PinnedCheck] = (),
) -> CIStatus:
    """What the counted checks say together, first match.

    `complete`: the list is whole and of the head. `quiet_passed`: the head's quiet time passed with a
    complete view, so that no checks at all means that there are none. `required`: the contexts that
    must be present, by the app in `pinned` where there is one; names are compared without case.
    """
    checks = tuple(checks)
    missed = absent(checks, required or (), pinned)
    return CountedChecks(checks=checks, absent=missed, complete=complete, quiet_passed=quiet_passed).status


@attrs.frozen(kw_only=True)
class CountedChecks:
    """The checks that count, and what is known to be missing among them."""

    checks: tuple[Check, ...]
    absent: tuple[str, ...]
    """The required contexts that have not reported."""
    lacking: tuple[ExpectedCheck, ...] = ()
    """Those that the head before had, and that are not among them."""
    complete: bool
    """The list is whole and of the head."""
    quiet_passed: bool

    @property
    def status(self) -> CIStatus:
        """The first that holds."""
        if self.failed:
            return CIStatus.FAILURE
        if self.are_pending or self.wait_for_person or self.absent:
            return CIStatus.PENDING
        if not self.complete or self.lacking or self._any(CheckOutcome.UNKNOWN):
            return CIStatus.UNKNOWN
        return CIStatus.SUCCESS if self.checks or self.quiet_passed else CIStatus.UNKNOWN

    @property
    def failed(self) -> tuple[Check, ...]:
        """Those that failed, or were cancelled."""
        return tuple(check for check in self.checks if check.outcome is CheckOutcome.FAILED)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of those that must be there and are not: outside text."""
        return (*self.absent, *(each.name for each in self.lacking))

    def named(self, outcome: CheckOutcome) -> tuple[str, ...]:
        """The names of those that count so: outside text."""
        return tuple(check.name for check in self.checks if check.outcome is outcome)

    @property
    def are_cancelled_alone(self) -> bool:
        """Whether all that failed was cancelled: no commit mends that."""
        return bool(self.failed) and not mendable(self.failed)

    @property
    def are_pending(self) -> bool:
        """Whether one is queued or runs, also while another one has failed already (R2)."""
        return self._any(CheckOutcome.PENDING)

    @property
    def are_awaited(self) -> bool:
        """Whether one is still to report, by itself: what runs, and what is missing."""
        return self.are_pending or bool(self.absent or self.lacking)

    @property
    def wait_for_person(self) -> bool:
        """Whether a person has to release one."""
        return self._any(CheckOutcome.WAITS_FOR_PERSON)

    def _any(self, outcome: CheckOutcome) -> bool:
        return bool(self.named(outcome))


def mendable(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The failed checks that a commit may mend: not those that were cancelled."""
    return tuple(
        check for check in checks if check.outcome is CheckOutcome.FAILED and check.word != CANCELLED
    )


def counted_of(snapshot: PullRequestSnapshot, scope: CIScope) -> CountedChecks:
    """The counted checks of what is stored. Checks of another commit than the head say nothing."""
    facts = snapshot.facts
    if facts is None or not facts.checks_complete:
        return CountedChecks(checks=(), absent=(), complete=False, quiet_passed=False)
    checks = counted(facts.checks, scope, facts.required, facts.pinned)
    return CountedChecks(
        checks=checks,
        absent=absent(checks, facts.required or (), facts.pinned),
        lacking=_counted_of_expected(lacking(snapshot), scope, facts.required),
        complete=scope is CIScope.ALL or facts.required is not None,
        quiet_passed=snapshot.quiet_passed,
    )


def lacking(snapshot: PullRequestSnapshot) -> tuple[ExpectedCheck, ...]:
    """The checks that the head before had and this one has not; none while its list was not read whole."""
    facts = snapshot.facts
    if facts is None or not facts.checks_complete:
        return ()
    present = {check.identity for check in facts.checks}
    return tuple(each for each in snapshot.expected if each.identity not in present)


def _counted_of_expected(
    expected: tuple[ExpectedCheck, ...], scope: CIScope, required: Sequence[str] | None
) -> tuple[ExpectedCheck, ...]:
    """Those of them that would count: where some are required, what is missing of these is absent."""
    return () if scope is CIScope.REQUIRED and required else expected


def ci_of(snapshot: PullRequestSnapshot, scope: CIScope) -> CIStatus:
    """The CI status of what is stored."""
    return counted_of(snapshot, scope).status


def no_checks(snapshot: PullRequestSnapshot) -> bool:
    """Whether nothing checks this head: it is green for want of checks, which people are told."""
    facts = snapshot.facts
    return facts is not None and facts.checks_complete and not facts.checks and snapshot.quiet_passed
