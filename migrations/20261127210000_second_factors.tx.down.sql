DROP TABLE spent_steps;
DROP TABLE passkeys;
DROP TABLE recovery_codes;
ALTER TABLE operators DROP COLUMN passkey_handle, DROP COLUMN totp_step, DROP COLUMN totp_seed;
