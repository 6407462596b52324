-- Requests for a second person, and orders over many sagas.

-- Which verbs need two persons: what the service was last started with, so that the command line asks as the service does.
create table approval_policy (
    one        boolean primary key check (one),
    verbs      text        not null,
    changed_at timestamptz not null
);

-- A verb that waits for a second person. Expired is what is open and a day old, or whose saga has moved on.
create table approval (
    id          uuid primary key,
    saga        uuid        not null,
    saga_kind   text        not null,
    seq         bigint      not null,
    verb        text        not null,
    reason      text        not null,
    asked_by    text        not null,
    asked_at    timestamptz not null,
    state       text        not null check (state in ('open', 'approved', 'rejected')),
    decided_by  text,
    answer      text,
    decided_at  timestamptz,
    item        uuid
);
create index approval_open on approval (asked_at, id) where state = 'open';
create index approval_saga on approval (saga, asked_at);

-- One verb over a fixed list of sagas. It is over when no item of it waits: nothing is counted aside.
create table bulk_job (
    id         uuid primary key,
    verb       text        not null,
    reason     text        not null,
    asked_by   text        not null,
    approver   text,
    per_second integer     not null check (per_second between 1 and 100),
    state      text        not null check (state in ('asked', 'running', 'cancelled')),
    asked_at   timestamptz not null,
    sent_at    timestamptz
);
create index bulk_job_running on bulk_job (id) where state = 'running';

create table bulk_item (
    job       uuid    not null,
    place     integer not null,
    saga      uuid    not null,
    saga_kind text    not null,
    state     text    not null check (state in ('waiting', 'sent', 'left_out', 'cancelled')),
    reason    text,
    item      uuid,
    primary key (job, place),
    unique (job, saga)
);
create index bulk_item_waiting on bulk_item (job, place) where state = 'waiting';
