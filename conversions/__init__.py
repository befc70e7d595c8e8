"""What the product does: the life of a conversion, from an upload to a result."""
