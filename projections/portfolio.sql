-- name: tables
-- What one month did to one loan, by value date: added up from its events in their order. `position` is the newest event
-- in the row; what is at or below it is in there already. Sums over loans make the portfolio.
create table portfolio (
    book            text   not null,
    loan            text   not null,
    month           date   not null,  -- its first day
    currency        text   not null,
    lent_minor      bigint not null,
    collected_minor bigint not null,  -- payments, less those that turned out never to have counted
    payments        bigint not null,  -- likewise
    owed_minor      bigint not null,  -- by how much more is owed after the month than before
    position        bigint not null,
    primary key (book, loan, month)
);

-- name: add
with known as (
    select e.*
      from unnest(%(loans)s::text[], %(months)s::date[], %(currencies)s::text[], %(lent)s::bigint[],
                  %(collected)s::bigint[], %(payments)s::bigint[], %(owed)s::bigint[], %(positions)s::bigint[])
           as e (loan, month, currency, lent_minor, collected_minor, payments, owed_minor, position)
      left join portfolio p on p.book = %(book)s and p.loan = e.loan and p.month = e.month
     where p.position is null or p.position < e.position
)
insert into portfolio as p (book, loan, month, currency, lent_minor, collected_minor, payments, owed_minor, position)
select %(book)s, loan, month, min(currency), sum(lent_minor), sum(collected_minor), sum(payments), sum(owed_minor),
       max(position)
  from known
 group by loan, month
    on conflict (book, loan, month) do update
   set lent_minor = p.lent_minor + excluded.lent_minor, collected_minor = p.collected_minor + excluded.collected_minor,
       payments = p.payments + excluded.payments, owed_minor = p.owed_minor + excluded.owed_minor,
       position = excluded.position

-- name: rows
select book, loan, month, currency, lent_minor, collected_minor, payments, owed_minor, position
  from portfolio
 where book = %(book)s
