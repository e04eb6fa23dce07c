-- Records, what they can be found by, the audit trail and the wrapped data keys.

CREATE TABLE record (
    seq            INTEGER PRIMARY KEY,
    identifier     TEXT    NOT NULL UNIQUE,
    revision       INTEGER NOT NULL CHECK (revision > 0),
    owner          TEXT    NOT NULL,
    policy         TEXT    NOT NULL,
    object_type    INTEGER NOT NULL,
    state          INTEGER,
    next_change_at INTEGER,
    initial_date   INTEGER NOT NULL,
    algorithm      INTEGER,
    length         INTEGER,
    usage_mask     INTEGER,
    destroyed      INTEGER NOT NULL CHECK (destroyed IN (0, 1)),
    key_number     INTEGER NOT NULL,
    sealed         BLOB    NOT NULL
) STRICT;

-- Every index ends in seq, the row number, so that each gives its records newest first.
CREATE INDEX record_by_owner ON record (owner, object_type, policy);
CREATE INDEX record_by_object_type ON record (object_type, policy);
CREATE INDEX record_by_next_change ON record (next_change_at) WHERE next_change_at IS NOT NULL;

CREATE TABLE term (
    seq       INTEGER NOT NULL REFERENCES record (seq),
    attribute INTEGER NOT NULL,
    value     BLOB    NOT NULL,
    PRIMARY KEY (seq, attribute, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX term_by_value ON term (attribute, value, seq DESC);

CREATE TABLE audit (
    number      INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    user        TEXT    NOT NULL,
    operation   INTEGER NOT NULL,
    identifier  TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    correlation TEXT
) STRICT;

-- seq keeps the order in which keys were added.
CREATE TABLE data_key (
    seq     INTEGER PRIMARY KEY,
    number  INTEGER NOT NULL UNIQUE,
    wrapped BLOB    NOT NULL
) STRICT;
