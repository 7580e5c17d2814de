-- Neither mark on a contact is for ever.
ALTER TABLE contacts
    ADD COLUMN unreachable_until timestamptz, -- with reachable = false
    ADD COLUMN ineligible_until  timestamptz, -- with marketing_eligible = false
    ADD COLUMN ineligible_reason text NOT NULL DEFAULT '';
