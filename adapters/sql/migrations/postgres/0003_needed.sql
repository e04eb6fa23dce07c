-- Which schema a program has to know to work on this one. A step that leaves what there was as it
-- was raises only the version, and programs of before go on beside those that made it.

ALTER TABLE kmip_schema ADD COLUMN needed BIGINT NOT NULL DEFAULT 1;
