"""Claims in SQL: one statement takes a key or finds it held, and the row's lock lasts to the commit."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import MetaData, bindparam, select, update

from headway_core.kernel.claims import CLAIMS, RELEASED, Claim, Claims, expiry
from headway_core.kernel.scope import port_of
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_sql.database import Database
from headway_sql.errors import translating
from headway_sql.rows import Rows, time_text
from headway_sql.transactions import connection_of, sql_transaction

_RELEASED = time_text(RELEASED)


class SqlClaims(Claims):
    """The claims of one kind in the table of all."""

    def __init__(self, kind: str, metadata: MetaData, database: Database) -> None:
        super().__init__(kind)
        self._rows = Rows(CLAIMS)
        table = metadata.tables[CLAIMS.name]
        columns = [table.c[column.name] for column in CLAIMS.columns()]
        here = table.c.kind == kind
        insert = database.insert(table)
        self._acquire = insert.on_conflict_do_update(
            index_elements=list(CLAIMS.key),
            set_={
                "holder": insert.excluded.holder,
                "token": table.c.token + 1,
                "expires_at": insert.excluded.expires_at,
            },
            where=table.c.expires_at <= bindparam("now"),
        ).returning(*columns)
        current = (
            here,
            table.c.key == bindparam("claimed"),
            table.c.token == bindparam("with_token"),
            table.c.expires_at > _RELEASED,
        )
        self._renew = (
            update(table)
            .where(*current, table.c.expires_at > bindparam("now"))
            .values(expires_at=bindparam("until"))
            .returning(*columns)
        )
        # An update, not a look: a look would let somebody take the key before this transaction ends.
        self._fence = update(table).where(*current).values(token=table.c.token).returning(table.c.token)
        self._release = update(table).where(*current).values(expires_at=_RELEASED)
        self._release_all = (
            update(table)
            .where(here, table.c.holder == bindparam("held_by"), table.c.expires_at > _RELEASED)
            .values(expires_at=_RELEASED)
            .returning(table.c.key)
        )
        self._held = (
            select(*columns)
            .where(here, table.c.key.in_(bindparam("keys", expanding=True)))
            .where(table.c.expires_at > bindparam("now"))
            .order_by(table.c.key)
        )

    def acquire(
        self, tx: Transaction, keys: Iterable[str], *, holder: str, lease: timedelta
    ) -> Mapping[str, Claim]:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            taken: dict[str, Claim] = {}
            now, until = time_text(scope.now()), expiry(scope, lease)
            for key in sorted(set(keys)):  # one order for all, so that two batches never wait for each other
                wanted = Claim(kind=self.kind, key=key, holder=holder, token=1, expires_at=until)
                row = scope.connection.execute(
                    self._acquire, {**self._rows.encode(wanted), "now": now}
                ).first()
                if row is not None:
                    taken[key] = self._rows.decode(row)
            return taken

    def renew(self, tx: Transaction, claims: Iterable[Claim], *, lease: timedelta) -> Mapping[str, Claim]:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            kept: dict[str, Claim] = {}
            times = {"now": time_text(scope.now()), "until": time_text(expiry(scope, lease))}
            for claim in _in_order(claims):
                row = scope.connection.execute(self._renew, {**_named(claim), **times}).first()
                if row is not None:
                    kept[claim.key] = self._rows.decode(row)
            return kept

    def fence(self, tx: Transaction, claim: Claim) -> bool:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            return scope.connection.execute(self._fence, _named(claim)).first() is not None

    def release(self, tx: Transaction, claims: Iterable[Claim]) -> None:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            for claim in _in_order(claims):
                scope.connection.execute(self._release, _named(claim))

    def release_all(self, tx: Transaction, holder: str) -> int:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            return len(scope.connection.execute(self._release_all, {"held_by": holder}).all())

    def held(self, tx: ReadTransaction, keys: Iterable[str]) -> Mapping[str, Claim]:
        with port_of(tx), translating():
            wanted = {"keys": sorted(set(keys)), "now": time_text(tx.now())}
            found = [self._rows.decode(row) for row in connection_of(tx).execute(self._held, wanted)]
            return {claim.key: claim for claim in found}


def _in_order(claims: Iterable[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: claim.key)


def _named(claim: Claim) -> dict[str, object]:
    return {"claimed": claim.key, "with_token": claim.token}
