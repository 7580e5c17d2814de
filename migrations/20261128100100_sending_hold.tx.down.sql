DROP TABLE sent_elsewhere;
DROP TABLE sending_hold;
