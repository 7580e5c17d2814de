ALTER TABLE campaigns
    DROP COLUMN send_to_team;
DROP TABLE team_contacts;
