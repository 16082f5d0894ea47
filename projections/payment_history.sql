-- name: tables
-- One row per payment: when it became known and from when it counts, where its money went when it came, and whether it
-- turned out never to have counted. Known at P: payments with position <= P, reversed if reversed_position <= P.
create table payment_history (
    book              text   not null,
    loan              text   not null,
    payment           text   not null,
    position          bigint not null,
    received_at       text,             -- the payer's local time, where the source told it
    value_date        date   not null,
    booking_date      date   not null,
    amount_minor      bigint not null,
    currency          text   not null,
    method            text   not null,
    allocations       jsonb  not null,  -- [{"component", "installment", "amount_minor"}]
    credit_minor      bigint not null,  -- what nothing needed
    reversed_position bigint,
    reversed_on       date,
    cause             text,             -- of the reversal
    primary key (book, loan, payment)
);

-- name: insert
insert into payment_history (book, loan, payment, position, received_at, value_date, booking_date, amount_minor, currency,
                             method, allocations, credit_minor)
select %(book)s, e.*
  from unnest(%(loans)s::text[], %(payments)s::text[], %(positions)s::bigint[], %(received)s::text[],
              %(value_dates)s::date[], %(booking_dates)s::date[], %(amounts)s::bigint[], %(currencies)s::text[],
              %(methods)s::text[], %(allocations)s::jsonb[], %(credits)s::bigint[]) as e
    on conflict (book, loan, payment) do nothing

-- name: reverse
update payment_history h
   set reversed_position = e.position, reversed_on = e.reversed_on, cause = e.cause
  from unnest(%(loans)s::text[], %(payments)s::text[], %(positions)s::bigint[], %(reversed)s::date[],
              %(causes)s::text[]) as e (loan, payment, position, reversed_on, cause)
 where h.book = %(book)s and h.loan = e.loan and h.payment = e.payment and h.reversed_position is null

-- name: rows
select book, loan, payment, position, received_at, value_date, booking_date, amount_minor, currency, method, allocations,
       credit_minor, reversed_position, reversed_on, cause
  from payment_history
 where book = %(book)s
