-- Who may open the gate of a journal that is published to Kafka, and how events that only Kafka still has come back.
set local role ledger_owner;

-- A dump that is restored into the running server, or a copy of the database in it, is another journal too, though the
-- server is the same: its table of events lies in other files.
alter table journal.gate add column files text not null default '';

drop function journal.server;
create function journal.server(
    out started_at timestamptz, out system_identifier bigint, out timeline bigint, out files text
) language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    select pg_postmaster_start_time(),
           (select c.system_identifier from pg_control_system() c),
           ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint,
           pg_relation_filepath('journal.event')
$$;

create or replace function journal.gate_open() returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from journal.gate) then
        return true;
    end if;
    return exists (
        select
          from journal.gate g, journal.server() s
         where (g.started_at, g.system_identifier, g.timeline, g.files)
             = (s.started_at, s.system_identifier, s.timeline, s.files)
    );
end
$$;

-- What a relay looks at while it works: the end of the journal, its gate (none: no relay has ever confirmed it), and
-- which server answers.
create function journal.gate_state(out head bigint, out gate text, out server text)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    select h.position,
           case when not exists (select from journal.gate) then 'none'
                when journal.gate_open() then 'open'
                else 'closed' end,
           s::text
      from journal.head h, journal.server() s
     where h.only_one
$$;

-- Open the gate for the server that runs, if the event that Kafka has last is in the journal and has the same hash.
-- asked_server: what gate_state() said before the relay made sure that no other one writes to Kafka. Answers confirmed,
-- moved (another server answers by now), ahead (the journal ends before that position) or disagree (another hash).
create function journal.confirm_gate(published bigint, published_hash text, asked_server text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    running    record;
    found_hash text;
begin
    select s.*, s::text as said into strict running from journal.server() s;
    if running.said is distinct from asked_server then
        return 'moved';
    end if;
    if published > 0 then
        select encode(sha256(e.state), 'hex') into found_hash from journal.event e where e.position = published;
        if not found then
            return 'ahead';
        elsif found_hash is distinct from published_hash then
            return 'disagree';
        end if;
    end if;
    insert into journal.gate as g (started_at, system_identifier, timeline, files, position)
    values (running.started_at, running.system_identifier, running.timeline, running.files, published)
        on conflict (only_one) do update
       set (started_at, system_identifier, timeline, files, position, confirmed_at)
         = (excluded.started_at, excluded.system_identifier, excluded.timeline, excluded.files, excluded.position,
            clock_timestamp());
    return 'confirmed';
end
$$;

-- Put events back that were recorded before, at their positions and with their times. Only for the owner: whoever may
-- call this writes history. What does not continue the journal is refused as a whole (SQLSTATE LG002), the first
-- difference named. The gate closes: until a relay has confirmed the journal nothing new may come in between.
create function journal.restore(
    first_position  bigint,
    streams         text[],     -- per event, in order of position, without a gap
    versions        bigint[],
    types           text[],
    topics          text[],
    keys            text[],
    partitions      smallint[],
    partition_seqs  bigint[],
    times_us        bigint[],
    prev_hashes     bytea[],
    action_dates    date[],     -- what the event says about day end; null: nothing
    states          bytea[],
    command_ids     bytea[],    -- per idempotency key
    command_hashes  bytea[],
    command_firsts  bigint[],
    command_lasts   bigint[]
) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off    -- plans are made while the tables are small
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    head_position bigint;
    head_us       bigint;
    last_position bigint := first_position + cardinality(states) - 1;
    refusal       text;
begin
    select h.position, h.recorded_us into strict head_position, head_us from journal.head h where h.only_one for update;
    if first_position <> head_position + 1 then
        raise exception 'position % does not follow the journal, which ends at %', first_position, head_position
            using errcode = 'LG002';
    end if;

    select format('position %s, stream %s version %s, partition %s number %s, does not continue the journal: %s',
                  first_position + e.n - 1, e.stream, e.version, e.partition, e.seq, e.wrong)
      into refusal
      from (select d.*,
                   case when d.version <> d.following then format('version %s should follow', d.following)
                        when d.prev_hash is distinct from d.hash_before
                        then format('it names another event than the one before, whose hash is %s',
                                    coalesce(encode(d.hash_before, 'hex'), 'none'))
                        when d.seq <> d.seq_following then format('number %s should follow', d.seq_following)
                        when d.us < d.us_before then 'it is older than the one before' end as wrong
              from (select r.*,
                           coalesce(s.version, 0) + row_number() over of_stream as following,
                           coalesce(lag(sha256(r.state)) over of_stream, s.head_hash) as hash_before,
                           coalesce(p.seq, 0) + row_number() over (partition by r.partition order by r.n)
                               as seq_following,
                           lag(r.us, 1, head_us) over (order by r.n) as us_before
                      from unnest(streams, versions, partitions, partition_seqs, times_us, prev_hashes, states)
                           with ordinality as r (stream, version, partition, seq, us, prev_hash, state, n)
                      left join journal.stream s on s.stream = r.stream
                      left join journal.partition p on p.partition = r.partition
                    window of_stream as (partition by r.stream order by r.n)) d) e
     where e.wrong is not null
     order by e.n
     limit 1;
    if refusal is not null then
        raise exception '%', refusal using errcode = 'LG002';
    end if;
    select format('the idempotency key of position %s is recorded already', c.first)
      into refusal
      from unnest(command_ids, command_firsts) as c (id, first)
      join journal.command k on k.command_id = c.id
     limit 1;
    if refusal is not null then
        raise exception '%', refusal using errcode = 'LG002';
    end if;

    insert into journal.event (position, stream, streamversion, type, topic, key, partition, partitionseq,
                               recorded_us, state)
    select first_position + e.n - 1, e.stream, e.version, e.type, e.topic, e.key, e.partition, e.seq, e.us, e.state
      from unnest(streams, versions, types, topics, keys, partitions, partition_seqs, times_us, states)
           with ordinality as e (stream, version, type, topic, key, partition, seq, us, state, n);

    insert into journal.stream as s (stream, version, head_hash, next_action_on)
    select distinct on (e.stream) e.stream, e.version, sha256(e.state), e.action_on
      from unnest(streams, versions, action_dates, states) as e (stream, version, action_on, state)
     order by e.stream, e.version desc
        on conflict (stream) do update
       set (version, head_hash, next_action_on) = (excluded.version, excluded.head_hash, excluded.next_action_on);

    insert into journal.partition as p (partition, seq)
    select e.partition, max(e.seq) from unnest(partitions, partition_seqs) as e (partition, seq) group by e.partition
        on conflict (partition) do update set seq = excluded.seq;

    insert into journal.command (command_id, command_hash, first_position, last_position)
    select * from unnest(command_ids, command_hashes, command_firsts, command_lasts);

    update journal.head h set position = last_position, recorded_us = times_us[cardinality(times_us)] where h.only_one;

    insert into journal.gate as g (started_at, system_identifier, timeline, position)
    values ('epoch', 0, 0, 0)
        on conflict (only_one) do update set (started_at, system_identifier, timeline, files) = ('epoch', 0, 0, '');

    perform pg_notify('journal', last_position::text);
    return last_position;
end
$$;

revoke all on function journal.server, journal.gate_state, journal.confirm_gate, journal.restore from public;
grant execute on function journal.gate_state to ledger_writer, ledger_relay, ledger_projector, ledger_reader;
grant execute on function journal.confirm_gate to ledger_relay;
