DROP TABLE receipt_checks;
DROP TABLE inbound_checks;
