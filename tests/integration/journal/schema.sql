CREATE SCHEMA journal;

ALTER SCHEMA journal OWNER TO ledger_owner;

CREATE SCHEMA ledger_migrations;

ALTER SCHEMA ledger_migrations OWNER TO whoever_migrated;

CREATE SCHEMA projections;

ALTER SCHEMA projections OWNER TO ledger_projector;

CREATE SCHEMA projections_next;

ALTER SCHEMA projections_next OWNER TO ledger_projector;

CREATE SCHEMA projections_old;

ALTER SCHEMA projections_old OWNER TO ledger_projector;

CREATE FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], sizes integer[], read_requests integer[], read_streams text[], read_versions bigint[], visit_requests integer[], visit_streams text[], visit_dates date[], event_requests integer[], event_reads integer[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[], lasts boolean[], action_dates date[]) RETURNS TABLE(outcome text, first_position bigint, last_position bigint, detail text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

ALTER FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], sizes integer[], read_requests integer[], read_streams text[], read_versions bigint[], visit_requests integer[], visit_streams text[], visit_dates date[], event_requests integer[], event_reads integer[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[], lasts boolean[], action_dates date[]) OWNER TO ledger_owner;

CREATE FUNCTION journal.confirm_gate(published bigint, published_hash text, asked_server text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION journal.confirm_gate(published bigint, published_hash text, asked_server text) OWNER TO ledger_owner;

CREATE FUNCTION journal.gate_open() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION journal.gate_open() OWNER TO ledger_owner;

CREATE FUNCTION journal.gate_state(OUT head bigint, OUT gate text, OUT server text) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select h.position,
           case when not exists (select from journal.gate) then 'none'
                when journal.gate_open() then 'open'
                else 'closed' end,
           s::text
      from journal.head h, journal.server() s
     where h.only_one
$$;

ALTER FUNCTION journal.gate_state(OUT head bigint, OUT gate text, OUT server text) OWNER TO ledger_owner;

CREATE FUNCTION journal.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    raise exception 'the journal is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege',
              hint = 'record a new event that corrects the old one';
end
$$;

ALTER FUNCTION journal.refuse_change() OWNER TO ledger_owner;

CREATE FUNCTION journal.restore(first_position bigint, streams text[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], partition_seqs bigint[], times_us bigint[], prev_hashes bytea[], action_dates date[], states bytea[], command_ids bytea[], command_hashes bytea[], command_firsts bigint[], command_lasts bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

ALTER FUNCTION journal.restore(first_position bigint, streams text[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], partition_seqs bigint[], times_us bigint[], prev_hashes bytea[], action_dates date[], states bytea[], command_ids bytea[], command_hashes bytea[], command_firsts bigint[], command_lasts bigint[]) OWNER TO ledger_owner;

CREATE FUNCTION journal.server(OUT started_at timestamp with time zone, OUT system_identifier bigint, OUT timeline bigint, OUT files text) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select pg_postmaster_start_time(),
           (select c.system_identifier from pg_control_system() c),
           ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint,
           pg_relation_filepath('journal.event')
$$;

ALTER FUNCTION journal.server(OUT started_at timestamp with time zone, OUT system_identifier bigint, OUT timeline bigint, OUT files text) OWNER TO ledger_owner;

CREATE TABLE journal.command (
    command_id bytea NOT NULL,
    command_hash bytea NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    CONSTRAINT command_command_hash_check CHECK ((length(command_hash) = 32)),
    CONSTRAINT command_command_id_check CHECK ((length(command_id) = 32))
);

ALTER TABLE journal.command OWNER TO ledger_owner;

CREATE TABLE journal.event (
    "position" bigint NOT NULL,
    stream text NOT NULL,
    streamversion bigint NOT NULL,
    type text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    partition smallint NOT NULL,
    partitionseq bigint NOT NULL,
    recorded_us bigint NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT event_partition_check CHECK ((partition >= 0)),
    CONSTRAINT event_partitionseq_check CHECK ((partitionseq > 0)),
    CONSTRAINT event_position_check CHECK (("position" > 0)),
    CONSTRAINT event_streamversion_check CHECK ((streamversion > 0))
);

ALTER TABLE journal.event OWNER TO ledger_owner;

CREATE TABLE journal.gate (
    only_one boolean DEFAULT true NOT NULL,
    started_at timestamp with time zone NOT NULL,
    system_identifier bigint NOT NULL,
    timeline bigint NOT NULL,
    confirmed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    "position" bigint NOT NULL,
    files text DEFAULT ''::text NOT NULL,
    CONSTRAINT gate_only_one_check CHECK (only_one),
    CONSTRAINT gate_position_check CHECK (("position" >= 0))
);

ALTER TABLE journal.gate OWNER TO ledger_owner;

CREATE TABLE journal.head (
    only_one boolean DEFAULT true NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    recorded_us bigint DEFAULT 0 NOT NULL,
    CONSTRAINT head_only_one_check CHECK (only_one),
    CONSTRAINT head_position_check CHECK (("position" >= 0))
);

ALTER TABLE journal.head OWNER TO ledger_owner;

CREATE TABLE journal.partition (
    partition smallint NOT NULL,
    seq bigint NOT NULL
);

ALTER TABLE journal.partition OWNER TO ledger_owner;

CREATE TABLE journal.relay_lease (
    only_one boolean DEFAULT true NOT NULL,
    holder text NOT NULL,
    renewed_at timestamp with time zone NOT NULL,
    CONSTRAINT relay_lease_only_one_check CHECK (only_one)
);

ALTER TABLE journal.relay_lease OWNER TO ledger_owner;

CREATE TABLE journal.snapshot (
    stream text NOT NULL,
    version bigint NOT NULL,
    head_hash bytea NOT NULL,
    format text NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT snapshot_head_hash_check CHECK ((length(head_hash) = 32)),
    CONSTRAINT snapshot_version_check CHECK ((version > 0))
);
ALTER TABLE ONLY journal.snapshot ALTER COLUMN state SET STORAGE EXTERNAL;

ALTER TABLE journal.snapshot OWNER TO ledger_owner;

CREATE TABLE journal.snapshot_block (
    stream text NOT NULL,
    nth integer NOT NULL,
    format text NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT snapshot_block_nth_check CHECK ((nth >= 0))
);

ALTER TABLE journal.snapshot_block OWNER TO ledger_owner;

CREATE TABLE journal.stream (
    stream text NOT NULL,
    version bigint NOT NULL,
    head_hash bytea,
    next_action_on date,
    CONSTRAINT stream_head_hash_check CHECK ((length(head_hash) = 32)),
    CONSTRAINT stream_version_check CHECK ((version >= 0))
);

ALTER TABLE journal.stream OWNER TO ledger_owner;

CREATE TABLE ledger_migrations.applied (
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ledger_migrations.applied OWNER TO whoever_migrated;

CREATE TABLE projections.build (
    projection text NOT NULL,
    place text NOT NULL,
    version integer NOT NULL,
    tables text[] NOT NULL,
    is_indexed boolean DEFAULT false NOT NULL,
    digest text,
    replaced_digest text,
    positions jsonb,
    swapped_at timestamp with time zone,
    swapped_by text,
    reason text,
    CONSTRAINT build_place_check CHECK ((place = ANY (ARRAY['live'::text, 'next'::text, 'old'::text])))
);

ALTER TABLE projections.build OWNER TO ledger_projector;

CREATE TABLE projections.checkpoint (
    projection text NOT NULL,
    book text NOT NULL,
    partition smallint NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    partitionseq bigint DEFAULT 0 NOT NULL,
    owner_epoch bigint DEFAULT 0 NOT NULL,
    kafka_offset bigint,
    problem text,
    place text NOT NULL,
    CONSTRAINT checkpoint_place_check CHECK ((place = ANY (ARRAY['live'::text, 'next'::text, 'old'::text])))
);

ALTER TABLE projections.checkpoint OWNER TO ledger_projector;

CREATE TABLE projections.dead_letter (
    projection text NOT NULL,
    book text NOT NULL,
    "position" bigint NOT NULL,
    partition smallint NOT NULL,
    type text NOT NULL,
    stream text,
    key text,
    hash text NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    first_seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    skipped boolean DEFAULT false NOT NULL
);

ALTER TABLE projections.dead_letter OWNER TO ledger_projector;

CREATE TABLE projections.worker (
    id text NOT NULL,
    book text NOT NULL,
    feed text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

ALTER TABLE projections.worker OWNER TO ledger_projector;

ALTER TABLE ONLY journal.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (command_id);

ALTER TABLE ONLY journal.event
    ADD CONSTRAINT event_partition_partitionseq_key UNIQUE (partition, partitionseq);

ALTER TABLE ONLY journal.event
    ADD CONSTRAINT event_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY journal.event
    ADD CONSTRAINT event_stream_streamversion_key UNIQUE (stream, streamversion);

ALTER TABLE ONLY journal.gate
    ADD CONSTRAINT gate_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY journal.head
    ADD CONSTRAINT head_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY journal.partition
    ADD CONSTRAINT partition_pkey PRIMARY KEY (partition);

ALTER TABLE ONLY journal.relay_lease
    ADD CONSTRAINT relay_lease_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY journal.snapshot_block
    ADD CONSTRAINT snapshot_block_pkey PRIMARY KEY (stream, nth);

ALTER TABLE ONLY journal.snapshot
    ADD CONSTRAINT snapshot_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY journal.stream
    ADD CONSTRAINT stream_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY ledger_migrations.applied
    ADD CONSTRAINT applied_pkey PRIMARY KEY (name);

ALTER TABLE ONLY projections.build
    ADD CONSTRAINT build_pkey PRIMARY KEY (projection, place);

ALTER TABLE ONLY projections.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (projection, place, book, partition);

ALTER TABLE ONLY projections.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (projection, book, "position");

ALTER TABLE ONLY projections.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX one_book ON journal.event USING btree (type) WHERE (type = 'ledger.book.opened.v1'::text);

CREATE INDEX stream_next_action ON journal.stream USING btree (next_action_on, stream) WHERE (next_action_on IS NOT NULL);

CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON journal.command FOR EACH ROW EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.command ENABLE ALWAYS TRIGGER append_only_rows;

CREATE TRIGGER append_only_rows BEFORE DELETE OR UPDATE ON journal.event FOR EACH ROW EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.event ENABLE ALWAYS TRIGGER append_only_rows;

CREATE TRIGGER append_only_statements BEFORE DELETE OR UPDATE OR TRUNCATE ON journal.command FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.command ENABLE ALWAYS TRIGGER append_only_statements;

CREATE TRIGGER append_only_statements BEFORE DELETE OR UPDATE OR TRUNCATE ON journal.event FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.event ENABLE ALWAYS TRIGGER append_only_statements;

GRANT USAGE ON SCHEMA journal TO ledger_writer;
GRANT USAGE ON SCHEMA journal TO ledger_relay;
GRANT USAGE ON SCHEMA journal TO ledger_projector;
GRANT USAGE ON SCHEMA journal TO ledger_reader;

GRANT USAGE ON SCHEMA ledger_migrations TO PUBLIC;

GRANT USAGE ON SCHEMA projections TO ledger_reader;
GRANT USAGE ON SCHEMA projections TO ledger_writer;

GRANT USAGE ON SCHEMA projections_next TO ledger_reader;

GRANT USAGE ON SCHEMA projections_old TO ledger_reader;

REVOKE ALL ON FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], sizes integer[], read_requests integer[], read_streams text[], read_versions bigint[], visit_requests integer[], visit_streams text[], visit_dates date[], event_requests integer[], event_reads integer[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[], lasts boolean[], action_dates date[]) FROM PUBLIC;
GRANT ALL ON FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], sizes integer[], read_requests integer[], read_streams text[], read_versions bigint[], visit_requests integer[], visit_streams text[], visit_dates date[], event_requests integer[], event_reads integer[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[], lasts boolean[], action_dates date[]) TO ledger_writer;

REVOKE ALL ON FUNCTION journal.confirm_gate(published bigint, published_hash text, asked_server text) FROM PUBLIC;
GRANT ALL ON FUNCTION journal.confirm_gate(published bigint, published_hash text, asked_server text) TO ledger_relay;

REVOKE ALL ON FUNCTION journal.gate_open() FROM PUBLIC;
GRANT ALL ON FUNCTION journal.gate_open() TO ledger_writer;
GRANT ALL ON FUNCTION journal.gate_open() TO ledger_relay;
GRANT ALL ON FUNCTION journal.gate_open() TO ledger_projector;
GRANT ALL ON FUNCTION journal.gate_open() TO ledger_reader;

REVOKE ALL ON FUNCTION journal.gate_state(OUT head bigint, OUT gate text, OUT server text) FROM PUBLIC;
GRANT ALL ON FUNCTION journal.gate_state(OUT head bigint, OUT gate text, OUT server text) TO ledger_writer;
GRANT ALL ON FUNCTION journal.gate_state(OUT head bigint, OUT gate text, OUT server text) TO ledger_relay;
GRANT ALL ON FUNCTION journal.gate_state(OUT head bigint, OUT gate text, OUT server text) TO ledger_projector;
GRANT ALL ON FUNCTION journal.gate_state(OUT head bigint, OUT gate text, OUT server text) TO ledger_reader;

REVOKE ALL ON FUNCTION journal.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION journal.restore(first_position bigint, streams text[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], partition_seqs bigint[], times_us bigint[], prev_hashes bytea[], action_dates date[], states bytea[], command_ids bytea[], command_hashes bytea[], command_firsts bigint[], command_lasts bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION journal.server(OUT started_at timestamp with time zone, OUT system_identifier bigint, OUT timeline bigint, OUT files text) FROM PUBLIC;

GRANT SELECT ON TABLE journal.command TO ledger_writer;
GRANT SELECT ON TABLE journal.command TO ledger_relay;
GRANT SELECT ON TABLE journal.command TO ledger_projector;
GRANT SELECT ON TABLE journal.command TO ledger_reader;

GRANT SELECT ON TABLE journal.event TO ledger_writer;
GRANT SELECT ON TABLE journal.event TO ledger_relay;
GRANT SELECT ON TABLE journal.event TO ledger_projector;
GRANT SELECT ON TABLE journal.event TO ledger_reader;

GRANT SELECT ON TABLE journal.gate TO ledger_writer;
GRANT SELECT ON TABLE journal.gate TO ledger_relay;
GRANT SELECT ON TABLE journal.gate TO ledger_projector;
GRANT SELECT ON TABLE journal.gate TO ledger_reader;

GRANT SELECT ON TABLE journal.head TO ledger_writer;
GRANT SELECT ON TABLE journal.head TO ledger_relay;
GRANT SELECT ON TABLE journal.head TO ledger_projector;
GRANT SELECT ON TABLE journal.head TO ledger_reader;

GRANT SELECT ON TABLE journal.partition TO ledger_writer;
GRANT SELECT ON TABLE journal.partition TO ledger_relay;
GRANT SELECT ON TABLE journal.partition TO ledger_projector;
GRANT SELECT ON TABLE journal.partition TO ledger_reader;

GRANT SELECT ON TABLE journal.relay_lease TO ledger_writer;
GRANT SELECT ON TABLE journal.relay_lease TO ledger_projector;
GRANT SELECT ON TABLE journal.relay_lease TO ledger_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE journal.relay_lease TO ledger_relay;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE journal.snapshot TO ledger_writer;
GRANT SELECT ON TABLE journal.snapshot TO ledger_relay;
GRANT SELECT ON TABLE journal.snapshot TO ledger_projector;
GRANT SELECT ON TABLE journal.snapshot TO ledger_reader;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE journal.snapshot_block TO ledger_writer;
GRANT SELECT ON TABLE journal.snapshot_block TO ledger_relay;
GRANT SELECT ON TABLE journal.snapshot_block TO ledger_projector;
GRANT SELECT ON TABLE journal.snapshot_block TO ledger_reader;

GRANT SELECT ON TABLE journal.stream TO ledger_writer;
GRANT SELECT ON TABLE journal.stream TO ledger_relay;
GRANT SELECT ON TABLE journal.stream TO ledger_projector;
GRANT SELECT ON TABLE journal.stream TO ledger_reader;

GRANT SELECT ON TABLE ledger_migrations.applied TO PUBLIC;

GRANT SELECT ON TABLE projections.build TO ledger_reader;

GRANT SELECT ON TABLE projections.checkpoint TO ledger_reader;

GRANT SELECT ON TABLE projections.dead_letter TO ledger_reader;

GRANT SELECT ON TABLE projections.worker TO ledger_reader;

ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector IN SCHEMA projections GRANT SELECT ON TABLES TO ledger_reader;

ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector IN SCHEMA projections_next GRANT SELECT ON TABLES TO ledger_reader;

ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector IN SCHEMA projections_old GRANT SELECT ON TABLES TO ledger_reader;
