-- What people ask the read models. Known at P: only what has position <= known_at counts.

-- name: balances
select loan, borrower, product, currency, opened_on, due_on, lent_minor, principal_minor, total_due_minor,
       overdue_minor, credit_minor, status, position
  from loan_now
 where book = %(book)s
   and (%(loan)s::text is null or loan = %(loan)s)
   and (%(after)s::text is null or loan > %(after)s)
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

-- name: delinquency
-- One row per loan that is past due on as_of; the due date is that of its oldest installment still open then.
with mark as (
    select distinct on (loan, installment) loan, installment, currency, due_on, cured_on, withdrawn
      from delinquency
     where book = %(book)s and position <= %(known_at)s and (%(loan)s::text is null or loan = %(loan)s)
     order by loan, installment, position desc
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
select l.loan, l.currency, (array_agg(l.installment order by l.due_on, l.installment))[1] as installment,
       count(*) as installments, min(l.due_on) as due_on, coalesce(sum(o.overdue_minor), 0)::bigint as overdue_minor
  from late l
  left join owed o on o.loan = l.loan and o.installment = l.installment
 group by l.loan, l.currency
 order by min(l.due_on), l.loan

-- name: balance
-- One loan as of a value date: its newest snapshot that both axes reach, the lines of later dates, and those that were
-- late for the snapshot. No line known by known_at has a date beyond that of the snapshot after it, if it was taken later.
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
     where book = %(book)s and loan = %(loan)s and position <= %(known_at)s
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
