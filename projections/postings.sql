-- name: tables
-- Every line of double entry, inserted once and never changed. The balance as of D, known at P, is the sum of the lines
-- with value_date <= D and position <= P. Debits are positive; the lines of one event add up to zero.
create table postings (
    book         text   not null,
    loan         text   not null,
    value_date   date   not null,
    booking_date date   not null,
    position     bigint not null,
    line         int    not null,  -- within its event, from 1
    account      text   not null,
    component    text,
    installment  int,
    amount_minor bigint not null,
    currency     text   not null,
    primary key (book, position, line)
);

-- name: indexes
create index postings_of_loan on postings (book, loan, value_date, position)
    include (account, component, installment, amount_minor);

-- name: insert
insert into postings (book, loan, value_date, booking_date, position, line, account, component, installment,
                      amount_minor, currency)
select %(book)s, e.*
  from unnest(%(loans)s::text[], %(value_dates)s::date[], %(booking_dates)s::date[], %(positions)s::bigint[],
              %(lines)s::int[], %(accounts)s::text[], %(components)s::text[], %(installments)s::int[],
              %(amounts)s::bigint[], %(currencies)s::text[]) as e
    on conflict (book, position, line) do nothing

-- name: rows
select book, loan, value_date, booking_date, position, line, account, component, installment, amount_minor, currency
  from postings
 where book = %(book)s
