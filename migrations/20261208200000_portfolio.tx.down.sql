DROP TABLE portfolio_people;
DROP TABLE portfolio;
