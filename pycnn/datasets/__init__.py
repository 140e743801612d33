"""Real data that ordinary packages carry. Each data set is a module with ``load_data()``, as in Keras.

digits.py   1797 handwritten digits, 8 x 8 (scikit-learn)
"""

from pycnn.datasets import digits

__all__ = ["digits"]
