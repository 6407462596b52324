-- Where the money of a transaction stands is asked for each one that is paid out, and compared for each night.
create index journal_transaction on journal (transaction_id) where transaction_id is not null;
