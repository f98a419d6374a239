"""`python -m station.cli` is `photonbench`."""

from station.cli import main

if __name__ == "__main__":
    main()
