-- Runs of the reconciliation, what each read so far, and findings: one a code and key, whichever run saw it.
create table reconciliation_run (
    id         uuid primary key,
    kind       text        not null check (kind in ('nightly', 'hourly', 'on_demand')),
    -- A scheduled run has one slot, and a slot one run: whichever node is first.
    slot       text unique,
    legs       text        not null,
    from_at    timestamptz not null,
    to_at      timestamptz not null,
    asked_by   text        not null,
    asked_at   timestamptz not null,
    state      text        not null check (state in ('running', 'stopped', 'done', 'failed')),
    -- Steps that are done: a node goes on from here, and only from here.
    step       integer     not null check (step >= 0),
    steps      integer     not null check (steps >= 0),
    doing      text        not null,
    -- The plan, and what was read and used so far, as JSON.
    work       text        not null,
    -- Not before: a vendor takes no more calls of ours until then.
    resume_at  timestamptz,
    complete   boolean,
    report     text,
    hash       bytea check (length(hash) = 32),
    changed_at timestamptz not null
);
create index reconciliation_run_open on reconciliation_run (asked_at) where state = 'running';
create index reconciliation_run_asked on reconciliation_run (asked_at, id);

-- Calls that runs made, by vendor and day (UTC).
create table reconciliation_call (
    day    date    not null,
    vendor text    not null,
    calls  bigint  not null,
    primary key (day, vendor)
);

-- What a run that is under way has read. Emptied when it ends: the report holds what it came to.
create table reconciliation_read (
    run     uuid not null,
    source  text not null,
    key     text not null,
    content text not null,
    primary key (run, source, key)
);

-- An invoice as it was read last: read again only once its row in the list has changed.
create table reconciliation_invoice (
    invoice    text primary key,
    changed_at text        not null,
    content    text        not null,
    read_at    timestamptz not null
);

create table finding (
    id             uuid primary key,
    code           text        not null,
    key            text        not null,
    leg            text        not null,
    severity       smallint    not null check (severity between 1 and 3),
    owner          text        not null,
    state          text        not null check (state in ('open', 'ignored', 'settled', 'resolved')),
    customer       text,
    subscription   text,
    invoice        text,
    transaction_id text,
    left_says      text        not null,
    right_says     text        not null,
    detail         text        not null,
    amount_minor   bigint,
    currency       text,
    -- When what it is about happened.
    dated          timestamptz not null,
    first_seen     timestamptz not null,
    last_seen      timestamptz not null,
    occurrences    bigint      not null,
    last_run       uuid        not null,
    -- How often something was done about it by itself.
    tries          integer     not null,
    unique (code, key),
    check ((amount_minor is null) = (currency is null))
);
create index finding_state on finding (state, severity, first_seen, id);

-- What became of each finding, by whom and why. Append-only.
create table finding_act (
    id      uuid primary key,
    finding uuid        not null,
    at      timestamptz not null,
    act     text        not null,
    by      text        not null,
    reason  text        not null,
    run     uuid
);
create index finding_act_finding on finding_act (finding, at);
