"""What the data say: reports, not layout."""
