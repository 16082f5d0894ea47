-- Where projections keep their tables. They make and drop them themselves; the journal knows nothing of them.
create schema projections authorization ledger_projector;
grant usage on schema projections to ledger_reader, ledger_writer;
alter default privileges for role ledger_projector in schema projections grant select on tables to ledger_reader;
