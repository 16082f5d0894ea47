-- name: tables
-- One row per event of the book: who did what, when, and the hashes that prove it. prevhash is null at version 1.
create table audit_trail (
    book        text        not null,
    position    bigint      not null,
    key         text        not null,
    loan        text,                  -- null for events that are not about a loan
    stream      text        not null,
    version     bigint      not null,
    type        text        not null,
    value_date  date        not null,
    time        timestamptz not null,  -- when it was decided
    recorded_us bigint      not null,  -- when it was recorded, microseconds since 1970
    actor       text        not null,
    command_id  text,
    hash        text        not null,
    prevhash    text,
    summary     text        not null,
    primary key (book, position)
);

-- name: indexes
create index audit_trail_of_loan on audit_trail (book, loan, position) where loan is not null;
create index audit_trail_in_time on audit_trail (book, recorded_us, position);

-- name: insert
insert into audit_trail (book, position, key, loan, stream, version, type, value_date, time, recorded_us, actor,
                         command_id, hash, prevhash, summary)
select %(book)s, e.*
  from unnest(%(positions)b::bigint[], %(keys)b::text[], %(loans)b::text[], %(streams)b::text[],
              %(versions)b::bigint[], %(types)b::text[], %(value_dates)b::date[], %(times)b::text[]::timestamptz[],
              %(recorded)b::bigint[], %(actors)b::text[], %(commands)b::text[], %(hashes)b::text[],
              %(prevhashes)b::text[], %(summaries)b::text[]) as e
    on conflict (book, position) do nothing

-- name: rows
select book, position, key, loan, stream, version, type, value_date, time, recorded_us, actor, command_id, hash,
       prevhash, summary
  from audit_trail
 where book = %(book)s
