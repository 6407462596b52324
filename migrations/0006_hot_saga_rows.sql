-- A running saga's row changes with each of its appends. None of the columns that change then is in an index any more, and
-- each page keeps room for the next version of its rows: Postgres changes the row in place and touches no index. What lists
-- order by, the start, never changes; that a saga wants the engine at once is always written as the same due time.
drop index saga_changed;
drop index saga_status;
drop index saga_customer;
create index saga_started on saga (started_at, id);
create index saga_status on saga (status, started_at, id);
create index saga_customer on saga (customer, started_at, id) where customer is not null;
alter table saga set (fillfactor = 70);
