-- How far each projection has come on each partition, and who may move it further.
-- name: tables
-- position, partitionseq: the last applied event. owner_epoch: counts claims; only the newest may move the row.
-- kafka_offset: where that event lay on Kafka, a hint for seeking. problem: why the partition stands still, if it does.
create table if not exists projections.checkpoint (
    projection   text     not null,
    version      int      not null,
    book         text     not null,
    partition    smallint not null,
    position     bigint   not null default 0,
    partitionseq bigint   not null default 0,
    owner_epoch  bigint   not null default 0,
    kafka_offset bigint,
    problem      text,
    primary key (projection, version, book, partition)
);
-- One row per process that brings projections forward; seen_at is the clock of the database.
create table if not exists projections.worker (
    id      text primary key,
    book    text        not null,
    feed    text        not null,
    seen_at timestamptz not null
);

-- name: lock_tables
-- Two runners may start at once; the number is any that no other program takes.
select pg_advisory_xact_lock(4170229002)

-- name: claim
-- Waits for a batch that is just being applied, then nobody but us can move these rows.
insert into projections.checkpoint as c (projection, version, book, partition, owner_epoch)
select p.projection, p.version, %(book)s, n.partition, 1
  from unnest(%(projections)s::text[], %(versions)s::int[]) as p (projection, version),
       unnest(%(partitions)s::int[]) as n (partition)
 order by p.projection, p.version, n.partition
    on conflict (projection, version, book, partition) do update set owner_epoch = c.owner_epoch + 1
returning projection, partition, position, partitionseq, owner_epoch, kafka_offset

-- name: advance
update projections.checkpoint
   set position = %(to_position)s, partitionseq = %(to_partitionseq)s, kafka_offset = %(to_offset)s, problem = null
 where projection = %(projection)s and version = %(version)s and book = %(book)s and partition = %(partition)s
   and position = %(position)s and owner_epoch = %(epoch)s

-- name: stop
update projections.checkpoint
   set problem = %(problem)s
 where projection = %(projection)s and version = %(version)s and book = %(book)s and partition = %(partition)s
   and owner_epoch = %(epoch)s

-- name: beat
insert into projections.worker (id, book, feed, seen_at) values (%(id)s, %(book)s, %(feed)s, clock_timestamp())
    on conflict (id) do update set seen_at = excluded.seen_at

-- name: leave
-- Also clears away who ended without a word, long after it stopped to count.
delete from projections.worker where id = %(id)s or seen_at < clock_timestamp() - interval '1 day'

-- name: workers
select id from projections.worker
 where book = %(book)s and seen_at > clock_timestamp() - make_interval(secs => %(stale_s)s)
 order by id

-- name: exists
select to_regclass('projections.worker') is not null

-- name: read
select c.projection, c.partition, c.position, c.partitionseq, c.problem
  from projections.checkpoint c
  join unnest(%(projections)s::text[], %(versions)s::int[]) as p (projection, version)
    on p.projection = c.projection and p.version = c.version
 where c.book = %(book)s
