-- State nodes stay: hardly any is ever left without a state that it is part of (ARCHITECTURE.md), and nothing collects those.
DROP TABLE rooms_to_collect;
DELETE FROM counters WHERE name = 'collection_epoch';
ALTER TABLE state_nodes DROP COLUMN epoch;
