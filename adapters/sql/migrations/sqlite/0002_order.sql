-- What a caller may see, newest first, without looking at the records themselves.

CREATE INDEX record_own_in_order
    ON record (owner, destroyed, seq, object_type, policy, identifier);
DROP INDEX record_by_object_type;
CREATE INDEX record_of_type_in_order
    ON record (object_type, policy, destroyed, seq, identifier);
