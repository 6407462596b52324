-- Whether a late delivery is about somebody who was erased is asked for each: mostly nobody was.
create index person_erased on person (customer) where data is null;
