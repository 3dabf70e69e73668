"""From the choice of a backup to the end of a run."""
