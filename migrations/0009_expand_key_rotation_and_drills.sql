-- A checkpoint that names the key which signs from then on carries the signature of that key, too.
alter table checkpoint add column next_signature bytea check (length(next_signature) = 64);

-- Recoveries that were rehearsed, each on a database of its own. Append-only.
create table recovery_drill (
    id       uuid primary key,
    began_at timestamptz not null,
    ended_at timestamptz not null,
    principal text       not null,
    passed   boolean     not null,
    -- What was counted and what was not as it must be, as JSON.
    report   text        not null
);
create index recovery_drill_ended on recovery_drill (ended_at);
