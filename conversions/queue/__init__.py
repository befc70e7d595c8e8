"""The queue: the table of unfinished steps. The database is the truth, Redis only carries bells."""
