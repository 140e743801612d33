"""A training for test_backup.py, in processes that are killed: ``python killed_training.py folder save_freq kills``.

One process imports pycnn and forks the others, which train; it kills them at random moments until ``kills`` are
done, and starts another after each. Each training that gets to its end writes its weights and history.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import numpy as np

import pycnn
from pycnn import callbacks, layers


def train(folder, save_freq):
    """Train until the end, or until killed. Without ``save_freq`` there are no backups."""
    pycnn.utils.set_random_seed(5)
    random_state = np.random.default_rng(0)
    x, y = random_state.random((60, 6, 6, 2)), random_state.integers(0, 3, 60)
    model = pycnn.Sequential(
        [
            layers.RandomRotation(0.1, seed=3),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.3, seed=1),
            layers.Dropout(0.2),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile("nadam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    watching = [
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("val_accuracy", patience=1, factor=0.7),
        callbacks.CSVLogger(folder / "log.csv"),
    ]
    if save_freq is not None:
        watching.insert(0, callbacks.BackupAndRestore(folder / "backup", save_freq=save_freq))
    history = model.fit(x, y, 7, epochs=6, validation_split=0.3, callbacks=watching, verbose=0)
    weights = b"".join(weight.tobytes() for weight in model.get_weights())
    return weights.hex(), history.history, (folder / "log.csv").read_text()


def child(folder, save_freq, result):
    """Train in a process of its own; return its number."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        result.write_text(json.dumps(train(folder, save_freq)))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main(folder, save_freq, kills):
    """Write ``expected.json``, and ``finished-*.json`` of the trainings that were killed ``kills`` times in all."""
    (folder / "plain").mkdir()
    began = time.perf_counter()
    _, status = os.waitpid(child(folder / "plain", None, folder / "expected.json"), 0)
    assert status == 0, status
    whole = time.perf_counter() - began
    backup, longest = folder / "backup" / "latest.backup", whole
    moments, killed, finished, resumed = random.Random(0), 0, 0, 0
    while True:
        resumed += backup.exists()
        pid = child(folder, save_freq, folder / f"finished-{finished}.json")
        if killed < kills:
            time.sleep(moments.uniform(0, longest))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            killed += 1
            if not backup.exists():
                longest = min(1.5 * longest, 8 * whole)  # the machine is busy: let the next one live until it saves
            (folder / f"finished-{finished}.json").unlink(missing_ok=True)
            continue
        assert status == 0, status
        finished += 1
        if killed == kills:
            break
    (folder / "counts.json").write_text(json.dumps({"killed": killed, "resumed": resumed}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2].isdecimal() else sys.argv[2], int(sys.argv[3]))
