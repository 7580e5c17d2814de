-- Contacts of the team: tests go to them, and a campaign may go to them as it starts.
CREATE TABLE team_contacts (
    contact_id bigint PRIMARY KEY REFERENCES contacts (id),
    added_by   bigint REFERENCES operators (id),
    added_at   timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE campaigns
    ADD COLUMN send_to_team boolean NOT NULL DEFAULT false;
