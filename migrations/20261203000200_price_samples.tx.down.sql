DROP TABLE price_samples;
