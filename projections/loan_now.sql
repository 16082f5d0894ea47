-- name: tables
-- One row per loan: what was lent, and what is owed as known at `position`, the loan's newest event.
create table loan_now (
    book            text   not null,
    loan            text   not null,
    borrower        text,
    product         text   not null,
    currency        text   not null,
    opened_on       date   not null,
    due_on          date   not null,  -- of the last installment
    lent_minor      bigint not null,
    principal_minor bigint not null default 0,
    total_due_minor bigint not null default 0,
    overdue_minor   bigint not null default 0,
    credit_minor    bigint not null default 0,
    status          text   not null default 'active',
    position        bigint not null default 0,
    primary key (book, loan)
);

-- name: open
insert into loan_now (book, loan, borrower, product, currency, opened_on, due_on, lent_minor)
select %(book)s, e.*
  from unnest(%(loans)s::text[], %(borrowers)s::text[], %(products)s::text[], %(currencies)s::text[],
              %(opened)s::date[], %(due)s::date[], %(lent)s::bigint[]) as e
    on conflict (book, loan) do nothing

-- name: lend
-- What was paid out since the row's position, less what failed; what is at or below it was counted before.
update loan_now n
   set lent_minor = n.lent_minor + d.lent_minor
  from (select e.loan, sum(e.lent_minor) as lent_minor
          from unnest(%(loans)s::text[], %(positions)s::bigint[], %(values)s::bigint[]) as e (loan, position, lent_minor)
          join loan_now m on m.book = %(book)s and m.loan = e.loan and m.position < e.position
         group by e.loan) d
 where n.book = %(book)s and n.loan = d.loan

-- name: fall_due
update loan_now n
   set due_on = e.due_on
  from unnest(%(loans)s::text[], %(positions)s::bigint[], %(values)s::date[]) as e (loan, position, due_on)
 where n.book = %(book)s and n.loan = e.loan and n.position < e.position

-- name: settle
-- One row for each loan of a batch, its newest. The highest position wins, so that replays change nothing.
update loan_now n
   set status = e.status, principal_minor = e.principal_minor, total_due_minor = e.total_due_minor,
       overdue_minor = e.overdue_minor, credit_minor = e.credit_minor, position = e.position
  from unnest(%(loans)s::text[], %(positions)s::bigint[], %(statuses)s::text[], %(principals)s::bigint[],
              %(totals)s::bigint[], %(overdues)s::bigint[], %(credits)s::bigint[])
       as e (loan, position, status, principal_minor, total_due_minor, overdue_minor, credit_minor)
 where n.book = %(book)s and n.loan = e.loan and n.position < e.position

-- name: rows
select book, loan, borrower, product, currency, opened_on, due_on, lent_minor, principal_minor, total_due_minor,
       overdue_minor, credit_minor, status, position
  from loan_now
 where book = %(book)s
