-- The state of a stream at one of its versions, so that loading it need not read all of its events. Nothing depends on
-- it: what is here can be thrown away at any time. `format` names the code that wrote the state; other code ignores it.
set local role ledger_owner;

create table journal.snapshot (
    stream    text   primary key,
    version   bigint not null check (version > 0),
    head_hash bytea  not null check (length(head_hash) = 32),
    format    text   not null,
    state     bytea  not null
);
grant select, insert, update, delete on journal.snapshot to ledger_writer;
grant select on journal.snapshot to ledger_relay, ledger_projector, ledger_reader;
