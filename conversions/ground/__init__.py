"""What everything stands on: connections, clock, disk, notes, trouble."""
