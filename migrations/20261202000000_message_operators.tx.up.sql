-- Who wrote a reply or sent a test; null: nobody, a program, or before this was kept. Operators are never deleted.
ALTER TABLE messages ADD COLUMN operator_id bigint;
