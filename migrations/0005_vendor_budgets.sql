-- What the nodes share about the vendors' limits.

-- How many calls were leased to whom: the arithmetic is the program's, the row is only locked and replaced. One row a vendor.
create table vendor_budget (
    vendor     text primary key,
    ledger     text        not null,
    changed_at timestamptz not null
);

-- Open circuit breakers. No row: closed.
create table breaker (
    vendor     text        not null,
    class      text        not null check (class in ('reads', 'writes')),
    since      timestamptz not null,
    -- The next call that may find out whether the vendor is back; whoever moves it on makes that call.
    probe_at   timestamptz not null,
    -- Probes that failed.
    probes     integer     not null,
    reason     text        not null,
    primary key (vendor, class)
);

-- Whose turn it is where a vendor takes fewer calls than are wanted: that of the open call.
alter table saga add column priority text;

-- A switch that was turned off goes on again in two steps: this is the first. A second person is the second.
alter table switch add column release_asked_by text;
alter table switch add column release_asked_at timestamptz;
