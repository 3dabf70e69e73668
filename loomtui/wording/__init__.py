"""How things are said, alike on the screens, on the command line and in reports. Pure."""
