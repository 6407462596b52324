-- When an organization's catalog was last looked at, by whichever node: a poll without a difference leaves this row alone, and
-- nothing in the log.
create table catalog_read (
    organization text primary key,
    -- A node took this poll upon itself (business time).
    asked_at     timestamptz not null,
    -- The last read that came to its end (business time), and what it saw.
    read_at      timestamptz,
    version      text,
    offerings    integer,
    differences  integer
);
