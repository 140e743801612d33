"""Every example runs, takes the common arguments, and says what it wrote; the README's commands and code are real."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.name != "common.py")
README = (ROOT / "README.md").read_text()

WRITES = {
    "custom_layer": {"gabor_after.png", "gabor_before.png", "gabor_net.pycnn"},
    "custom_training_loop": {"training_loop_curves.png"},
    "image_folder": {"digits", "folder_curves.png", "folder_predictions.png"},
    "train_cnn_keras_style": {
        "small_resnet.csv",
        "small_resnet.pycnn",
        "small_resnet_curves.png",
        "small_resnet_mistakes.png",
    },
    "transfer_learning": {"transfer_fine_tuning.png", "transfer_predictions.png"},
    "googlenet_digits": {"googlenet.pycnn", "googlenet_curves.png", "googlenet_mistakes.png"},
    "se_resnet_digits": {
        "se_resnet.pycnn",
        "se_resnet_confusion.png",
        "se_resnet_curves.png",
        "se_resnet_mistakes.png",
    },
    "lenet5_digits": {
        "lenet5.pycnn",
        "lenet5_curves.png",
        "lenet5_feature_maps.png",
        "lenet5_filters_c1.png",
        "lenet5_filters_c3.png",
        "lenet5_mistakes.png",
    },
    "train_yolo": {"yolo.pycnn", "yolo_curves.png", "yolo_found.png"},
    "train_faster_rcnn": {"faster_rcnn.pycnn", "faster_rcnn_curves.png", "faster_rcnn_found.png"},
    "train_fast_rcnn": {"fast_rcnn.pycnn", "fast_rcnn_curves.png", "fast_rcnn_found.png"},
    "train_rcnn": {"rcnn.pycnn", "rcnn_curves.png", "rcnn_found.png"},
    "compare_detectors": {
        "detectors.png",
        *(
            f"{name}{end}"
            for name in ("yolo", "faster_rcnn", "fast_rcnn", "rcnn")
            for end in (".pycnn", "_curves.png", "_found.png")
        ),
    },
    "fcn_segmentation": {"fcn.pycnn", "fcn_confusion.png", "fcn_curves.png", "fcn_large.png", "fcn_masks.png"},
    "train_densecap": {"densecap.pycnn", "densecap_curves.png", "densecap_found.png", "densecap_words.png"},
    "caption_image": {"captioner.pycnn", "captioner_curves.png", "captioner_words.png"},
    "lstm_row_by_row": {"lstm.pycnn", "lstm_curves.png", "lstm_mistakes.png", "lstm_rows.png"},
    "coins": {"coins.pycnn", "coins.png"},
    "grad_cam": {"grad_cam.png", "grad_cam_network.png", "grad_cam_saliency.png", "grad_cam_smoothgrad.png"},
    "edge_detection": {"edges_hopper.png"},
    "receptive_field": {"receptive_field.png"},
    "translation": {"translation.png"},
    "conv_vs_correlation": {"conv_vs_correlation.png"},
    "nms_and_iou": {"iou.png", "nms_before_and_after.png", "nms_steps.png"},
}


def command_line(example, folder, *arguments):
    return [str(part) for part in (example, "--smoke", "--output", folder / "made" / "here", *arguments)]


def run(example, folder, *arguments):
    """As a program of its own; return what it prints."""
    command = [sys.executable, "-W", "error", *command_line(example, folder, *arguments)]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "MPLBACKEND": "Agg"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def run_here(monkeypatch, capsys):
    """As ``run``, but in this process, which need not import everything anew."""

    def run_here(example, folder, *arguments):
        monkeypatch.chdir(folder)
        monkeypatch.syspath_prepend(str(example.parent))
        monkeypatch.setattr(sys, "argv", command_line(example, folder, *arguments))
        capsys.readouterr()
        runpy.run_path(str(example), run_name="__main__")
        return capsys.readouterr().out

    yield run_here
    sys.modules.pop("common", None)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example, tmp_path):
    output = run(example, tmp_path)
    folder = tmp_path / "made" / "here"
    files = set(folder.iterdir())
    assert {file.name for file in files} == WRITES[example.stem]
    assert set(tmp_path.iterdir()) == {tmp_path / "made"}
    said = re.search(r"^wrote ((?:.*\n)(?:      .*\n)*)", output, re.MULTILINE).group(1)
    assert {Path(line.strip()) for line in said.splitlines()} == files
    for file in files:
        if file.suffix == ".png":
            assert plt.imread(file)[..., :3].std() > 0.02, f"{file.name} is blank"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_takes_the_common_arguments(example, tmp_path, run_here):
    run_here(example, tmp_path, "--backend", "reference", "--seed", "1")


def test_lenet5_ends_with_its_accuracy(tmp_path, run_here):
    example = ROOT / "examples" / "lenet5_digits.py"
    seed, writers = ["--seed", 3], ["--split", "writers", "--epochs", 2]
    calls = (run, seed), (run_here, seed), (run_here, [*seed, *writers]), (run_here, ["--variant", "original"])
    lines = [call(example, tmp_path, *arguments).splitlines()[-1] for call, arguments in calls]
    first, again, *_ = lines
    for line in lines:
        assert re.fullmatch(r"test accuracy: [01]\.\d{4}", line)
    assert first == again


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_readme_begins_with_two_commands_of_one_line():
    main_job, tests, *_ = commands = blocks("(?:sh|bash|console)")
    assert len(commands) == 2
    for command in (main_job, tests):
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert main_job.endswith("&& .venv/bin/python examples/lenet5_digits.py\n")
    assert tests.endswith("&& .venv/bin/pytest\n")


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_readme_code_runs(number, tmp_path):
    code = blocks("python")[number]
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, capture_output=True)


def test_readme_names_files_that_exist():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
