-- What people ask the read models. Known at P: only what has position <= known_at counts.

-- name: loan
select loan, borrower, product, currency, opened_on, due_on, lent_minor, principal_minor, total_due_minor,
       overdue_minor, credit_minor, status, position
  from loan_now
 where book = %(book)s and loan = %(loan)s

-- name: balances
select loan, borrower, product, currency, opened_on, due_on, lent_minor, principal_minor, total_due_minor,
       overdue_minor, credit_minor, status, position
  from loan_now
 where book = %(book)s and (%(after)s::text is null or loan > %(after)s)
 order by loan
 limit %(limit)s

-- name: totals
select currency, status, count(*) as loans, sum(principal_minor)::bigint as principal_minor,
       sum(total_due_minor)::bigint as total_due_minor, sum(overdue_minor)::bigint as overdue_minor,
       sum(credit_minor)::bigint as credit_minor
  from loan_now
 where book = %(book)s
 group by currency, status
 order by currency, status

-- name: late_installments
-- Installments that are past due on as_of by their marks, and what each lacked then; a loan's oldest one first.
with mark as (
    select distinct on (loan, installment) loan, installment, currency, due_on, cured_on, withdrawn
      from delinquency
     where book = %(book)s and position <= %(known_at)s and (%(loan)s::text is null or loan = %(loan)s)
     order by loan, installment, position desc, step desc
), late as (
    select loan, installment, currency, due_on
      from mark
     where not withdrawn and due_on < %(as_of)s and (cured_on is null or cured_on > %(as_of)s)
), owed as (
    select l.loan, l.installment, sum(p.amount_minor)::bigint as overdue_minor
      from late l
      join postings p
        on p.book = %(book)s and p.loan = l.loan and p.account = 'receivable' and p.installment = l.installment
       and p.value_date <= %(as_of)s and p.position <= %(known_at)s
     group by l.loan, l.installment
)
select l.loan, l.currency, l.installment, l.due_on, coalesce(o.overdue_minor, 0)::bigint as overdue_minor
  from late l
  left join owed o on o.loan = l.loan and o.installment = l.installment
 order by l.loan, l.due_on, l.installment

-- name: day_loans
-- To how many loans somebody has written between two bounds each; the first bound is the first position that counts.
select width_bucket(position, %(bounds)s::bigint[]) as nth, count(distinct loan) as loans
  from audit_trail
 where book = %(book)s and position > %(after)s and position <= %(until)s and actor = %(actor)s and loan is not null
 group by nth

-- name: day_overdue
-- Marks, cures and withdrawals between two bounds each, by currency.
select width_bucket(position, %(bounds)s::bigint[]) as nth, currency,
       count(*) filter (where cured_on is null and not withdrawn) as marks,
       sum(overdue_minor)::bigint as marked_minor,
       count(*) filter (where cured_on is not null) as cures,
       count(*) filter (where withdrawn) as withdrawals
  from delinquency
 where book = %(book)s and position > %(after)s and position <= %(until)s
 group by nth, currency
 order by nth, currency collate "C"

-- name: counting
-- What was said of how late loans are besides marks, of one loan or of all that have anything of their own.
select loan, type, fact
  from counting
 where book = %(book)s and position <= %(known_at)s and (%(loan)s::text is null or loan = %(loan)s)
 order by loan, position

-- name: spells
-- When installments were past due, as known: of each the newest row says how it ended, and what its last mark lacked. A
-- loan that is asked for by name has a row without an installment where none was.
with row as (
    select loan, installment, currency, due_on, cured_on, withdrawn,
           row_number() over (partition by loan, installment order by position desc, step desc) as nth,
           first_value(overdue_minor) over (
               partition by loan, installment order by (overdue_minor > 0) desc, position desc, step desc
           ) as overdue_minor
      from delinquency
     where book = %(book)s and position <= %(known_at)s and (%(loan)s::text is null or loan = %(loan)s)
)
select r.loan, r.installment, r.currency, r.due_on, r.cured_on as ended_on, r.overdue_minor,
       n.lent_minor as principal_minor, n.opened_on
  from row r
  join loan_now n on n.book = %(book)s and n.loan = r.loan
 where r.nth = 1 and not r.withdrawn
union all
select n.loan, null, n.currency, null, null, null, n.lent_minor, n.opened_on
  from loan_now n
 where n.book = %(book)s and n.loan = any(%(named)s)
   and not exists (select from row r where r.loan = n.loan and r.nth = 1 and not r.withdrawn)
 order by loan, due_on, installment

-- name: owed
-- What some loans owe on a date; those that owe nothing have no row.
select loan, sum(amount_minor)::bigint as owed_minor
  from postings
 where book = %(book)s and account = 'receivable' and loan = any(%(loans)s)
   and value_date <= %(as_of)s and position <= %(known_at)s
 group by loan
having sum(amount_minor) <> 0

-- name: owing
-- At which of some days (by number, from 1) loans owed something at their end: how many loans of each pattern, and the loan
-- itself where it was ever marked.
with moved as (
    select loan, currency, 1 + width_bucket(value_date, %(after_ends)s::date[]) as nth, sum(amount_minor) as moved_minor
      from postings
     where book = %(book)s and account = 'receivable' and position <= %(known_at)s
     group by loan, currency, nth
), owed as (
    select m.loan, m.currency, e.nth
      from generate_series(1, cardinality(%(after_ends)s::date[])) as e (nth)
      join moved m on m.nth <= e.nth
     group by m.loan, m.currency, e.nth
    having sum(m.moved_minor) > 0
), pattern as (
    select loan, currency, array_agg(nth order by nth) as nths
      from owed
     group by loan, currency
), marked as (
    select distinct loan from delinquency where book = %(book)s and position <= %(known_at)s
)
select p.currency, p.nths, m.loan, count(*) as loans
  from pattern p
  left join marked m on m.loan = p.loan
 group by p.currency, p.nths, m.loan

-- name: opened_by_month
select date_trunc('month', n.opened_on)::date as month, n.currency, count(*) as loans
  from loan_now n
  join schedule s on s.book = n.book and s.loan = n.loan and s.version = 1 and s.from_position <= %(known_at)s
 where n.book = %(book)s and n.opened_on <= %(until)s and n.lent_minor > 0
 group by 1, 2
 order by 1, 2

-- name: balance
-- One loan as of a value date: its newest snapshot that both axes reach, the lines of later dates, and those that were
-- late for the snapshot. No line known by known_at has a date beyond that of the snapshot after it, if it was taken later.
-- "position + 0" keeps the planner from the primary key, which for an average loan looks as good, and reads a large one
-- from its beginning.
with snapshot as materialized (
    select position, value_date
      from postings_snapshot
     where book = %(book)s and loan = %(loan)s and position <= %(known_at)s and value_date <= %(as_of)s
     order by position desc
     limit 1
), span as materialized (
    select coalesce((select position from snapshot), 0) as position,
           coalesce((select value_date from snapshot), '-infinity') as begins,
           least(%(as_of)s, (select value_date from postings_snapshot
                              where book = %(book)s and loan = %(loan)s
                                and position > coalesce((select position from snapshot), 0)
                              order by position
                              limit 1)) as ends
), part as (
    select c.account, c.component, c.installment, c.amount_minor
      from postings_snapshot s
     cross join lateral unnest(s.accounts, s.components, s.installments, s.amounts_minor)
           as c (account, component, installment, amount_minor)
     where s.book = %(book)s and s.loan = %(loan)s and s.position = (select position from snapshot)
    union all
    select account, component, installment, amount_minor
      from postings
     where book = %(book)s and loan = %(loan)s and position + 0 <= %(known_at)s
       and value_date > (select begins from span) and value_date <= (select ends from span)
    union all
    select account, component, installment, amount_minor
      from postings
     where book = %(book)s and loan = %(loan)s and late
       and position > (select position from span) and position <= %(known_at)s
       and value_date <= (select begins from span)
)
select account, component, installment, sum(amount_minor)::bigint as amount_minor
  from part
 group by account, component, installment
having sum(amount_minor) <> 0
 order by account, component nulls first, installment nulls first

-- name: history
-- What each event changed in what is owed, and what was owed after it, as known then.
with change as (
    select position, sum(amount_minor) as amount_minor
      from postings
     where book = %(book)s and loan = %(loan)s and account = 'receivable'
     group by position
)
select a.position, a.value_date, a.type, a.summary, l.currency,
       coalesce(c.amount_minor, 0)::bigint as change_minor,
       coalesce(sum(c.amount_minor) over (order by a.position), 0)::bigint as due_minor,
       a.actor, to_timestamp(0) + a.recorded_us * interval '1 microsecond' as recorded_at
  from audit_trail a
  join loan_now l on l.book = a.book and l.loan = a.loan
  left join change c on c.position = a.position
 where a.book = %(book)s and a.loan = %(loan)s
 order by a.position

-- name: audit_trail
select position, key, loan, stream, version, type, value_date, time as decided_at,
       to_timestamp(0) + recorded_us * interval '1 microsecond' as recorded_at, recorded_us, actor, command_id, hash,
       prevhash, summary
  from audit_trail
 where book = %(book)s and (%(loan)s::text is null or loan = %(loan)s) and position > %(after)s
 order by position
 limit %(limit)s

-- name: position_at
select position
  from audit_trail
 where book = %(book)s and recorded_us <= %(recorded_us)s
 order by recorded_us desc, position desc
 limit 1

-- name: balances_as_of
select n.loan, n.borrower, n.product, n.currency, n.opened_on, n.due_on, n.lent_minor, s.principal_minor,
       s.interest_minor, s.fee_minor, s.penalty_interest_minor, s.total_due_minor, s.credit_minor
  from (select loan,
               coalesce(sum(amount_minor) filter (where account = 'receivable'), 0)::bigint as total_due_minor,
               coalesce(sum(amount_minor) filter (where account = 'receivable' and component = 'principal'), 0)::bigint
                   as principal_minor,
               coalesce(sum(amount_minor) filter (where account = 'receivable' and component = 'interest'), 0)::bigint
                   as interest_minor,
               coalesce(sum(amount_minor) filter (where account = 'receivable' and component = 'fee'), 0)::bigint
                   as fee_minor,
               coalesce(sum(amount_minor) filter (where account = 'receivable' and component = 'penalty_interest'),
                        0)::bigint as penalty_interest_minor,
               coalesce(-sum(amount_minor) filter (where account = 'credit'), 0)::bigint as credit_minor
          from postings
         where book = %(book)s and value_date <= %(as_of)s and position <= %(known_at)s
         group by loan) s
  join loan_now n on n.book = %(book)s and n.loan = s.loan
 order by n.loan

-- name: trial_balance
select currency, account, sum(amount_minor)::bigint as amount_minor
  from postings
 where book = %(book)s and value_date <= %(as_of)s and position <= %(known_at)s
   and (%(booked)s::date is null or booking_date <= %(booked)s)
 group by currency, account
 order by currency, account

-- name: unbalanced
-- The first event whose lines of one value date do not add up to zero.
select position, value_date, sum(amount_minor)::bigint as amount_minor
  from postings
 where book = %(book)s
 group by position, value_date
having sum(amount_minor) <> 0
 order by position
 limit 1

-- name: loans_with_mandate
select distinct loan
  from mandates
 where book = %(book)s and (revoked_on is null or on_their_way <> '{}') and loan > %(after)s
   and (since <= %(on)s and (until is null or until >= %(on)s) or on_their_way <> '{}')
 order by loan
 limit %(limit)s

-- name: schedules
select version, from_position, lines
  from schedule
 where book = %(book)s and loan = %(loan)s and from_position > %(after)s and from_position <= %(until)s
 order by version

-- name: opened_at
select min(from_position) as position from schedule where book = %(book)s and loan = %(loan)s

-- name: payments
select payment, position, received_at, value_date, booking_date, amount_minor, currency, method, allocations,
       credit_minor, case when reversed_position <= %(until)s then reversed_position end as reversed_position,
       case when reversed_position <= %(until)s then reversed_on end as reversed_on,
       case when reversed_position <= %(until)s then cause end as cause
  from payment_history
 where book = %(book)s and loan = %(loan)s and position <= %(until)s
   and (position > %(after)s or reversed_position > %(after)s and reversed_position <= %(until)s)
 order by position

-- name: marks
select position, installment, due_on, cured_on, withdrawn
  from delinquency
 where book = %(book)s and loan = %(loan)s and position > %(after)s and position <= %(until)s
 order by position, installment, step

-- name: last_change
-- The last day on which anything of the portfolio changes: a month with bookings ends, an installment is covered, or the
-- oldest one of a loan that is still open comes into the last bucket.
with mark as (
    select distinct on (loan, installment) loan, due_on, cured_on, withdrawn
      from delinquency
     where book = %(book)s
     order by loan, installment, position desc, step desc
), change as (
    select (max(month) + interval '1 month - 1 day')::date as day from portfolio where book = %(book)s
    union all
    select max(cured_on) from mark where not withdrawn
    union all
    select max(due_on) + %(last_bucket_days)s::int
      from (select min(due_on) as due_on from mark where not withdrawn and cured_on is null group by loan) open
)
select (date_trunc('month', max(day)) + interval '1 month - 1 day')::date as day from change

-- name: flows
select p.month, n.product, p.currency, count(*) filter (where p.lent_minor > 0) as loans_opened,
       sum(p.lent_minor)::bigint as lent_minor, sum(p.payments)::bigint as payments,
       sum(p.collected_minor)::bigint as collected_minor
  from portfolio p
  join loan_now n on n.book = p.book and n.loan = p.loan
 where p.book = %(book)s and p.month <= %(until)s
 group by p.month, n.product, p.currency
 order by p.month, n.product, p.currency

-- name: stocks
-- What was owed at the end of each month: all of it (due_on is null), and of that what is late, by the due date of the
-- oldest open installment. So only loans that are late are looked at month by month.
with step as (
    select p.loan, n.product, p.currency, p.month, p.owed_minor as moved_minor,
           sum(p.owed_minor) over so_far as owed_minor, lead(p.month) over so_far as next
      from portfolio p
      join loan_now n on n.book = p.book and n.loan = p.loan
     where p.book = %(book)s and p.month <= %(until)s
    window so_far as (partition by p.loan order by p.month)
), moved as (
    select month, product, currency, sum(moved_minor) as owed_minor,
           sum((owed_minor > 0)::int - (owed_minor > moved_minor)::int) as loans
      from step
     group by month, product, currency
), month as (
    select m::date as month, least((m + interval '1 month - 1 day')::date, %(until)s) as ends
      from generate_series((select min(month) from moved)::timestamp, %(until)s::timestamp, interval '1 month') m
), mark as (
    select distinct on (loan, installment) loan, due_on, cured_on, withdrawn
      from delinquency
     where book = %(book)s
     order by loan, installment, position desc, step desc
), late as (
    select k.loan, m.month, min(k.due_on) as due_on
      from mark k
      join month m on k.due_on < m.ends and (k.cured_on is null or k.cured_on > m.ends)
     where not k.withdrawn
     group by k.loan, m.month
)
select m.month, m.ends, k.product, k.currency, null::date as due_on,
       sum(coalesce(d.loans, 0)) over so_far as loans, sum(coalesce(d.owed_minor, 0)) over so_far as owed_minor
  from month m
 cross join (select distinct product, currency from moved) k
  left join moved d on d.month = m.month and d.product = k.product and d.currency = k.currency
window so_far as (partition by k.product, k.currency order by m.month)
union all
select m.month, m.ends, s.product, s.currency, l.due_on, count(*), sum(s.owed_minor)
  from late l
  join month m on m.month = l.month
  join step s on s.loan = l.loan and s.month <= l.month and (s.next is null or s.next > l.month)
 where s.owed_minor > 0
 group by m.month, m.ends, s.product, s.currency, l.due_on
 order by 1, 3, 4, 5 nulls first
