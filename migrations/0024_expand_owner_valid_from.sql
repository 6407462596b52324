-- From which day of an invoice on (books zone) whoever is on record collects it; null: whatever is open. Set where a subscription
-- was handed over: the term that runs is the former collector's.
alter table collection_owner add column valid_from date;
