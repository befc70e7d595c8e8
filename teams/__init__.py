"""Who may: users, teams, membership, and the gatekeeper through which every object is reached."""
