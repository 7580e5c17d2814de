DROP TABLE import_contacts, import_rows_rejected, import_chunks, imports;
