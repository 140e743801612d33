"""The recognition network of DenseCap: what is known of a region, before any words."""

from pycnn import layers
from pycnn.detection.region_head import dense_names
from pycnn.initializers import RandomNormal
from pycnn.models import Model


def recognition_model(maps_shape, pool_size, units, dropout):
    """Return a Model from regions' maps (n, pool_size, pool_size, channels) to what is known of each.

    Returns
    -------
    Model
        The region's vector, (n, units[-1]); the logit of its being an object, (n, 1); and how its box is to be
        changed, (n, 4), as ``encode_boxes`` with the weights of the detectors' heads tells it.
    """
    pooled = layers.Input((pool_size, pool_size, maps_shape[-1]))
    x = layers.Flatten()(pooled)
    for name, n in zip(dense_names(units), units, strict=True):
        x = layers.Dense(n, "relu", name=name)(x)
        x = layers.Dropout(dropout)(x) if dropout else x
    objects = layers.Dense(1, kernel_initializer=RandomNormal(stddev=0.01), name="objects")(x)
    boxes = layers.Dense(4, kernel_initializer=RandomNormal(stddev=0.001), name="boxes")(x)
    return Model(pooled, [x, objects, boxes], name="recognition")
