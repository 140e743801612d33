"""The adjoint of a convolution of stride 1 in its input: a convolution of the gradient with the filters turned."""


def turned(geometry):
    """The geometry of that convolution: from the output's gradient to the input's.

    With its input and gradient in each other's place it has the same filter gradient, turned, too.
    """
    g = geometry
    padding = tuple(
        ((k - 1) * d - before, (k - 1) * d - after)
        for k, d, (before, after) in zip(g.kernel_size, g.dilation, g.padding, strict=True)
    )
    sizes = {"input_size": g.output_size, "output_size": g.input_size, "padding": padding}
    return g._replace(**sizes, in_channels=g.out_channels, out_channels=g.in_channels)
