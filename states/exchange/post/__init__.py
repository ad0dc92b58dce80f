"""Messages to learners."""
