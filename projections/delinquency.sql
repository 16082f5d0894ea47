-- name: tables
-- What became known about an installment being overdue: one row per mark, cure or withdrawal, never changed. Of the rows
-- of an installment with position <= P the newest, and of one event the last step, says what was known at P.
create table delinquency (
    book        text    not null,
    loan        text    not null,
    installment int     not null,
    position    bigint  not null,
    step        int     not null,  -- within an event: 1 marks, 2 cures, 3 withdraws
    currency    text    not null,
    due_on      date    not null,
    overdue_minor bigint not null,  -- what was missing, as a mark tells it; 0: it is no mark
    cured_on    date,              -- value date of the money that covered it; null: it is still open
    withdrawn   boolean not null,  -- the mark was never true
    primary key (book, loan, installment, position, step)
);

-- name: insert
insert into delinquency (book, loan, installment, position, step, currency, due_on, overdue_minor, cured_on, withdrawn)
select %(book)s, e.*
  from unnest(%(loans)s::text[], %(installments)s::int[], %(positions)s::bigint[], %(steps)s::int[], %(currencies)s::text[],
              %(due)s::date[], %(overdue)s::bigint[], %(cured)s::date[], %(withdrawn)s::boolean[]) as e
    on conflict (book, loan, installment, position, step) do nothing

-- name: rows
select book, loan, installment, position, step, currency, due_on, overdue_minor, cured_on, withdrawn
  from delinquency
 where book = %(book)s
