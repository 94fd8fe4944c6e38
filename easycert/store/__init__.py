"""Files of a certificate directory: layout, journal, lock, and their twin in memory."""
