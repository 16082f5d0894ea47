-- name: tables
-- Every line of double entry, inserted once and never changed. Debits are positive; the lines of one event add up to zero.
-- late: the line counts from a date that the loan's newest snapshot at that time had reached already.
create table postings (
    book         text    not null,
    loan         text    not null,
    position     bigint  not null,
    line         int     not null,  -- within its event, from 1
    value_date   date    not null,
    booking_date date    not null,
    account      text    not null,
    component    text,
    installment  int,
    amount_minor bigint  not null,
    currency     text    not null,
    late         boolean not null,
    primary key (book, loan, position, line)
);
-- What a loan's lines added up to after the event at `position`, where no line was of a later date than value_date.
-- The arrays run side by side; sums of zero are left out.
create table postings_snapshot (
    book          text   not null,
    loan          text   not null,
    position      bigint not null,
    value_date    date   not null,
    accounts      text[]   not null,
    components    text[]   not null,
    installments  int[]    not null,
    amounts_minor bigint[] not null,
    primary key (book, loan, position) include (value_date)
);

-- name: indexes
create index postings_of_loan on postings (book, loan, value_date, position)
    include (account, component, installment, amount_minor);
create index postings_late on postings (book, loan, position)
    include (value_date, account, component, installment, amount_minor) where late;

-- name: long_lives
-- reached: the highest value date of a loan's newest snapshot. highest: of all its lines.
select l.loan, s.value_date as reached,
       greatest(s.value_date, (select max(p.value_date) from postings p
                                where p.book = %(book)s and p.loan = l.loan
                                  and p.position > coalesce(s.position, 0))) as highest
  from unnest(%(loans)s::text[]) as l (loan)
  left join lateral (select position, value_date from postings_snapshot
                      where book = %(book)s and loan = l.loan
                      order by position desc limit 1) s on true

-- name: seen
-- The position of the last fact of each loan that left anything here.
select l.loan, greatest(
           (select max(position) from postings where book = %(book)s and loan = l.loan),
           (select max(position) from postings_snapshot where book = %(book)s and loan = l.loan), 0)
  from unnest(%(loans)s::text[]) as l (loan)

-- name: insert
copy postings (book, loan, currency, position, booking_date, line, value_date, amount_minor, late, account, component,
               installment) from stdin (format binary)

-- name: snapshot
-- Each snapshot is the one before it and the lines since: of the table, or of this batch. No line is read twice.
insert into postings_snapshot (book, loan, position, value_date, accounts, components, installments, amounts_minor)
with due as (
    select d.*, lag(d.position) over (partition by d.loan order by d.position) as previous
      from unnest(%(loans)s::text[], %(positions)s::bigint[], %(value_dates)s::date[]) as d (loan, position, value_date)
), span as (
    select d.*, s.position as base
      from due d
      left join lateral (select position from postings_snapshot
                          where book = %(book)s and loan = d.loan and position < d.position
                          order by position desc limit 1) s on d.previous is null
), moved as (
    select s.loan, s.position, p.account, p.component, p.installment, sum(p.amount_minor) as amount_minor
      from span s
      join postings p on p.book = %(book)s and p.loan = s.loan
                     and p.position > coalesce(s.previous, s.base, 0) and p.position <= s.position
     group by s.loan, s.position, p.account, p.component, p.installment
    union all
    select s.loan, s.position, c.account, c.component, c.installment, c.amount_minor
      from span s
      join postings_snapshot b on b.book = %(book)s and b.loan = s.loan and b.position = s.base
     cross join lateral unnest(b.accounts, b.components, b.installments, b.amounts_minor)
           as c (account, component, installment, amount_minor)
), cell as (
    select * from moved
    union all
    select k.loan, d.position, k.account, k.component, k.installment, 0
      from (select distinct loan, account, component, installment from moved) k
      join due d on d.loan = k.loan
), total as (
    select loan, position, account, component, installment,
           sum(sum(amount_minor)) over (partition by loan, account, component, installment order by position) as total
      from cell
     group by loan, position, account, component, installment
), sums as (
    select loan, position, array_agg(account order by n) as accounts, array_agg(component order by n) as components,
           array_agg(installment order by n) as installments, array_agg(total order by n)::bigint[] as amounts_minor
      from (select *, row_number() over (partition by loan, position
                                         order by account collate "C", component collate "C", installment) as n
              from total where total <> 0) t
     group by loan, position
)
select %(book)s, d.loan, d.position, d.value_date, coalesce(s.accounts, '{}'), coalesce(s.components, '{}'),
       coalesce(s.installments, '{}'), coalesce(s.amounts_minor, '{}')
  from due d
  left join sums s on s.loan = d.loan and s.position = d.position
    on conflict (book, loan, position) do nothing

-- name: rows
-- The cells of a snapshot stand as lines 0, -1, -2 and so on of its position.
select book, loan, position, line, value_date, booking_date, account, component, installment, amount_minor,
       currency, late
  from postings
 where book = %(book)s
union all
select s.book, s.loan, s.position, 1 - coalesce(c.place, 1), s.value_date, null, c.account, c.component,
       c.installment, c.amount_minor, null, null
  from postings_snapshot s
  left join lateral unnest(s.accounts, s.components, s.installments, s.amounts_minor)
       with ordinality as c (account, component, installment, amount_minor, place) on true
 where s.book = %(book)s
