"""The web server of `loomtui serve`. It knows a command whose screens it shows, and nothing of nodes."""
