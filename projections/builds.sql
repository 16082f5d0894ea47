-- Which version of its code filled a projection, in each place.

-- name: lock
-- Two runners may start at once; the number is any that no other program takes.
select pg_advisory_xact_lock(4170229002)

-- name: lock_shared
select pg_advisory_xact_lock_shared(4170229002)

-- name: lock_rebuild
-- Held by the session that rebuilds; gone with it, however it ends.
select pg_try_advisory_lock(417022, hashtext(%(projection)s))

-- name: exist
select coalesce(bool_and(to_regclass(name) is not null), true) from unnest(%(tables)s::text[]) as t (name)

-- name: read
select projection, place, version, tables, is_indexed, digest, replaced_digest, positions, swapped_at, swapped_by, reason
  from projections.build
 where place = %(place)s
 order by projection

-- name: begin
insert into projections.build (projection, place, version, tables)
values (%(projection)s, %(place)s, %(version)s, %(tables)s)

-- name: indexed
update projections.build set is_indexed = true where projection = %(projection)s and place = %(place)s

-- name: forget
delete from projections.build where projection = %(projection)s and place = %(place)s returning tables

-- name: forget_checkpoints
delete from projections.checkpoint where projection = %(projection)s and place = %(place)s

-- name: freeze
-- Until the transaction ends nobody moves these rows.
select partition, position
  from projections.checkpoint
 where projection = %(projection)s and place = 'live' and book = %(book)s
 order by partition
   for update

-- name: retire_checkpoints
update projections.checkpoint set place = 'old' where projection = %(projection)s and place = 'live'

-- name: promote_checkpoints
-- Under a newer epoch than anyone knows: whoever worked on the old rows has to claim anew.
update projections.checkpoint n
   set place = 'live', problem = null,
       owner_epoch = 1 + greatest(n.owner_epoch, (select o.owner_epoch from projections.checkpoint o
                                                   where o.projection = n.projection and o.place = 'old'
                                                     and o.book = n.book and o.partition = n.partition))
 where n.projection = %(projection)s and n.place = 'next'

-- name: retire_build
update projections.build set place = 'old' where projection = %(projection)s and place = 'live'

-- name: promote_build
update projections.build
   set place = 'live', digest = %(digest)s, replaced_digest = %(replaced_digest)s, positions = %(positions)s,
       swapped_at = %(swapped_at)s, swapped_by = %(swapped_by)s, reason = %(reason)s
 where projection = %(projection)s and place = 'next'

-- name: held
select b.projection, b.place, b.version, coalesce(c.events, 0)::bigint as events,
       (select coalesce(sum(pg_total_relation_size(to_regclass(
                   case b.place when 'live' then 'projections.' else concat('projections_', b.place, '.') end || t.name))), 0)
          from unnest(b.tables) as t (name))::bigint as bytes,
       b.swapped_at, b.swapped_by, b.reason
  from projections.build b
  left join (select projection, place, sum(partitionseq) as events
               from projections.checkpoint where book = %(book)s group by projection, place) c
    on c.projection = b.projection and c.place = b.place
 order by b.projection, array_position(array['live', 'next', 'old'], b.place)
