-- What each record elsewhere was given last of a customer, field by field: personal, erased with the person. A change is
-- told from it, and an echo of our own writes.
create table profile_copy (
    customer   text not null,
    target     text not null,
    data       text not null,
    changed_at timestamptz not null,
    primary key (customer, target)
);

-- What others had written there and was written over: kept until it stands in a note.
create table profile_displaced (
    customer   text not null,
    mark       text not null,
    target     text not null,
    data       text not null,
    changed_at timestamptz not null,
    primary key (customer, mark, target)
);
