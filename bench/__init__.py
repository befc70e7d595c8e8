"""Every performance claim, each a command that sets up what it needs and prints its figure on the last line."""
