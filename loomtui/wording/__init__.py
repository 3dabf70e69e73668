"""How things are said. The screens, the command line and reports say them alike. Pure."""
