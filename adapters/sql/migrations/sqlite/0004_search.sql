-- Searches by state, algorithm and date that read what they find, and not what else there is.
--
-- Each has all that a search may ask for, so that counting looks at no record. What everybody may
-- see is mostly certificates, public keys and templates: only they have the second half, so that
-- other objects cost nothing there.

DROP INDEX record_by_owner;
CREATE INDEX record_own_by_state
    ON record (owner, object_type, policy, state, seq, destroyed, usage_mask);
CREATE INDEX record_own_by_algorithm
    ON record (owner, algorithm, state, seq, object_type, policy, destroyed, usage_mask);
CREATE INDEX record_own_by_date
    ON record (owner, initial_date, seq, object_type, policy, destroyed);
DROP INDEX record_by_next_change;
CREATE INDEX record_own_by_next_change
    ON record (owner, next_change_at) WHERE next_change_at IS NOT NULL;

CREATE INDEX record_open_by_state
    ON record (object_type, policy, state, seq, destroyed, usage_mask)
    WHERE object_type IN (1, 3, 6);
CREATE INDEX record_open_by_algorithm
    ON record (object_type, policy, algorithm, state, seq, destroyed, usage_mask)
    WHERE object_type IN (1, 3, 6);
CREATE INDEX record_open_by_date
    ON record (object_type, policy, initial_date, seq, destroyed)
    WHERE object_type IN (1, 3, 6);
CREATE INDEX record_open_by_next_change
    ON record (object_type, policy, next_change_at)
    WHERE object_type IN (1, 3, 6) AND next_change_at IS NOT NULL;
