CREATE SCHEMA journal;

ALTER SCHEMA journal OWNER TO ledger_owner;

CREATE SCHEMA ledger_migrations;

ALTER SCHEMA ledger_migrations OWNER TO whoever_migrated;

CREATE SCHEMA projections;

ALTER SCHEMA projections OWNER TO ledger_projector;

CREATE FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], read_requests integer[], read_streams text[], read_versions bigint[], action_requests integer[], action_streams text[], action_dates date[], event_requests integer[], streams text[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[]) RETURNS TABLE(outcome text, first_position bigint, last_position bigint, recorded_us bigint, detail text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], read_requests integer[], read_streams text[], read_versions bigint[], action_requests integer[], action_streams text[], action_dates date[], event_requests integer[], streams text[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[]) OWNER TO ledger_owner;

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

CREATE FUNCTION journal.verdicts(command_ids bytea[], command_hashes bytea[], read_requests integer[], read_streams text[], read_versions bigint[], event_requests integer[], streams text[], versions bigint[], prev_hashes bytea[], states bytea[]) RETURNS TABLE(request integer, outcome text, first_position bigint, last_position bigint, detail text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION journal.verdicts(command_ids bytea[], command_hashes bytea[], read_requests integer[], read_streams text[], read_versions bigint[], event_requests integer[], streams text[], versions bigint[], prev_hashes bytea[], states bytea[]) OWNER TO ledger_owner;

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

ALTER TABLE ONLY journal.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (command_id);

ALTER TABLE ONLY journal.event
    ADD CONSTRAINT event_partition_partitionseq_key UNIQUE (partition, partitionseq);

ALTER TABLE ONLY journal.event
    ADD CONSTRAINT event_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY journal.event
    ADD CONSTRAINT event_stream_streamversion_key UNIQUE (stream, streamversion);

ALTER TABLE ONLY journal.head
    ADD CONSTRAINT head_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY journal.partition
    ADD CONSTRAINT partition_pkey PRIMARY KEY (partition);

ALTER TABLE ONLY journal.relay_lease
    ADD CONSTRAINT relay_lease_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY journal.stream
    ADD CONSTRAINT stream_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY ledger_migrations.applied
    ADD CONSTRAINT applied_pkey PRIMARY KEY (name);

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

REVOKE ALL ON FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], read_requests integer[], read_streams text[], read_versions bigint[], action_requests integer[], action_streams text[], action_dates date[], event_requests integer[], streams text[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION journal.append(command_ids bytea[], command_hashes bytea[], read_requests integer[], read_streams text[], read_versions bigint[], action_requests integer[], action_streams text[], action_dates date[], event_requests integer[], streams text[], versions bigint[], types text[], topics text[], keys text[], partitions smallint[], prev_hashes bytea[], states bytea[]) TO ledger_writer;

REVOKE ALL ON FUNCTION journal.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION journal.verdicts(command_ids bytea[], command_hashes bytea[], read_requests integer[], read_streams text[], read_versions bigint[], event_requests integer[], streams text[], versions bigint[], prev_hashes bytea[], states bytea[]) FROM PUBLIC;

GRANT SELECT ON TABLE journal.command TO ledger_writer;
GRANT SELECT ON TABLE journal.command TO ledger_relay;
GRANT SELECT ON TABLE journal.command TO ledger_projector;
GRANT SELECT ON TABLE journal.command TO ledger_reader;

GRANT SELECT ON TABLE journal.event TO ledger_writer;
GRANT SELECT ON TABLE journal.event TO ledger_relay;
GRANT SELECT ON TABLE journal.event TO ledger_projector;
GRANT SELECT ON TABLE journal.event TO ledger_reader;

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

GRANT SELECT ON TABLE journal.stream TO ledger_writer;
GRANT SELECT ON TABLE journal.stream TO ledger_relay;
GRANT SELECT ON TABLE journal.stream TO ledger_projector;
GRANT SELECT ON TABLE journal.stream TO ledger_reader;

GRANT SELECT ON TABLE ledger_migrations.applied TO PUBLIC;

ALTER DEFAULT PRIVILEGES FOR ROLE ledger_projector IN SCHEMA projections GRANT SELECT ON TABLES TO ledger_reader;
