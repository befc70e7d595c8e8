"""Words and figures that any page, mail or form may use."""
