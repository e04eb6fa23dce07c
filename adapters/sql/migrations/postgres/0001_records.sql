-- Records, what they can be found by, the audit trail and the wrapped data keys.
--
-- Text is compared by its bytes, whatever the locale of the database is. U+0000, which PostgreSQL
-- cannot keep, is written as U+0001 and "0", and U+0001 as itself and "1".

CREATE SEQUENCE record_seq AS BIGINT;

CREATE TABLE record (
    seq            BIGINT PRIMARY KEY,
    identifier     TEXT COLLATE "C" NOT NULL UNIQUE,
    revision       BIGINT  NOT NULL CHECK (revision > 0),
    owner          TEXT COLLATE "C" NOT NULL,
    policy         TEXT COLLATE "C" NOT NULL,
    object_type    BIGINT  NOT NULL,
    state          BIGINT,
    next_change_at BIGINT,
    initial_date   BIGINT  NOT NULL,
    algorithm      BIGINT,
    length         BIGINT,
    usage_mask     BIGINT,
    destroyed      BOOLEAN NOT NULL,
    key_number     BIGINT  NOT NULL,
    sealed         BYTEA   NOT NULL,
    -- What has been taken from usage limits; it changes without the revision.
    spent          BIGINT  NOT NULL,
    spent_seal     BYTEA
) WITH (fillfactor = 85);

-- What is sealed cannot be compressed.
ALTER TABLE record ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE INDEX record_by_next_change ON record (next_change_at) WHERE next_change_at IS NOT NULL;
-- What a caller may see, newest first, without looking at the records themselves.
CREATE INDEX record_own_in_order
    ON record (owner, destroyed, seq) INCLUDE (object_type, policy, identifier);
CREATE INDEX record_of_type_in_order
    ON record (object_type, policy, destroyed, seq) INCLUDE (identifier);

CREATE TABLE term (
    seq       BIGINT NOT NULL REFERENCES record (seq),
    attribute BIGINT NOT NULL,
    value     BYTEA  NOT NULL,
    PRIMARY KEY (seq, attribute, value)
);

CREATE INDEX term_by_value ON term (attribute, value, seq);

-- The audit trail in blocks, chained by node; what is left of a chain begins after its anchor.
CREATE TABLE audit_block (
    node    TEXT COLLATE "C" NOT NULL,
    number  BIGINT NOT NULL CHECK (number > 0),
    events  BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    bytes   BYTEA  NOT NULL,
    seal    BYTEA  NOT NULL,
    PRIMARY KEY (node, number)
);

CREATE TABLE audit_anchor (
    node       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number     BIGINT NOT NULL,
    block_seal BYTEA  NOT NULL,
    seal       BYTEA  NOT NULL
);

-- seq keeps the order in which keys were added.
CREATE TABLE data_key (
    seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number  BIGINT NOT NULL UNIQUE,
    wrapped BYTEA  NOT NULL
);
