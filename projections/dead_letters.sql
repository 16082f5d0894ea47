-- Events that a projection could not apply, and what became of them.

-- name: write
-- Seen first and last at one reading of the clock.
insert into projections.dead_letter as d (projection, book, position, partition, type, stream, key, hash, code, reason,
                                          first_seen_at, seen_at)
select %(projection)s, %(book)s, %(position)s, %(partition)s, %(type)s, %(stream)s, %(key)s, %(hash)s, %(code)s,
       %(reason)s, clock.now, clock.now
  from clock_timestamp() as clock (now)
    on conflict (projection, book, position) do update
   set type = excluded.type, stream = excluded.stream, key = excluded.key, hash = excluded.hash, code = excluded.code,
       reason = excluded.reason, seen_at = excluded.seen_at, times = d.times + 1

-- name: read
-- stopped: the projection stands there. waiting: somebody asked to go on, or it is on its way there again.
select d.projection, d.partition, d.position, d.type, d.stream, d.key, d.hash, d.code, d.reason, d.first_seen_at,
       d.seen_at, d.times,
       case when c.position >= d.position then case when d.skipped then 'skipped' else 'applied' end
            when c.problem is null then 'waiting'
            else 'stopped' end as status
  from projections.dead_letter d
  left join projections.checkpoint c
    on c.projection = d.projection and c.place = 'live' and c.book = d.book and c.partition = d.partition
 where d.book = %(book)s and (%(position)s::bigint is null or d.position = %(position)s)
 order by d.position, d.projection

-- name: fence
-- Whoever owns these partitions may not move them any more; until we are through nobody else may either.
update projections.checkpoint
   set owner_epoch = owner_epoch + 1
 where projection = any(%(projections)s) and place = 'live' and book = %(book)s and partition = %(partition)s
returning projection, position

-- name: skip
update projections.dead_letter
   set skipped = true
 where projection = any(%(projections)s) and book = %(book)s and position = %(position)s

-- name: release
-- Workers that stand still there see it and try again.
update projections.checkpoint
   set problem = null
 where projection = any(%(projections)s) and place = 'live' and book = %(book)s and partition = %(partition)s
