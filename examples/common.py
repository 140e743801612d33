"""What all examples share: their arguments, and saying what they wrote."""

import argparse
from pathlib import Path
from time import perf_counter

import pycnn
from pycnn import visualize
from pycnn.detection import selective_search_all
from pycnn.detection.datasets import digit_scenes


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


def detector_arguments(description, epochs, images=6000, **options):
    """``parse_arguments`` for an example that trains a detector on scenes of digits."""
    return parse_arguments(
        description,
        epochs={"type": int, "default": epochs, "metavar": "N", "help": "passes over the training scenes"},
        images={"type": int, "default": images, "metavar": "N", "help": "training scenes"},
        **options,
    )


def scenes(arguments, images=None):
    """Training and test scenes; no digit and no photograph occurs in both."""
    sizes = (12, 2) if arguments.smoke else (images or arguments.images, 400)
    return digit_scenes.load_data(seed=arguments.seed, train_size=sizes[0], test_size=sizes[1])


def propose(data, arguments):
    """Selective search's proposals for the images of each part."""
    return [selective_search_all(part.images, max_proposals=8 if arguments.smoke else None) for part in data]


def train_and_test(detector, data, arguments, name, proposals=(None, None), **options):
    """Train a detector, test it, print what came of it, and write it and its pictures.

    Parameters
    ----------
    detector : Detector
    data : (AnnotatedImages, AnnotatedImages)
        To train and to test.
    arguments
        Those of the example.
    name : str
        What the files' names begin with.
    proposals : pair of lists of arrays, or of None
        For the images of both, where the detector takes any.
    **options
        Of ``fit``.

    Returns
    -------
    dict
        ``map``, ``seconds`` of the training, ``milliseconds`` an image, ``parameters``; ``found``, and ``paths`` of
        what was written.
    """
    (train, test), (known, given) = data, ({} if p is None else {"proposals": p} for p in proposals)
    epochs = 1 if arguments.smoke else arguments.epochs
    began = perf_counter()
    history = detector.fit(train.images, train.truth, epochs=epochs, **known, **options)
    seconds = perf_counter() - began
    result = detector.evaluate(test.images, test.truth, **given)
    began = perf_counter()
    found = detector.predict(test.images, score_threshold=0.3, **given)
    milliseconds = (perf_counter() - began) / len(test) * 1000

    path = arguments.output / f"{name}.pycnn"
    detector.save(path)
    histories = history if isinstance(history, list) else [history]
    pictures = {f"{name}_curves{i or ''}.png": visualize.plot_history(each) for i, each in enumerate(histories)}
    pictures[f"{name}_found.png"] = visualize.plot_comparison(
        test.images[:12], test.truth[:12], found[:12], test.class_names, score_threshold=0.0
    )
    parameters = detector.count_params()
    print("  ".join(f"{key}: {value:.3f}" for key, value in result.items()))
    print(f"{parameters:,} parameters, trained in {seconds:.0f} s, {milliseconds:.1f} ms an image")
    print(f"mAP@.5 of {len(test)} test scenes: {result['map']:.4f}")
    return {
        "map": result["map"],
        "seconds": seconds,
        "milliseconds": milliseconds,
        "parameters": parameters,
        "found": found,
        "paths": [path, *write(pictures, arguments.output)],
    }
