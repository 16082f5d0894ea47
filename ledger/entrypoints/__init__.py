"""The ways in: command line now, API and console later. The only place that sees everything."""
