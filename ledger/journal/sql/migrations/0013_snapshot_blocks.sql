-- What a snapshot carries along and hardly anybody looks at: blocks of a stream's earlier facts, counted from 0. A block
-- never changes, so each is written once, and read only when it is needed. As for snapshots: all of it can be thrown
-- away at any time, and `format` names the code that wrote it.
set local role ledger_owner;

create table journal.snapshot_block (
    stream text  not null,
    nth    int   not null check (nth >= 0),
    format text  not null,
    bytes  bytea not null,
    primary key (stream, nth)
);
grant select, insert, update, delete on journal.snapshot_block to ledger_writer;
grant select on journal.snapshot_block to ledger_relay, ledger_projector, ledger_reader;
