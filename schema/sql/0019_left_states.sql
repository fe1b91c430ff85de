-- Nodes of states that rooms left when they became whole, for the collection (rooms/partial/collect.py). NULL: not known to be left;
-- 0: of such a state, and not looked at yet; else: when it was found to be part of no state.
ALTER TABLE state_nodes ADD COLUMN left_ts INTEGER;
CREATE INDEX state_nodes_left ON state_nodes (room_num, left_ts) WHERE left_ts IS NOT NULL;
