"""What real clients refuse, and what is amiss in a certificate directory: rules as values, with their sources. Pure."""
