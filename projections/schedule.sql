-- name: tables
-- What falls due and when, as agreed: one row for each version of a loan's schedule, never changed. Known at P is the
-- version with the highest from_position <= P. lines: [{"number", "due_on", "principal_minor"}] in order of number.
create table schedule (
    book          text   not null,
    loan          text   not null,
    version       int    not null,  -- from 1
    from_position bigint not null,
    currency      text   not null,
    lines         jsonb  not null,
    primary key (book, loan, version)
);

-- name: insert
insert into schedule (book, loan, version, from_position, currency, lines)
select %(book)s, e.*
  from unnest(%(loans)s::text[], %(versions)s::int[], %(positions)s::bigint[], %(currencies)s::text[],
              %(lines)s::jsonb[]) as e
    on conflict (book, loan, version) do nothing

-- name: rows
select book, loan, version, from_position, currency, lines
  from schedule
 where book = %(book)s
