-- The log proves itself: standing checks, signed checkpoints, and what follows a restore.

-- The last run of each standing check. `walked_to`: where a check that goes over all rows in time goes on.
create table standing_check (
    name      text primary key,
    ran_at    timestamptz not null,
    walked_to text
);

-- What a standing check found and has not seen mended yet.
create table standing_fault (
    name    text        not null,
    subject text        not null,
    detail  text        not null,
    since   timestamptz not null,
    primary key (name, subject)
);

create index saga_forgotten on saga (id) where due_at is null and parked_code is null and ended is null;

-- Public keys that checkpoints were signed with. Kept for ever.
create table checkpoint_key (
    id         text primary key,
    public_key bytea       not null check (length(public_key) = 32),
    first_used timestamptz not null
);

-- Where every shard's chain stood, signed. Append-only but for `published_at`. `body` is the exact text that is signed.
create table checkpoint (
    number       bigint primary key check (number > 0),
    made_at      timestamptz not null,
    body         text        not null,
    hash         bytea       not null check (length(hash) = 32),
    key          text        not null,
    signature    bytea       not null check (length(signature) = 64),
    published_at timestamptz
);
create index checkpoint_published on checkpoint (number) where published_at is not null;

-- Which database the log was last written in; what cannot be read from there is null.
create table database_identity (
    one               boolean primary key check (one),
    system_identifier text,
    timeline          bigint,
    database_oid      bigint      not null,
    seen_at           timestamptz not null
);

-- Restores and failovers. The one that is not released holds every write at a vendor.
create table recovery (
    number       bigint primary key check (number > 0),
    began_at     timestamptz not null,
    cause        text        not null,
    -- Where the chains stood when it began, as JSON.
    restored     text        not null,
    -- Business time of the last event that was restored; null: there was none.
    restored_at  timestamptz,
    -- The last checkpoint that was published, as JSON; null: none is known.
    published    text,
    -- What was declared lost, by whom and why, as JSON; null: nothing was declared yet.
    breaks       text,
    -- The checkpoint that declares it, once it was signed and published.
    signed       bigint,
    -- What the sweep of the vendors showed: sales of ours, and those of them that were told to their sagas.
    swept_at     timestamptz,
    found        bigint      not null default 0,
    adopted      bigint      not null default 0,
    unexplained  bigint      not null default 0,
    released_at  timestamptz,
    released_by  text,
    reason       text,
    -- Until then every searchable call is looked up before it is sent.
    search_until timestamptz
);
create unique index recovery_open on recovery ((true)) where released_at is null;
