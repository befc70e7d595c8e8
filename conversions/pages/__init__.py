"""What pages show: queries and words, for one page each."""
