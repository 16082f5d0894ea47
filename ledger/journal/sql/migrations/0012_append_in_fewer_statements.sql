-- The same contract as before (see 0003 and 0006), in fewer statements: what is wrong with a request is only worked out
-- where a first look finds that anything may be; the gate is looked at together with the head; streams are made or moved
-- on only where there are such.
set local role ledger_owner;

create or replace function journal.append(
    command_ids    bytea[],     -- per request; null where the caller gave no key
    command_hashes bytea[],
    sizes          int[],       -- how many events it has
    read_requests  int[],       -- per stream read: by which request, which stream, the version found
    read_streams   text[],
    read_versions  bigint[],
    visit_requests int[],       -- per stream that gets another date for day end and no event; null clears the date
    visit_streams  text[],
    visit_dates    date[],
    event_requests int[],       -- per event, in order of requests: its request, and the row above of its stream
    event_reads    int[],
    versions       bigint[],
    types          text[],
    topics         text[],
    keys           text[],
    partitions     smallint[],
    prev_hashes    bytea[],
    states         bytea[],
    lasts          boolean[],   -- whether it is the last one of its stream in the request
    action_dates   date[]       -- of a last one: the next date for day end; null: none
) returns table (outcome text, first_position bigint, last_position bigint, detail text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    head_position  bigint;
    now_us         bigint;
    is_open        boolean;
    is_doubtful    boolean;
    appended       bigint;
    hashes         bytea[];
    found_versions bigint[];
    found_hashes   bytea[];
    outcomes       text[] := array_fill('appended'::text, array[cardinality(command_ids)]);
    details        text[] := array_fill(null::text, array[cardinality(command_ids)]);
    firsts         bigint[] := array_fill(null::bigint, array[cardinality(command_ids)]);
    endings        bigint[] := array_fill(null::bigint, array[cardinality(command_ids)]);
    refused        record;
begin
    -- (a) One append at a time, also among processes.
    select h.position, greatest(h.recorded_us, (extract(epoch from clock_timestamp()) * 1000000)::bigint),
           case when exists (select from journal.gate) then journal.gate_open() else true end
      into strict head_position, now_us, is_open
      from journal.head h
     where h.only_one
       for update;
    if not is_open then
        raise exception 'the gate of this journal is closed' using errcode = 'LG001';
    end if;

    -- (b) What is recorded now, in statements that see all that was committed before the lock was ours.
    select array_agg(coalesce(s.version, 0) order by r.n), array_agg(s.head_hash order by r.n)
      into found_versions, found_hashes
      from unnest(read_streams) with ordinality as r (stream, n)
      left join lateral (select t.version, t.head_hash from journal.stream t where t.stream = r.stream limit 1) s
           on true;
    select array_agg(sha256(e.state) order by e.n) into hashes from unnest(states) with ordinality as e (state, n);

    -- Almost always all is well, and one look says so: every stream is where it was read, every event follows it, no key is
    -- known. A request with several events of one stream, and whatever else it may be, is looked at more closely.
    select read_versions <> found_versions
        or exists (select
                     from unnest(event_reads, versions, prev_hashes) as e (read, version, prev_hash)
                    where e.version is distinct from read_versions[e.read] + 1
                       or e.prev_hash is distinct from found_hashes[e.read])
        or exists (select
                     from unnest(command_ids) as r (command_id)
                     join lateral (select from journal.command k where k.command_id = r.command_id limit 1) c on true)
      into is_doubtful;
    if is_doubtful then
        for refused in
            select distinct on (e.request) e.request,
                   format('stream %s version %s does not follow what was read', e.stream, e.version) as detail
              from (select e.request, read_streams[e.read] as stream, e.version, e.prev_hash,
                           read_versions[e.read] + row_number() over within_stream as following,
                           coalesce(lag(e.hash) over within_stream, found_hashes[e.read]) as hash_before
                      from unnest(event_requests, event_reads, versions, prev_hashes, hashes) with ordinality
                           as e (request, read, version, prev_hash, hash, n)
                    window within_stream as (partition by e.read order by e.n)) e
             where e.version is distinct from e.following or e.prev_hash is distinct from e.hash_before
             order by e.request, e.version
        loop
            outcomes[refused.request] := 'broken_chain';
            details[refused.request] := refused.detail;
        end loop;
        for refused in
            select distinct on (r.request) r.request,
                   format('stream %s was read at version %s and is at %s', r.stream, r.version, r.found) as detail
              from unnest(read_requests, read_streams, read_versions, found_versions) as r (request, stream, version, found)
             where r.version <> r.found
             order by r.request, r.stream
        loop
            outcomes[refused.request] := 'conflict';
            details[refused.request] := refused.detail;
        end loop;
        for refused in
            select r.n as request, c.command_hash = r.command_hash as is_same, c.first_position, c.last_position
              from unnest(command_ids, command_hashes) with ordinality as r (command_id, command_hash, n)
              join lateral (select * from journal.command k where k.command_id = r.command_id limit 1) c on true
        loop
            outcomes[refused.request] := case when refused.is_same then 'known' else 'key_reused' end;
            details[refused.request] := null;
            firsts[refused.request] := refused.first_position;
            endings[refused.request] := refused.last_position;
        end loop;
    end if;

    -- (c) What passed goes in.
    insert into journal.event (position, stream, streamversion, type, topic, key, partition, partitionseq,
                               recorded_us, state)
    select head_position + row_number() over (order by e.n),
           read_streams[e.read], e.version, e.type, e.topic, e.key, e.partition,
           coalesce(p.seq, 0) + row_number() over (partition by e.partition order by e.n),
           now_us, e.state
      from unnest(event_requests, event_reads, versions, types, topics, keys, partitions, states) with ordinality
           as e (request, read, version, type, topic, key, partition, state, n)
      left join lateral (select t.seq from journal.partition t where t.partition = e.partition limit 1) p on true
     where outcomes[e.request] = 'appended';
    get diagnostics appended = row_count;

    if appended > 0 then
        if 0 < any (read_versions) then
            update journal.stream s
               set version = e.version, head_hash = e.hash, next_action_on = e.action_on
              from unnest(event_requests, event_reads, versions, hashes, lasts, action_dates)
                   as e (request, read, version, hash, is_last, action_on)
             where e.is_last and outcomes[e.request] = 'appended' and read_versions[e.read] > 0
               and s.stream = read_streams[e.read];
        end if;
        if 0 = any (read_versions) then
            insert into journal.stream (stream, version, head_hash, next_action_on)
            select read_streams[e.read], e.version, e.hash, e.action_on
              from unnest(event_requests, event_reads, versions, hashes, lasts, action_dates)
                   as e (request, read, version, hash, is_last, action_on)
             where e.is_last and outcomes[e.request] = 'appended' and read_versions[e.read] = 0;
        end if;
        insert into journal.partition as p (partition, seq)
        select e.partition, count(*)
          from unnest(event_requests, partitions) as e (request, partition)
         where outcomes[e.request] = 'appended'
         group by e.partition
            on conflict (partition) do update set seq = p.seq + excluded.seq;
    end if;
    if cardinality(visit_streams) > 0 then
        update journal.stream s
           set next_action_on = v.action_on
          from unnest(visit_requests, visit_streams, visit_dates) as v (request, stream, action_on)
         where outcomes[v.request] = 'appended' and s.stream = v.stream;
    end if;

    -- (d) The head moves, and each request hears where its events are.
    update journal.head h set position = head_position + appended, recorded_us = now_us
     where h.only_one and appended > 0;

    return query
    with answers as (
        select r.n, r.outcome, r.detail, r.command_id, r.command_hash, r.outcome = 'appended' and r.size > 0 as is_new,
               r.known_first, r.known_last, r.size,
               head_position + sum(case when r.outcome = 'appended' then r.size else 0 end) over (order by r.n) as upto
          from unnest(outcomes, details, command_ids, command_hashes, firsts, endings, sizes) with ordinality
               as r (outcome, detail, command_id, command_hash, known_first, known_last, size, n)
    ), keyed as (
        insert into journal.command (command_id, command_hash, first_position, last_position)
        select a.command_id, a.command_hash, a.upto - a.size + 1, a.upto
          from answers a
         where a.is_new and a.command_id is not null
    )
    select a.outcome,
           case when a.is_new then a.upto - a.size + 1 else a.known_first end,
           case when a.is_new then a.upto else a.known_last end,
           a.detail
      from answers a
     order by a.n;

    if appended > 0 then
        perform pg_notify('journal', (head_position + appended)::text);
    end if;
end
$$;
