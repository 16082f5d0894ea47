"""The demo: 500 real loans through journal, Kafka and projections, with the outcome checked against the file."""
