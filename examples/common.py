"""What all examples share: their arguments, and saying what they wrote."""

import argparse
from pathlib import Path

import pycnn


def parse_arguments(description, **options):
    """Read the command line, set backend and seed, make the output folder.

    Every example takes --backend, --seed, --output and --smoke; ``options`` adds its own, each the keyword arguments
    of ``ArgumentParser.add_argument``.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--backend", default="cpu", metavar="NAME", help="auto, cpu, cuda or reference")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything that is random")
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR", help="where files go")
    parser.add_argument("--smoke", action="store_true", help="take seconds: enough to see that it works")
    for name, option in options.items():
        parser.add_argument(f"--{name}", **option)
    arguments = parser.parse_args()
    pycnn.set_backend(arguments.backend)
    pycnn.utils.set_random_seed(arguments.seed)
    arguments.output.mkdir(parents=True, exist_ok=True)
    return arguments


def write(figures, folder):
    """Save ``{file name: figure}`` into ``folder`` and return the paths."""
    paths = []
    for name, figure in figures.items():
        figure.savefig(folder / name)
        paths.append(folder / name)
    return paths


def report(paths):
    """Say what was written."""
    print("wrote " + "\n      ".join(str(path) for path in paths))
