DROP TABLE settings, leases, api_tokens, sign_in_failures, sessions, operators;
