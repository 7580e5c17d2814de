DROP TABLE demo_runs;
