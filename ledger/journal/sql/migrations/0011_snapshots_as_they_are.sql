-- The state of a snapshot is kept as it is: to unpack the compressed bytes of a long life took longer than to read them.
set local role ledger_owner;

alter table journal.snapshot alter column state set storage external;
