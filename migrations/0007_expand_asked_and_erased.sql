-- What one person has asked for and another has to agree to, by the same command within a day. It stands here until then;
-- what came of it is on record where it belongs. (The columns of `switch` for this are not read any more.)
create table asked (
    what     text primary key,
    asked_by text        not null,
    asked_at timestamptz not null
);

-- After a restore the erasures of the list outside are applied again: when, and how many customers were concerned.
alter table recovery add column erased_at timestamptz, add column erased bigint not null default 0;
