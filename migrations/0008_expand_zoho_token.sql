-- The access token of a vendor's credential, shared by all nodes: sealed, with how many there were, when the vendor was asked
-- for one, and who asks it now. A credential is named by a hash.
create table vendor_token (
    credential    text primary key,
    sealed        bytea,
    expires_at    timestamptz,
    generation    bigint        not null default 0,
    asked_at      timestamptz[] not null default '{}',
    blocked_until timestamptz,
    lease         uuid,
    lease_until   timestamptz
);
