"""Who reaches what: everything that is a team's is found through here."""
