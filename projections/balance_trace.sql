-- The lines of double entry that a balance of one loan is the sum of. Known at P: only what has position <= known_at counts.

-- name: trace_lines
-- The newest lines in the order of value dates, each with the sum up to it; `lines` and the sums are over all of them.
-- side: -1 turns the lender's side, so that credit is positive.
with line as (
    select position, line, value_date, booking_date, account, component, installment,
           %(side)s * amount_minor as amount_minor,
           (sum(%(side)s * amount_minor) over (order by value_date, position, line))::bigint as running_minor,
           count(*) over () as lines
      from postings
     where book = %(book)s and loan = %(loan)s and position <= %(known_at)s and value_date <= %(as_of)s
       and account = %(account)s
       and (%(component)s::text is null or component = %(component)s)
       and (%(installments)s::int[] is null or installment = any(%(installments)s))
)
select l.position, l.value_date, l.booking_date, l.account, l.component, l.installment, l.amount_minor,
       l.running_minor, l.lines, a.hash, a.type, a.summary, a.actor, a.command_id as request_id
  from (select * from line order by value_date desc, position desc, line desc limit %(limit)s) l
  join audit_trail a on a.book = %(book)s and a.position = l.position
 order by l.value_date, l.position, l.line
