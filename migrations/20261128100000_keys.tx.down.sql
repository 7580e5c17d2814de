DROP TABLE backups;
ALTER TABLE operators DROP CONSTRAINT operators_totp_seed_sealed;
DROP TABLE address_keys;
