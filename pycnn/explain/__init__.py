"""The arithmetic of a network, written out: every size by its formula, every parameter, every multiply-add.

explanation.py   explain, and the Explanation that it returns     describe.py   what is said about each kind of layer
wording.py       letters, formulas and products as text           windows.py    the kinds with windows: conv, pool

``explain`` asks ``backend.geometry`` for each size, so what it prints is what the kernels do. To teach it a layer of
another kind, register a function with ``@describe.register``.
"""

from pycnn.explain import windows  # noqa: F401 (its functions register themselves)
from pycnn.explain.describe import describe
from pycnn.explain.explanation import Explanation, Step, explain

__all__ = ["Explanation", "Step", "describe", "explain"]
