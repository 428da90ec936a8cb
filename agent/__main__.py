"""``python -m agent`` is ``agent``."""

from agent.commands.app import main

if __name__ == "__main__":
    main()
