"""Real PostgreSQL and real Apache Kafka for one machine, from wheels and pinned jars, under a small supervisor of ours.

`postgres.EmbeddedPostgres` and `kafka.EmbeddedKafka` start, share, report and stop a server whose data lies below one
folder. A server outlives the command that started it; whoever comes next with the same folder shares it.
"""
