-- An account statement of one loan. Known at P: only what has position <= known_at counts.

-- name: statement_known
-- Where the loan begins in the trail, and its last event that was known; null where there is none.
select (select min(position) from audit_trail where book = %(book)s and loan = %(loan)s) as first,
       (select max(position) from audit_trail
         where book = %(book)s and loan = %(loan)s and position <= %(known_at)s) as newest

-- name: statement_begins
-- The first line of a loan by value date.
select value_date, currency
  from postings
 where book = %(book)s and loan = %(loan)s and position <= %(known_at)s
 order by value_date, position
 limit 1

-- name: statement_lines
-- What each event changed on each value date. The lender's sides are turned: credit is positive, and so is money received.
select a.position, a.hash, a.type, a.summary, p.value_date, p.booking_date, a.value_date as counts_on,
       p.principal_minor, p.interest_minor, p.fee_minor, p.penalty_interest_minor, p.total_due_minor, p.credit_minor,
       p.cash_minor
  from (select position, value_date, booking_date,
               coalesce(sum(amount_minor) filter (where component = 'principal'), 0)::bigint as principal_minor,
               coalesce(sum(amount_minor) filter (where component = 'interest'), 0)::bigint as interest_minor,
               coalesce(sum(amount_minor) filter (where component = 'fee'), 0)::bigint as fee_minor,
               coalesce(sum(amount_minor) filter (where component = 'penalty_interest'), 0)::bigint
                   as penalty_interest_minor,
               coalesce(sum(amount_minor) filter (where account = 'receivable'), 0)::bigint as total_due_minor,
               coalesce(-sum(amount_minor) filter (where account = 'credit'), 0)::bigint as credit_minor,
               coalesce(sum(amount_minor) filter (where account in ('cash', 'funding')), 0)::bigint as cash_minor
          from (select position, value_date, booking_date, account, amount_minor,
                       case when account = 'receivable' then component end as component
                  from postings
                 where book = %(book)s and loan = %(loan)s and position <= %(known_at)s
                   and value_date between %(since)s and %(until)s) l
         group by position, value_date, booking_date) p
  join audit_trail a on a.book = %(book)s and a.position = p.position
 order by p.value_date, p.position
