-- Tokens of the private API. Of a token's text only the SHA-256 is kept: a copy of this table opens nothing.

-- A row is never deleted: it is the record of who gave what to whom, who agreed, and who took it back. Created, approved
-- and revoked are each written once.
create table token (
    id            uuid primary key,
    -- Who holds it. Two rows may have one name: the old and the new token of a rotation.
    name          text        not null,
    holder        text        not null check (holder in ('person', 'program')),
    role          text        not null check (role in ('viewer', 'support', 'finance', 'finance_approver', 'operator',
                                                       'admin', 'auditor', 'platform')),
    hash          bytea       not null unique check (length(hash) = 32),
    -- From where it may be used, e.g. 10.0.0.0/8; empty: from anywhere.
    addresses     text[]      not null,
    reason        text        not null,
    created_by    text        not null,
    created_at    timestamptz not null,
    expires_at    timestamptz not null check (expires_at <= created_at + interval '366 days'),
    -- It opens nothing until a second person has agreed.
    needs_second  boolean     not null,
    approved_by   text,
    approved_at   timestamptz,
    -- To the minute.
    last_used_at  timestamptz,
    revoked_by    text,
    revoked_at    timestamptz,
    revoke_reason text
);
create index token_name on token (name);
