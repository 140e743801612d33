"""Tools to look into networks without training them: what a layer sees, and whether it does what it should.

receptive_field.py  receptive_field, and the table it returns     reach.py  what each kind of layer sees of its input
operations.py       the same for operations of pycnn.ops          axis.py   the same along one axis, in whole pixels
equivariance.py     check_equivariance: shifts go through a layer
adjoint.py          check_adjoint: the dot-product test of linear operations
attribution.py      grad_cam, saliency: what in an image speaks for an answer
tap.py              outputs of layers inside a model, while it runs
"""

from pycnn.analysis.adjoint import AdjointCheck, AdjointError, check_adjoint
from pycnn.analysis.attribution import grad_cam, saliency
from pycnn.analysis.equivariance import Equivariance, EquivarianceError, check_equivariance
from pycnn.analysis.reach import reach
from pycnn.analysis.receptive_field import LayerField, ReceptiveFields, receptive_field

__all__ = [
    "AdjointCheck",
    "AdjointError",
    "Equivariance",
    "EquivarianceError",
    "LayerField",
    "ReceptiveFields",
    "check_adjoint",
    "check_equivariance",
    "grad_cam",
    "reach",
    "receptive_field",
    "saliency",
]
