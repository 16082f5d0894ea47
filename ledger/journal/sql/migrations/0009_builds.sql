-- A read model is built anew beside the one that is read: in projections_next, until it takes its place in projections;
-- what was there before waits in projections_old until somebody drops it.
create schema projections_next authorization ledger_projector;
create schema projections_old authorization ledger_projector;
grant usage on schema projections_next, projections_old to ledger_reader;
alter default privileges for role ledger_projector in schema projections_next, projections_old
    grant select on tables to ledger_reader;
set local role ledger_projector;

-- Workers made these two themselves, so some databases have them.
create table if not exists projections.checkpoint (
    projection   text     not null,
    version      int      not null,
    book         text     not null,
    partition    smallint not null,
    position     bigint   not null default 0,
    partitionseq bigint   not null default 0,
    owner_epoch  bigint   not null default 0,
    kafka_offset bigint,
    problem      text,
    primary key (projection, version, book, partition)
);
create table if not exists projections.worker (
    id      text primary key,
    book    text        not null,
    feed    text        not null,
    seen_at timestamptz not null
);

-- What fills each place: the version of the code, its tables, whether they have all their indexes. The rest is there
-- once it has taken the place of another: the digest of both at the same positions (by partition), when, who did it, and
-- the reason where a difference was accepted.
create table projections.build (
    projection      text not null,
    place           text not null check (place in ('live', 'next', 'old')),
    version         int  not null,
    tables          text[]  not null,
    is_indexed      boolean not null default false,
    digest          text,
    replaced_digest text,
    positions       jsonb,
    swapped_at      timestamptz,
    swapped_by      text,
    reason          text,
    primary key (projection, place)
);
insert into projections.build (projection, place, version, tables, is_indexed)
select distinct projection, 'live', version, array[projection], true from projections.checkpoint;

-- Which build a checkpoint belongs to, instead of a version.
alter table projections.checkpoint
    drop column version,
    add column place text not null default 'live' check (place in ('live', 'next', 'old')),
    add primary key (projection, place, book, partition);
alter table projections.checkpoint alter column place drop default;
