"""One event of every version ever published, as stored bytes. They must load for ever."""
