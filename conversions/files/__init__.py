"""Files that are whole or absent, on a disk or in a bucket."""
