-- How far each projection has come on each partition, and who may move it further.
-- position, partitionseq: the last applied event. owner_epoch: counts claims; only the newest may move the row.
-- kafka_offset: where that event lay on Kafka, a hint for seeking. problem: why the partition stands still, if it does.

-- name: claim
-- Waits for a batch that is just being applied, then nobody but us can move these rows.
insert into projections.checkpoint as c (projection, place, book, partition, owner_epoch)
select p.projection, %(place)s, %(book)s, n.partition, 1
  from unnest(%(projections)s::text[]) as p (projection), unnest(%(partitions)s::int[]) as n (partition)
 order by p.projection, n.partition
    on conflict (projection, place, book, partition) do update set owner_epoch = c.owner_epoch + 1
returning projection, partition, position, partitionseq, owner_epoch, kafka_offset

-- name: advance
-- Locks rows in the order in which claims do, so that two workers who take the same ones never wait for each other.
with mine as (
    select c.projection, c.place, c.book, c.partition, m.to_position, m.to_partitionseq, m.to_offset
      from unnest(%(projections)s::text[], %(places)s::text[], %(books)s::text[], %(partitions)s::int[],
                  %(positions)s::bigint[], %(epochs)s::bigint[], %(to_positions)s::bigint[],
                  %(to_partitionseqs)s::bigint[], %(to_offsets)s::bigint[])
           as m (projection, place, book, partition, position, epoch, to_position, to_partitionseq, to_offset)
      join projections.checkpoint c
        on c.projection = m.projection and c.place = m.place and c.book = m.book and c.partition = m.partition
       and c.position = m.position and c.owner_epoch = m.epoch
     order by c.projection, c.partition
       for update of c
)
update projections.checkpoint c
   set position = mine.to_position, partitionseq = mine.to_partitionseq, kafka_offset = mine.to_offset, problem = null
  from mine
 where c.projection = mine.projection and c.place = mine.place and c.book = mine.book and c.partition = mine.partition

-- name: stop
update projections.checkpoint
   set problem = %(problem)s
 where projection = %(projection)s and place = %(place)s and book = %(book)s and partition = %(partition)s
   and owner_epoch = %(epoch)s

-- name: changed
-- A row that is not where its worker left it, or gone, is not the worker's any more.
select m.partition, bool_or((c.position, c.owner_epoch) is distinct from (m.position, m.epoch)) as is_fenced
  from unnest(%(projections)s::text[], %(places)s::text[], %(books)s::text[], %(partitions)s::int[],
              %(positions)s::bigint[], %(epochs)s::bigint[], %(stopped)s::bool[])
       as m (projection, place, book, partition, position, epoch, is_stopped)
  left join projections.checkpoint c
    on c.projection = m.projection and c.place = m.place and c.book = m.book and c.partition = m.partition
 where (c.position, c.owner_epoch) is distinct from (m.position, m.epoch) or (m.is_stopped and c.problem is null)
 group by m.partition
 order by m.partition

-- name: beat
insert into projections.worker (id, book, feed, seen_at) values (%(id)s, %(book)s, %(feed)s, clock_timestamp())
    on conflict (id) do update set seen_at = excluded.seen_at

-- name: leave
-- Also clears away who ended without a word, long after it stopped to count.
delete from projections.worker where id = %(id)s or seen_at < clock_timestamp() - interval '1 day'

-- name: workers
-- feed: of this one only; null: of all.
select id from projections.worker
 where book = %(book)s and seen_at > clock_timestamp() - make_interval(secs => %(stale_s)s)
   and (%(feed)s::text is null or feed = %(feed)s)
 order by id

-- name: read
select projection, partition, position, partitionseq, problem
  from projections.checkpoint
 where projection = any(%(projections)s) and place = %(place)s and book = %(book)s
