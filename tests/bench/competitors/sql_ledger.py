"""What a plain SQL ledger does: the same double entry as one PL/pgSQL call per payment, and no event.

The other side of every payment is the cash account, whose row is locked until the commit is on disk.
"""

import secrets
from collections.abc import Sequence
from functools import partial

import psycopg

from tests.bench.competitors.competitor import Turns
from tests.bench.orders import LENT_MINOR, PAID_MINOR, fresh_names
from tests.bench.rounds import Work

_TABLES = """
create table if not exists account (id text primary key, balance_minor bigint not null);
create table if not exists entry (
    id           bigint generated always as identity primary key,
    transfer     bytea  not null,
    account      text   not null references account,
    amount_minor bigint not null,
    entered_at   timestamptz not null default clock_timestamp()
);
create table if not exists request (key bytea primary key, hash bytea not null);
insert into account values ('cash', 0) on conflict do nothing;

create or replace function pay(loan text, paid_minor bigint, request_key bytea, request_hash bytea) returns boolean
language plpgsql as $$
begin
    insert into request values (request_key, request_hash) on conflict do nothing;
    if not found then
        return false;
    end if;
    perform from account a where a.id in ('cash', loan) order by a.id for update;
    insert into entry (transfer, account, amount_minor)
    values (request_key, 'cash', paid_minor), (request_key, loan, -paid_minor);
    update account a
       set balance_minor = a.balance_minor + case when a.id = 'cash' then paid_minor else -paid_minor end
     where a.id in ('cash', loan);
    return true;
end
$$;
"""


class SqlLedger:
    """One call and one commit per payment, one connection per caller."""

    name = "SQL ledger"

    def __init__(self, url: str, connections: int) -> None:
        self._connections = [psycopg.connect(url, autocommit=True) for _ in range(connections)]
        self._connections[0].execute(_TABLES)
        self._turns = Turns([])

    def prepare(self, commands: int) -> None:
        names = fresh_names(commands)
        self._connections[0].execute("insert into account select unnest(%s::text[]), %s", (names, LENT_MINOR))
        self._turns = Turns(names)

    def callers(self, number: int) -> Sequence[Work]:
        return [partial(self._pay, each.cursor(binary=True)) for each in self._connections[:number]]

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _pay(self, cursor: "psycopg.Cursor[tuple[object, ...]]") -> None:
        arguments = (self._turns.next(), PAID_MINOR, secrets.token_bytes(32), secrets.token_bytes(32))
        cursor.execute(b"select pay(%b, %b::bigint, %b, %b)", arguments, prepare=True)
