"""What keeps it going: workers, the sweep, housekeeping, retention, mails, signs of life."""
