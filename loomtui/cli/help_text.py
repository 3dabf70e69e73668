"""What `loomtui --help` shows, made by `python scripts/help.py` from the commands."""

#: By columns of the terminal. Wider ones get the widest.
TEXTS = {
    80: """\
Usage: loomtui [OPTIONS] [COMMAND] [ARGS]...

  Restore a Loom cluster from its S3 backups. Without a command, loomtui shows
  the read-only screens.

Options:
  -i, --inventory FILE  Use this inventory. The default is LOOMTUI_INVENTORY,
                        then ./inventory.yml, then inventory.yml in your
                        config folder.
  --theme NAME          Use these colours on the screens: dark, light, high-
                        contrast or colour-blind. The default is
                        LOOMTUI_THEME, or else the colours of the last time.
  --attention NAME      Say how the screens call you when a run waits, fails
                        or ends and nobody types: all, bell, title or off. The
                        default is LOOMTUI_ATTENTION, or else all.
  --version             Show the version and exit.
  -h, --help            Show this message and exit.

Commands:
  status     Look at every node: service, height, peers, identity, disk.
  backups    List the backups in S3, newest first.
  nodekeys   Compare every node's ID with every reference to it.
  services   Show every node's unit file, and whether something would...
  logs       Show the service logs of all nodes, merged by time.
  serve      Show the screens in a browser, read-only.
  plan       Say what a restore would do, and whether the chain would...
  restore    Restore a cluster on the screens, or without them with...
  resume     Go on with RUN where it was interrupted.
  take-over  Go on with RUN of another machine here, or take it back.
  rollback   Put back on every node what was there before RUN.
  clean      Free the space of what RUN replaced.
  runs       List past runs, newest first.
  report     Print the report of RUN for an incident channel, for a...
  replay     Play RUN again on the screens, from its record or from a...
  inventory  Check an inventory, or print its JSON Schema.
  drill      Practise on your own cluster, in a temporary folder that is...

  The exit status is 0 if all is done, 1 if something is wrong, 2 for a bad
  call or inventory, 3 if loomtui refused for safety, 4 if nothing could be
  reached, and 130 if it was interrupted.
""",
    100: """\
Usage: loomtui [OPTIONS] [COMMAND] [ARGS]...

  Restore a Loom cluster from its S3 backups. Without a command, loomtui shows the read-only
  screens.

Options:
  -i, --inventory FILE  Use this inventory. The default is LOOMTUI_INVENTORY, then
                        ./inventory.yml, then inventory.yml in your config folder.
  --theme NAME          Use these colours on the screens: dark, light, high-contrast or colour-
                        blind. The default is LOOMTUI_THEME, or else the colours of the last time.
  --attention NAME      Say how the screens call you when a run waits, fails or ends and nobody
                        types: all, bell, title or off. The default is LOOMTUI_ATTENTION, or else
                        all.
  --version             Show the version and exit.
  -h, --help            Show this message and exit.

Commands:
  status     Look at every node: service, height, peers, identity, disk.
  backups    List the backups in S3, newest first.
  nodekeys   Compare every node's ID with every reference to it.
  services   Show every node's unit file, and whether something would have to change in it.
  logs       Show the service logs of all nodes, merged by time.
  serve      Show the screens in a browser, read-only.
  plan       Say what a restore would do, and whether the chain would move after it.
  restore    Restore a cluster on the screens, or without them with --plan and --yes.
  resume     Go on with RUN where it was interrupted.
  take-over  Go on with RUN of another machine here, or take it back.
  rollback   Put back on every node what was there before RUN.
  clean      Free the space of what RUN replaced.
  runs       List past runs, newest first.
  report     Print the report of RUN for an incident channel, for a program, or as one HTML...
  replay     Play RUN again on the screens, from its record or from a report.
  inventory  Check an inventory, or print its JSON Schema.
  drill      Practise on your own cluster, in a temporary folder that is removed afterwards.

  The exit status is 0 if all is done, 1 if something is wrong, 2 for a bad call or inventory, 3
  if loomtui refused for safety, 4 if nothing could be reached, and 130 if it was interrupted.
""",
}
