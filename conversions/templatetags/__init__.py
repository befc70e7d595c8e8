"""Template tags: one library a subject."""
