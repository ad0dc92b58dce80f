"""Files of the LAR system, by profile."""
