-- Which version of its code filled a projection, in each place.

-- name: lock
-- Two runners may start at once; the number is any that no other program takes.
select pg_advisory_xact_lock(4170229002)

-- name: lock_shared
select pg_advisory_xact_lock_shared(4170229002)

-- name: exist
select bool_and(to_regclass(name) is not null) from unnest(%(tables)s::text[]) as t (name)

-- name: versions
select projection, version from projections.build where place = %(place)s

-- name: begin
insert into projections.build (projection, place, version) values (%(projection)s, %(place)s, %(version)s)

-- name: forget_checkpoints
delete from projections.checkpoint where projection = any(%(projections)s) and place = %(place)s

-- name: forget_build
delete from projections.build where projection = any(%(projections)s) and place = %(place)s
