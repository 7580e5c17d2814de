DROP TABLE campaign_languages;
