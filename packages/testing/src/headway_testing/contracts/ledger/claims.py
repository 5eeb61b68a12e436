"""The contract of the ledger: claims."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import cast

import anyio
import attrs
import pytest

from headway_core.kernel.claims import Claim
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_testing.clock import ManualClock
from headway_testing.contracts.ledger.case import CALLERS, ROOM, Case, LedgerCase
from headway_testing.contracts.ledger.samples import Colour, Painted, Room

LEASE_S = 60.0


class Desk:
    """One who takes claims of a kind, each call a transaction of its own."""

    def __init__(self, case: Case, holder: str, kind: str = "sample") -> None:
        self._case = case
        self._claims = case.store.claims(kind)
        self._holder = holder

    async def acquire(self, *keys: str, lease_s: float = LEASE_S) -> Mapping[str, Claim]:
        lease = timedelta(seconds=lease_s)
        return await self._case.transact(
            lambda tx: self._claims.acquire(tx, keys, holder=self._holder, lease=lease)
        )

    async def take(self, key: str) -> Claim:
        """One that must be free."""
        return (await self.acquire(key))[key]

    async def renew(self, *claims: Claim) -> Mapping[str, Claim]:
        lease = timedelta(seconds=LEASE_S)
        return await self._case.transact(lambda tx: self._claims.renew(tx, claims, lease=lease))

    async def fence(self, claim: Claim) -> bool:
        return await self._case.transact(lambda tx: self._claims.fence(tx, claim))

    async def release(self, *claims: Claim) -> None:
        await self._case.transact(lambda tx: self._claims.release(tx, claims))

    async def release_all(self, holder: str) -> int:
        return await self._case.transact(lambda tx: self._claims.release_all(tx, holder))

    async def held(self, *keys: str) -> Mapping[str, Claim]:
        return await self._case.read(lambda tx: self._claims.held(tx, keys))


class ClaimsContract(LedgerCase):
    """Taking, holding, losing, giving back."""

    @pytest.fixture
    def ann(self, case: Case) -> Desk:
        return Desk(case, "ann")

    @pytest.fixture
    def bob(self, case: Case) -> Desk:
        return Desk(case, "bob")

    async def test_acquired(self, ann: Desk, bob: Desk, clock: ManualClock) -> None:
        """Of a batch, a caller gets what is free, with token, holder and expiry; the rest is left out."""
        until = clock.now() + timedelta(seconds=LEASE_S)
        mine = Claim(kind="sample", key="b", holder="bob", token=1, expires_at=until)
        assert await bob.acquire("b") == {"b": mine}
        assert set(await ann.acquire("c", "a", "b", "a")) == {"a", "c"}
        assert await bob.held("b", "unknown") == {"b": mine}
        assert {key: claim.holder for key, claim in (await bob.held("a", "b", "c")).items()} == {
            "a": "ann",
            "b": "bob",
            "c": "ann",
        }

    async def test_not_re_entrant(self, ann: Desk) -> None:
        """A key that is held is refused to its holder too: two tasks of one process are two callers."""
        await ann.take("a")
        assert await ann.acquire("a") == {}

    async def test_expired(self, ann: Desk, bob: Desk, clock: ManualClock) -> None:
        """A claim is free at the moment of its expiry and not before, and its token has grown then."""
        first = await ann.take("a")
        clock.advance(LEASE_S - 0.001)
        assert await bob.acquire("a") == {}
        clock.advance(0.001)
        assert await bob.held("a") == {}
        second = await bob.take("a")
        assert (second.token, second.holder) == (first.token + 1, "bob")

    async def test_tokens_only_grow(self, ann: Desk, bob: Desk, clock: ManualClock) -> None:
        """No token of a key comes twice, whether claims are given back, expire or are taken in turn."""
        tokens: list[int] = []
        for desk in (ann, bob, ann, bob):
            claim = await desk.take("a")
            tokens.append(claim.token)
            if len(tokens) % 2:
                await desk.release(claim)
            else:
                clock.advance(LEASE_S)
        assert tokens == sorted(set(tokens))

    async def test_renewed(self, ann: Desk, bob: Desk, clock: ManualClock) -> None:
        """A claim that is renewed lasts a lease from then, under the same token."""
        claim = await ann.take("a")
        clock.advance(LEASE_S / 2)
        renewed = attrs.evolve(claim, expires_at=clock.now() + timedelta(seconds=LEASE_S))
        assert await ann.renew(claim) == {"a": renewed}
        clock.advance(LEASE_S * 3 / 4)
        assert await bob.acquire("a") == {}
        assert await ann.held("a") == {"a": renewed}

    @pytest.mark.parametrize("lost", ["expired", "taken", "released"])
    async def test_not_renewed(self, ann: Desk, bob: Desk, clock: ManualClock, lost: str) -> None:
        """What expired, was given back or is another's by now is not renewed; the rest of the batch is."""
        claim = await ann.take("a")
        if lost == "released":
            await ann.release(claim)
        else:
            clock.advance(LEASE_S)
        if lost == "taken":
            await bob.take("a")
        kept = await ann.take("b")
        assert set(await ann.renew(kept, claim)) == {"b"}

    async def test_fenced(self, ann: Desk, bob: Desk, clock: ManualClock) -> None:
        """A late holder is fenced off from the moment that somebody took the key, and for ever."""
        claim = await ann.take("a")
        assert await ann.fence(claim)
        clock.advance(LEASE_S * 2)
        assert await ann.fence(claim)  # late, but nobody wanted it
        newer = await bob.take("a")
        assert not await ann.fence(claim)
        assert await bob.fence(newer)
        await bob.release(newer)
        assert not await ann.fence(claim)
        assert not await bob.fence(newer)

    async def test_released(self, ann: Desk, bob: Desk) -> None:
        """What is given back is free at once; giving back late takes nothing from its new holder."""
        claim = await ann.take("a")
        await ann.release(claim)
        assert await ann.held("a") == {}
        newer = await bob.take("a")
        await ann.release(claim, claim)
        assert await ann.held("a") == {"a": newer}

    async def test_dead_holder(self, ann: Desk, bob: Desk, clock: ManualClock) -> None:
        """A successor gives back what its dead predecessor held, of its kind and in its name alone."""
        claim = await ann.take("a")
        others = await ann.acquire("b", "d")
        await bob.take("c")
        clock.advance(LEASE_S / 2)
        assert await bob.release_all("ann") == len([claim, *others])
        assert await bob.release_all("ann") == 0
        assert set(await bob.acquire("a", "b", "c", "d")) == {"a", "b", "d"}
        assert not await ann.fence(claim)

    async def test_kinds(self, case: Case, ann: Desk) -> None:
        """The keys of one kind are not those of another."""
        other = Desk(case, "bob", kind="another")
        claim, theirs = await ann.take("a"), await other.take("a")
        assert await other.release_all("ann") == 0
        assert await ann.held("a") == {"a": claim}
        await other.release(theirs)
        assert await ann.fence(claim)

    async def test_one_of_many(self, case: Case) -> None:
        """Of callers at the same time, each key goes to exactly one, and nobody waits for ever."""
        keys = [f"k{number}" for number in range(5)]
        taken: list[str] = []

        async def want(number: int) -> None:
            turned = keys[number % 5 :] + keys[: number % 5]
            taken.extend(await Desk(case, f"caller-{number}").acquire(*turned))

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for number in range(CALLERS):
                    group.start_soon(want, number)
        assert sorted(taken) == keys

    async def test_no_late_outcome_after_a_newer_claim(
        self, case: Case, ann: Desk, clock: ManualClock
    ) -> None:
        """Late holders that fence and somebody who takes over, at once: once taken over, nothing late is
        stored. A fence that only looked would let a transaction that began before store it afterwards.
        """
        claims = case.store.claims("sample")
        late = {key: await ann.take(key) for key in ("k1", "k2", "k3")}
        clock.advance(LEASE_S)

        def outcome(tx: Transaction, key: str) -> None:
            if claims.fence(tx, late[key]):
                tx.emit(Painted(item_id=key, colour=Colour.RED), actor="late")

        def take_over(tx: Transaction, key: str) -> None:
            if claims.acquire(tx, [key], holder="bob", lease=timedelta(seconds=LEASE_S)):
                tx.emit(Painted(item_id=key, colour=Colour.RED), actor="newer")

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for key in late:
                    for number in range(CALLERS):
                        work = take_over if number == CALLERS // 2 else outcome
                        group.start_soon(case.transact, partial(work, key=key))
        log = await case.log(limit=1000)
        for key in late:
            told = [e.actor for e in log if isinstance(e.payload, Painted) and e.payload.item_id == key]
            assert told[-1] == "newer"
            assert told.count("newer") == 1

    async def test_rolled_back(self, case: Case, ann: Desk, bob: Desk) -> None:
        """What a failed unit of work took, renewed or gave back is as it was before."""
        before = await ann.take("a")
        claims = case.store.claims("sample")

        def work(tx: Transaction) -> None:
            claims.release(tx, [before])
            claims.acquire(tx, ["a", "b"], holder="bob", lease=timedelta(seconds=LEASE_S))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await case.transact(work)
        assert await ann.held("a", "b") == {"a": before}
        assert set(await bob.acquire("a", "b")) == {"b"}

    async def test_fence_guards_an_outcome(
        self, case: Case, ann: Desk, bob: Desk, clock: ManualClock
    ) -> None:
        """In the transaction of an outcome the fence decides whether it is stored."""
        claims = case.store.claims("sample")
        stale = await ann.take("a")
        clock.advance(LEASE_S)
        fresh = await bob.take("a")

        def outcome(tx: Transaction, claim: Claim) -> bool:
            if not claims.fence(tx, claim):
                return False
            case.rooms.add(tx, Room(id=ROOM, name=claim.holder))
            claims.release(tx, [claim])
            return True

        assert not await case.transact(lambda tx: outcome(tx, stale))
        assert await case.transact(lambda tx: outcome(tx, fresh))
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) == Room(id=ROOM, name="bob")

    async def test_wrong_use(self, case: Case, ann: Desk) -> None:
        """A lease of no length is refused and dooms; a view can't take; what is over is over."""
        claims = case.store.claims("sample")

        def work(tx: Transaction) -> None:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            with pytest.raises(ValueError, match="lease"):
                claims.acquire(tx, ["a"], holder="ann", lease=timedelta(0))

        with pytest.raises(ValueError, match="lease"):
            await case.transact(work)
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) is None

        def view(tx: ReadTransaction) -> None:
            claims.acquire(cast("Transaction", tx), ["a"], holder="ann", lease=timedelta(seconds=1))

        with pytest.raises(TypeError):
            await case.read(view)
        kept: list[Transaction] = []
        await case.transact(kept.append)
        with pytest.raises(RuntimeError, match="over"):
            claims.held(kept[-1], ["a"])
        assert await ann.held("a") == {}
