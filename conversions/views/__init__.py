"""The pages where people make, watch and find conversions."""
