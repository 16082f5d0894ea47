-- The journal: what happened, in one order, for ever.
create schema journal authorization ledger_owner;
grant usage on schema journal to ledger_writer, ledger_relay, ledger_projector, ledger_reader;
set local role ledger_owner;

-- One row: how far the journal has come. Its lock orders all appends.
create table journal.head (
    only_one    boolean primary key default true check (only_one),
    position    bigint not null default 0 check (position >= 0),
    recorded_us bigint not null default 0
);
insert into journal.head default values;

-- One row per event. state holds the bytes that Kafka carries and that the hash chain covers; the other columns are
-- what routing and reading need, so that nobody has to decode the bytes.
create table journal.event (
    position      bigint   primary key check (position > 0),
    stream        text     not null,
    streamversion bigint   not null check (streamversion > 0),
    type          text     not null,
    topic         text     not null,
    key           text     not null,
    partition     smallint not null check (partition >= 0),
    partitionseq  bigint   not null check (partitionseq > 0),
    recorded_us   bigint   not null,
    state         bytea    not null,
    unique (stream, streamversion),
    unique (partition, partitionseq)
);

-- One row per stream: the newest version, its hash, and the date on which day end must look at it.
create table journal.stream (
    stream         text   primary key,
    version        bigint not null check (version >= 0),
    head_hash      bytea  check (length(head_hash) = 32),
    next_action_on date
);
create index stream_next_action on journal.stream (next_action_on, stream) where next_action_on is not null;

-- One row per idempotency key: what was asked (a keyed digest) and where the answer is.
create table journal.command (
    command_id     bytea  primary key check (length(command_id) = 32),
    command_hash   bytea  not null check (length(command_hash) = 32),
    first_position bigint not null,
    last_position  bigint not null
);

-- One row per Kafka partition: how many events it has.
create table journal.partition (
    partition smallint primary key,
    seq       bigint not null
);

create function journal.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'the journal is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege',
              hint = 'record a new event that corrects the old one';
end
$$;

create trigger append_only_rows before update or delete on journal.event
    for each row execute function journal.refuse_change();
create trigger append_only_statements before update or delete or truncate on journal.event
    for each statement execute function journal.refuse_change();
create trigger append_only_rows before update or delete on journal.command
    for each row execute function journal.refuse_change();
create trigger append_only_statements before update or delete or truncate on journal.command
    for each statement execute function journal.refuse_change();
alter table journal.event enable always trigger append_only_rows;
alter table journal.event enable always trigger append_only_statements;
alter table journal.command enable always trigger append_only_rows;
alter table journal.command enable always trigger append_only_statements;

grant select on all tables in schema journal to ledger_writer, ledger_relay, ledger_projector, ledger_reader;

-- One journal holds one book.
create unique index one_book on journal.event (type) where type = 'ledger.book.opened.v1';
