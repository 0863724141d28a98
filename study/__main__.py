"""`python -m study`: what the supervisor starts as a worker."""

from study.cli import main

if __name__ == "__main__":
    main(prog_name="study")
