"""`python -m loomtui`."""

from loomtui.cli import main

if __name__ == "__main__":
    main()
