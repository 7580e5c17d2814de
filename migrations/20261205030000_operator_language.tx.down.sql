ALTER TABLE operators DROP COLUMN language;
