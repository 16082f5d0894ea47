-- Events that a projection could not apply. A row stays when the projection has gone on, as a record of what happened.
set local role ledger_projector;

create table projections.dead_letter (
    projection    text        not null,
    book          text        not null,
    position      bigint      not null,
    partition     smallint    not null,
    type          text        not null,
    stream        text,                  -- null where the journal holds nothing at this position
    key           text,
    hash          text        not null,  -- SHA-256 of the bytes that were delivered, hex
    code          text        not null,  -- of the error
    reason        text        not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    seen_at       timestamptz not null default clock_timestamp(),
    times         int         not null default 1,
    skipped       boolean     not null default false,
    primary key (projection, book, position)
);
