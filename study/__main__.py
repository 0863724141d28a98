"""`python -m study`, with which the supervisor starts its workers."""

from study.cli import main

if __name__ == "__main__":
    main(prog_name="study")
