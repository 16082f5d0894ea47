-- name: tables
-- The mandates of every loan, as they are now.
create table mandates (
    book          text   not null,
    loan          text   not null,
    mandate       text   not null,
    party         text   not null,
    rail          text   not null,
    currency      text   not null,
    at_most_minor bigint not null,  -- of one debit
    since         date   not null,
    until         date,             -- the last day; null: for ever
    revoked_on    date,
    on_their_way  text[] not null default '{}',  -- ids of debits that were presented, and of which nothing is known yet
    primary key (book, loan, mandate)
);

-- name: indexes
create index mandates_in_use on mandates (book, loan) where revoked_on is null or on_their_way <> '{}';

-- name: authorise
insert into mandates (book, loan, mandate, party, rail, currency, at_most_minor, since, until)
select %(book)s, m.*
  from unnest(%(loans)s::text[], %(mandates)s::text[], %(parties)s::text[], %(rails)s::text[], %(currencies)s::text[],
              %(at_most)s::bigint[], %(since)s::date[], %(until)s::date[]) as m
    on conflict (book, loan, mandate) do nothing

-- name: change
update mandates m
   set rail = c.rail, at_most_minor = c.at_most_minor, until = c.until
  from unnest(%(loans)s::text[], %(mandates)s::text[], %(rails)s::text[], %(at_most)s::bigint[], %(until)s::date[])
       as c (loan, mandate, rail, at_most_minor, until)
 where m.book = %(book)s and m.loan = c.loan and m.mandate = c.mandate

-- name: revoke
update mandates m
   set revoked_on = r.revoked_on
  from unnest(%(loans)s::text[], %(mandates)s::text[], %(revoked)s::date[]) as r (loan, mandate, revoked_on)
 where m.book = %(book)s and m.loan = r.loan and m.mandate = r.mandate

-- name: debits
update mandates m
   set on_their_way = array(select o.debit from unnest(m.on_their_way) as o (debit) where o.debit <> all (d.touched)
                            union select unnest(d.gone_out) order by 1)
  from (select loan, mandate, array_agg(debit) as touched,
               coalesce(array_agg(debit) filter (where is_on_its_way), '{}') as gone_out
          from unnest(%(loans)s::text[], %(mandates)s::text[], %(debits)s::text[], %(on_their_way)s::boolean[])
               as e (loan, mandate, debit, is_on_its_way)
         group by loan, mandate) as d
 where m.book = %(book)s and m.loan = d.loan and m.mandate = d.mandate

-- name: rows
select book, loan, mandate, party, rail, currency, at_most_minor, since, until, revoked_on, on_their_way
  from mandates
 where book = %(book)s
