"""What was used and what it cost, counted from the calls."""
