"""The read side: tables in PostgreSQL that follow the events, and the questions they answer."""
