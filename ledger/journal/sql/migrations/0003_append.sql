-- The only way into the journal. A batch of requests, each all or nothing, in one transaction:
--   (a) take the lock of the head row;
--   (b) in later statements, which see everything committed before the lock was ours, check idempotency keys, the
--       expected version of every stream that a request read, and that each event names its predecessor's hash;
--   (c) insert the events of the requests that passed, at head + row number, numbering each partition densely too;
--   (d) move the head.
-- No sequence is involved, so a rollback leaves no hole. Requests are numbered from 1 in array order; a batch never
-- holds two requests on one stream or with one key. Outcomes, one row per request:
--   appended       the events are in, from first_position to last_position (null for a request without events)
--   known          the key was used before for the same body: first_position and last_position tell the answer
--   key_reused     the key was used before for another body
--   conflict       a stream is not at the version that the request read; detail names stream, expected, found
--   broken_chain   an event does not name the hash of its predecessor; detail names stream and version
-- The search path names pg_temp last: left out, it would come first for types, and a caller's own type could run code
-- as the owner.
set local role ledger_owner;

-- What becomes of each request of a batch, given what is recorded now. Changes nothing.
create function journal.verdicts(
    command_ids bytea[], command_hashes bytea[], read_requests int[], read_streams text[], read_versions bigint[],
    event_requests int[], streams text[], versions bigint[], prev_hashes bytea[], states bytea[]
) returns table (request int, outcome text, first_position bigint, last_position bigint, detail text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    with asked as (
        select r.request::int, r.command_id, r.command_hash
          from unnest(command_ids, command_hashes) with ordinality as r (command_id, command_hash, request)
    ), known as (
        select a.request,
               case when c.command_hash = a.command_hash then 'known' else 'key_reused' end as outcome,
               c.first_position, c.last_position
          from asked a
          join journal.command c on c.command_id = a.command_id
    ), reads as (
        select r.request, r.stream, r.version, coalesce(s.version, 0) as found, s.head_hash
          from unnest(read_requests, read_streams, read_versions) as r (request, stream, version)
          left join journal.stream s on s.stream = r.stream
    ), conflict as (
        select distinct on (r.request) r.request,
               format('stream %s was read at version %s and is at %s', r.stream, r.version, r.found) as detail
          from reads r
         where r.version <> r.found
         order by r.request, r.stream
    ), events as (
        select e.request, e.stream, e.version, e.prev_hash,
               lag(sha256(e.state)) over within_stream as hash_before,
               row_number() over within_stream as nth
          from unnest(event_requests, streams, versions, prev_hashes, states)
               with ordinality as e (request, stream, version, prev_hash, state, ordinal)
        window within_stream as (partition by e.request, e.stream order by e.ordinal)
    ), broken as (
        select distinct on (e.request) e.request,
               format('stream %s version %s does not follow what was read', e.stream, e.version) as detail
          from events e
          left join reads r on r.request = e.request and r.stream = e.stream
         where r.stream is null
            or e.version <> r.version + e.nth
            or e.prev_hash is distinct from coalesce(e.hash_before, r.head_hash)
         order by e.request, e.stream, e.version
    )
    select a.request,
           case when k.request is not null then k.outcome
                when c.request is not null then 'conflict'
                when b.request is not null then 'broken_chain'
                else 'appended'
           end,
           k.first_position, k.last_position, coalesce(c.detail, b.detail)
      from asked a
      left join known k on k.request = a.request
      left join conflict c on c.request = a.request
      left join broken b on b.request = a.request
     order by a.request
$$;

create function journal.append(
    command_ids     bytea[],   -- per request; null where the caller gave no key
    command_hashes  bytea[],
    read_requests   int[],     -- per stream read: by which request, which stream, the version found
    read_streams    text[],
    read_versions   bigint[],
    action_requests int[],     -- per stream whose next date for day end is set; null clears it
    action_streams  text[],
    action_dates    date[],
    event_requests  int[],     -- per event, in order
    streams         text[],
    versions        bigint[],
    types           text[],
    topics          text[],
    keys            text[],
    partitions      smallint[],
    prev_hashes     bytea[],
    states          bytea[]
) returns table (outcome text, first_position bigint, last_position bigint, recorded_us bigint, detail text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    head_position bigint;
    now_us        bigint;
    appended      bigint;
    outcomes      text[];
    firsts        bigint[];
    lasts         bigint[];
    details       text[];
begin
    select h.position, greatest(h.recorded_us, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
      into strict head_position, now_us
      from journal.head h
       for update;

    select array_agg(v.outcome order by v.request), array_agg(v.first_position order by v.request),
           array_agg(v.last_position order by v.request), array_agg(v.detail order by v.request)
      into outcomes, firsts, lasts, details
      from journal.verdicts(command_ids, command_hashes, read_requests, read_streams, read_versions,
                            event_requests, streams, versions, prev_hashes, states) v;

    insert into journal.event (position, stream, streamversion, type, topic, key, partition, partitionseq,
                               recorded_us, state)
    select head_position + row_number() over (order by e.ordinal),
           e.stream, e.version, e.type, e.topic, e.key, e.partition,
           coalesce(p.seq, 0) + row_number() over (partition by e.partition order by e.ordinal),
           now_us, e.state
      from unnest(event_requests, streams, versions, types, topics, keys, partitions, states) with ordinality
           as e (request, stream, version, type, topic, key, partition, state, ordinal)
      left join journal.partition p on p.partition = e.partition
     where outcomes[e.request] = 'appended';
    get diagnostics appended = row_count;

    insert into journal.stream as s (stream, version, head_hash)
    select distinct on (e.stream) e.stream, e.version, sha256(e.state)
      from unnest(event_requests, streams, versions, states) as e (request, stream, version, state)
     where outcomes[e.request] = 'appended'
     order by e.stream, e.version desc
        on conflict (stream) do update set version = excluded.version, head_hash = excluded.head_hash;

    update journal.stream s
       set next_action_on = a.next_action_on
      from unnest(action_requests, action_streams, action_dates) as a (request, stream, next_action_on)
     where outcomes[a.request] = 'appended' and s.stream = a.stream;

    insert into journal.partition as p (partition, seq)
    select e.partition, count(*)
      from unnest(event_requests, partitions) as e (request, partition)
     where outcomes[e.request] = 'appended'
     group by e.partition
        on conflict (partition) do update set seq = p.seq + excluded.seq;

    update journal.head set position = head_position + appended, recorded_us = now_us where appended > 0;

    return query
    with placed as (
        select e.request,
               head_position + min(row_number) as first_position, head_position + max(row_number) as last_position
          from (select r.request, row_number() over (order by r.ordinal)
                  from unnest(event_requests) with ordinality as r (request, ordinal)
                 where outcomes[r.request] = 'appended') e
         group by e.request
    ), keyed as (
        insert into journal.command (command_id, command_hash, first_position, last_position)
        select c.command_id, c.command_hash, p.first_position, p.last_position
          from unnest(command_ids, command_hashes) with ordinality as c (command_id, command_hash, request)
          join placed p on p.request = c.request
         where c.command_id is not null
    )
    select o.outcome, coalesce(p.first_position, firsts[o.request]), coalesce(p.last_position, lasts[o.request]),
           case when o.outcome = 'appended' then now_us end, details[o.request]
      from unnest(outcomes) with ordinality as o (outcome, request)
      left join placed p on p.request = o.request
     order by o.request;

    if appended > 0 then
        perform pg_notify('journal', (head_position + appended)::text);
    end if;
end
$$;

revoke all on function journal.verdicts, journal.append, journal.refuse_change from public;
grant execute on function journal.append to ledger_writer;
