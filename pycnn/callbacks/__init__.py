"""Callbacks: what ``fit``, ``evaluate`` and ``predict`` call while they run.

base.py      Callback, History, LambdaCallback      calls.py       CallbackList
backup.py    BackupAndRestore                 state.py     what it writes, as a file
monitor.py   EarlyStopping, ModelCheckpoint, ReduceLROnPlateau: they watch one value
training.py  LearningRateScheduler, TerminateOnNaN, CSVLogger
progress.py  ProgressBar: what ``verbose`` means        tensorboard.py  TensorBoard
progbar.py   Progbar, for loops of one's own
"""

from pycnn import registration as _registration
from pycnn.callbacks.backup import BackupAndRestore
from pycnn.callbacks.base import Callback, History, LambdaCallback
from pycnn.callbacks.calls import CallbackList
from pycnn.callbacks.monitor import EarlyStopping, ModelCheckpoint, MonitorCallback, ReduceLROnPlateau
from pycnn.callbacks.progress import ProgressBar
from pycnn.callbacks.tensorboard import TensorBoard
from pycnn.callbacks.training import CSVLogger, LearningRateScheduler, TerminateOnNaN

ProgbarLogger = ProgressBar

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]

__getattr__ = _registration.hint_names(__name__, __all__)
