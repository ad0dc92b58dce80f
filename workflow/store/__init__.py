"""The only part that knows a database."""
