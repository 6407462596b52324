-- The tables of one installation. Ids are made by the application; `shard` leads every hot key.
-- No sequences, triggers, advisory locks or deferred constraints: see README.md.

-- Who this database belongs to. Exactly one row.
create table installation (
    one                boolean primary key check (one),
    environment        text        not null,
    prefix             text        not null,
    braintree_merchant text        not null,
    zoho_organisation  text        not null,
    attio_workspace    text        not null,
    shards             integer     not null check (shards between 1 and 32767),
    created_at         timestamptz not null
);

-- One row per running process. A row that is gone is a node that is gone: its id never comes back.
create table node (
    id          uuid primary key,
    name        text        not null,
    joined_at   timestamptz not null,
    lease_until timestamptz not null
);

-- Who owns a shard. Changes only on take-over (epoch + 1) and hand-over (node is null).
create table shard (
    shard integer primary key,
    node  uuid,
    epoch bigint not null
);

-- One line per saga for lists and the scheduler: a projection of its events.
create table saga (
    shard         integer     not null,
    id            uuid        not null,
    kind          text        not null,
    version       integer     not null,
    seq           bigint      not null,
    status        text        not null,
    state         text        not null,
    title         text        not null,
    customer      text,
    amount_minor  bigint,
    currency      text,
    due_at        timestamptz,
    waiting_for   text,
    step          text,
    parked_code   text,
    parked_detail text,
    parked_since  timestamptz,
    ended         text,
    changed_at    timestamptz not null,
    started_at    timestamptz not null,
    primary key (shard, id),
    check ((amount_minor is null) = (currency is null))
);
create index saga_id on saga (id);
create index saga_due on saga (shard, due_at) where due_at is not null;
create index saga_changed on saga (changed_at, id);
create index saga_status on saga (status, changed_at, id);
create index saga_customer on saga (customer, changed_at, id) where customer is not null;

-- The log. Append-only: the program never updates or deletes a row of it.
create table event (
    shard        integer     not null,
    pos          bigint      not null check (pos > 0),
    saga         uuid        not null,
    seq          bigint      not null check (seq > 0),
    id           uuid        not null,
    name         text        not null,
    payload      text        not null,
    principal    text        not null,
    at           timestamptz not null,
    amount_minor bigint,
    currency     text,
    prev_hash    bytea       not null check (length(prev_hash) = 32),
    hash         bytea       not null check (length(hash) = 32),
    booked_at    timestamptz not null,
    primary key (shard, pos),
    unique (shard, saga, seq),
    check ((amount_minor is null) = (currency is null))
);
create index event_id on event (id);
create index event_business on event (booked_at, shard, pos) where name not like 'step.%';

-- Search by any id that a vendor or we gave: to the saga and the event.
create table reference (
    kind  text    not null,
    value text    not null,
    event uuid    not null,
    shard integer not null,
    saga  uuid    not null,
    primary key (kind, value, event)
);
create index reference_value on reference (value);
create index reference_event on reference (event);

-- Fences and reservations across sagas: one saga at most holds a (kind, key).
create table claim (
    kind        text        not null,
    key         text        not null,
    saga        uuid        not null,
    step        text        not null,
    state       text        not null check (state in ('reserved', 'confirmed')),
    reserved_at timestamptz not null,
    primary key (kind, key)
);
create index claim_saga on claim (saga);
create index claim_reserved on claim (reserved_at) where state = 'reserved';

-- Charges of one card in rolling windows. `card` is only locked: counting is one at a time per card.
create table card (
    card text primary key
);
create table card_charge (
    order_id text primary key,
    card     text        not null,
    brand    text        not null,
    saga     uuid        not null,
    state    text        not null check (state in ('reserved', 'spent', 'given_back')),
    at       timestamptz not null
);
create index card_charge_card on card_charge (card, at);

-- Collection of an invoice on hold.
create table hold (
    invoice text        not null,
    reason  text        not null,
    since   timestamptz not null,
    event   uuid        not null,
    primary key (invoice, reason)
);

-- The sub-ledger. Written with the event that causes it.
create table journal (
    shard          integer     not null,
    id             uuid        not null,
    event          uuid        not null,
    rule           text        not null,
    effective      date        not null,
    booked_at      timestamptz not null,
    customer       text,
    subscription   text,
    invoice        text,
    transaction_id text,
    zoho_payment   text,
    channel        text,
    primary key (shard, id)
);
create index journal_event on journal (event);
create index journal_invoice on journal (invoice) where invoice is not null;
create index journal_effective on journal (effective, id);

create table journal_line (
    shard        integer not null,
    journal      uuid    not null,
    line         integer not null,
    account      integer not null,
    side         text    not null check (side in ('debit', 'credit')),
    amount_minor bigint  not null check (amount_minor > 0),
    currency     text    not null,
    primary key (shard, journal, line)
);
create index journal_line_account on journal_line (account, currency);

-- Raw deliveries of the vendors' webhooks. The body is personal data: erased after a while, the row stays.
create table inbox (
    id           uuid primary key,
    vendor       text        not null,
    delivery_key text        not null,
    received_at  timestamptz not null,
    headers      text        not null,
    body         bytea       not null,
    state        text        not null check (state in ('received', 'routed', 'ignored', 'dead')),
    reason       text,
    unique (vendor, delivery_key)
);
create index inbox_received on inbox (received_at, id) where state = 'received';

-- What is not stored is counted.
create table inbox_counter (
    vendor text   not null,
    what   text   not null check (what in ('duplicate', 'rejected')),
    n      bigint not null,
    primary key (vendor, what)
);

-- One thing for one saga: from a delivery, or a command from outside.
create table item (
    id              uuid primary key,
    shard           integer     not null,
    saga            uuid        not null,
    saga_kind       text        not null,
    delivery        uuid,
    kind            text        not null,
    principal       text        not null,
    body            text        not null,
    waiting_key     text,
    state           text        not null check (state in ('ready', 'waiting', 'applied', 'refused', 'dead')),
    reason          text,
    idempotency_key text unique,
    created_at      timestamptz not null,
    check (state <> 'waiting' or waiting_key is not null)
);
create index item_ready on item (shard, created_at, id) where state = 'ready';
create index item_waiting on item (waiting_key) where state = 'waiting';
create index item_delivery on item (delivery) where delivery is not null;
create index item_saga on item (saga, created_at);

-- A delivery's state follows from its items; it is never counted aside.
create view inbox_status as
select i.id, i.vendor, i.delivery_key, i.received_at, i.reason,
    case
        when i.state <> 'routed' then i.state
        when exists (select 1 from item t where t.delivery = i.id and t.state in ('ready', 'waiting')) then 'routed'
        when exists (select 1 from item t where t.delivery = i.id and t.state = 'dead') then 'dead'
        else 'processed'
    end as state
from inbox i;

-- Our customer and subscription ids, and the vendors': one ours, one theirs, per kind.
create table link (
    kind       text        not null,
    ours       text        not null,
    theirs     text        not null,
    created_at timestamptz not null,
    primary key (kind, ours),
    unique (kind, theirs)
);
create index link_ours on link (ours);

create table customer_settings (
    customer        text primary key,
    one_off_consent boolean     not null,
    changed_by      text        not null,
    changed_at      timestamptz not null
);

-- Who collects a subscription's money. No row: nobody, it is mirrored.
create table collection_owner (
    subscription text primary key,
    owner        text        not null check (owner in ('orchestrator', 'braintree_recurring', 'zoho_native')),
    changed_by   text        not null,
    changed_at   timestamptz not null
);

-- Personal data, outside the log, so that it can be erased. `data` is null once it was.
create table person (
    customer   text primary key,
    data       text,
    changed_at timestamptz not null
);

-- The outbox of mails: what became of each. No address, no name, no text.
create table mail (
    message_id text primary key,
    saga       uuid,
    template   text        not null,
    customer   text,
    state      text        not null check (state in ('sending', 'sent', 'refused', 'not_sent', 'unknown')),
    -- How often its text may have reached somebody.
    attempts   integer     not null check (attempts >= 0),
    -- The server's last words, without addresses.
    reply      text,
    changed_at timestamptz not null
);
create index mail_saga on mail (saga) where saga is not null;
create index mail_customer on mail (customer) where customer is not null;

-- From where a customer agreed: personal data, `data` is null once it was erased.
create table consent_evidence (
    id       uuid primary key,
    customer text        not null,
    data     text,
    kept_at  timestamptz not null
);
create index consent_evidence_customer on consent_evidence (customer);

-- Single-use inputs (a nonce), sealed; deleted at use or when old.
create table secret_input (
    id         uuid primary key,
    class      text        not null,
    sealed     bytea       not null,
    created_at timestamptz not null
);
create index secret_input_created on secret_input (created_at);

-- Kill switches. No row: on.
create table switch (
    operation  text primary key,
    off        boolean     not null,
    reason     text        not null,
    changed_by text        not null,
    changed_at timestamptz not null
);

-- The practice vendor's book. A `take` has no id of ours at the vendor: twice taken is twice here.
create table practice_book (
    id           uuid primary key,
    kind         text        not null check (kind in ('reservation', 'take', 'note')),
    reference    text        not null,
    amount_minor bigint,
    currency     text,
    at           timestamptz not null
);
create unique index practice_book_chosen on practice_book (kind, reference) where kind <> 'take';
create index practice_book_reference on practice_book (reference);
