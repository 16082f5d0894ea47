-- Who relays to Kafka just now. The lease makes a second relay wait; it does not make it safe: that is Kafka's fencing.
set local role ledger_owner;

create table journal.relay_lease (
    only_one   boolean primary key default true check (only_one),
    holder     text        not null,
    renewed_at timestamptz not null
);

grant select on journal.relay_lease to ledger_writer, ledger_projector, ledger_reader;
grant select, insert, update, delete on journal.relay_lease to ledger_relay;
