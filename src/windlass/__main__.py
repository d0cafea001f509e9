"""`python -m windlass` is the `windlass` command."""

from windlass.commands import main

if __name__ == "__main__":
    main()
