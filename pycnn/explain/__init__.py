"""The arithmetic of a network, written out: every size by its formula, every parameter, every multiply-add.

explanation.py   explain, and the Explanation that it returns     describe.py   what is said about each kind of layer
calls.py         the calls of layers inside a model               windows.py    the kinds with windows: conv, pool
wording.py       letters, formulas and products as text           sequence.py   the same along sequences
classic.py       the layers of the first LeNet-5                  scaling.py    normalisation, PReLU, SqueezeExcite
recurrent.py     LSTM and its kin

``explain`` asks ``backend.geometry`` for each size, so what it prints is what the kernels do. ``model.summary`` counts
with the same functions. To teach them a layer of another kind, register a function with ``@describe.register``.
"""

from pycnn.explain import classic, recurrent, scaling, sequence, windows  # noqa: F401 (their functions register themselves)
from pycnn.explain.describe import describe
from pycnn.explain.explanation import Explanation, Step, explain

__all__ = ["Explanation", "Step", "describe", "explain"]
