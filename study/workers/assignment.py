"""What a supervisor tells the workers that it starts, on their command lines."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import UserError
from pipeline.runtime.processes import identity


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a supervisor tells its workers.

    Attributes:
        supervisor: identifies the process without which the worker ends after its trial.
        trials: how many finished trials it wants.
    """

    supervisor: dict[str, str]
    trials: int

    @classmethod
    def parse(cls, text: str) -> "Assignment":
        """Return what ``worker_command`` wrote into a command line.

        Raises:
            UserError: if it did not write it.
        """
        try:
            match json.loads(text):
                case {"supervisor": dict(supervisor), "trials": int(trials)}:
                    return cls(supervisor, trials)
        except ValueError:
            pass
        raise UserError("--assignment is for the workers that `study run` starts; leave it out")


def worker_command(name: str, data: Path, trials: int) -> list[str]:
    """Return the command that starts a worker of this process.

    The store's address is not in it, because every user of the machine can read command lines.
    """
    program = Path(__file__).parents[1] / "__main__.py"
    command = [sys.executable, "-P", str(program), "worker", "--name", name, "--data", str(data)]
    return [*command, "--assignment", json.dumps(asdict(Assignment(identity(), trials)))]
