DROP TABLE keyword_versions;
