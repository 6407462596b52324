-- The continuous comparison: which keys something happened to, and which comparisons there are beside the scheduled ones.
create table reconciliation_dirty (
    kind        text        not null,
    key         text        not null,
    -- When something was said of it last, by business time.
    at          timestamptz not null,
    -- What had been said until then is compared, or is being compared now.
    compared_at timestamptz,
    -- When it was marked last, by the time of the database.
    marked_at   timestamptz not null,
    primary key (kind, key)
);
create index reconciliation_dirty_at on reconciliation_dirty (at);

-- How far the log was looked through, by the time of the database.
create table reconciliation_mark (
    name      text primary key,
    booked_at timestamptz not null
);

alter table reconciliation_run drop constraint reconciliation_run_kind_check;
alter table reconciliation_run add constraint reconciliation_run_kind_check
    check (kind in ('nightly', 'hourly', 'on_demand', 'continuous'));
