-- name: tables
-- How the days past due of a loan are counted, and when its terms were eased: one row for each event that says so, never
-- changed. Those with position <= P, in order, say what was known at P. Most loans have none.
create table counting (
    book     text   not null,
    loan     text   not null,
    position bigint not null,
    type     text   not null,
    fact     jsonb  not null,  -- the data of the event
    primary key (book, loan, position)
);

-- name: insert
insert into counting (book, loan, position, type, fact)
select %(book)s, c.*
  from unnest(%(loans)s::text[], %(positions)s::bigint[], %(types)s::text[], %(facts)s::jsonb[]) as c
    on conflict (book, loan, position) do nothing

-- name: rows
select book, loan, position, type, fact
  from counting
 where book = %(book)s
