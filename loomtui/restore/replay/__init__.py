"""A run that is over, played again from what was recorded of it. It reaches no node, and changes nothing."""
