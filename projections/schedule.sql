-- name: tables
-- What falls due and when, as agreed: one row for each version of a loan's schedule, never changed. Known at P is the
-- version with the highest from_position <= P. lines: [{"number", "due_on", "principal_minor",
-- "interest_minor", "fee_minor"}] in order of number.
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
-- Numbered on from what is there. What is there up to the highest position was seen before.
insert into schedule (book, loan, version, from_position, currency, lines)
select %(book)s, e.loan,
       coalesce(s.version, 0) + row_number() over (partition by e.loan order by e.position), e.position, e.currency, e.lines
  from unnest(%(loans)s::text[], %(positions)s::bigint[], %(currencies)s::text[], %(lines)s::jsonb[])
       as e (loan, position, currency, lines)
  left join lateral (select version, from_position from schedule
                      where book = %(book)s and loan = e.loan
                      order by version desc limit 1) s on true
 where e.position > coalesce(s.from_position, 0)

-- name: rows
select book, loan, version, from_position, currency, lines
  from schedule
 where book = %(book)s
