-- The audit trail in blocks, chained by node; what is left of a chain begins after its anchor.
-- Events from before are in the table audit until a server has put them into its chain.

CREATE TABLE audit_block (
    node    TEXT    NOT NULL,
    number  INTEGER NOT NULL CHECK (number > 0),
    events  INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    bytes   BLOB    NOT NULL,
    seal    BLOB    NOT NULL,
    PRIMARY KEY (node, number)
) STRICT;

CREATE TABLE audit_anchor (
    node       TEXT    NOT NULL PRIMARY KEY,
    number     INTEGER NOT NULL,
    block_seal BLOB    NOT NULL,
    seal       BLOB    NOT NULL
) STRICT;

-- What has been taken from usage limits; it changes without the revision.

ALTER TABLE record ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN spent_seal BLOB;
