-- The owner of the journal cannot log in; nobody else may change what it holds. The others are groups: a login that
-- is a member of one of them gets just what that part of the ledger needs.
--   ledger_owner      owns tables and functions
--   ledger_writer     reads the journal, and appends to it through journal.append() only
--   ledger_relay      reads the journal, and keeps the lease of the relay
--   ledger_projector  reads the journal, and owns the read models
--   ledger_reader     reads
do $$
declare
    wanted text;
begin
    foreach wanted in array array['ledger_owner', 'ledger_writer', 'ledger_relay', 'ledger_projector', 'ledger_reader']
    loop
        -- Roles belong to the whole server: another book's migration may be making the same one just now.
        begin
            execute format('create role %I nologin', wanted);
        exception
            when duplicate_object or unique_violation then null;
        end;
        if not pg_has_role(current_user, wanted, 'set') then
            execute format('grant %I to current_user', wanted);
        end if;
    end loop;
end
$$;
