"""The payments family: its events and, beside them, the JSON Schema of every version ever published."""
