"""plot_architecture: which stages well-known networks have, and how large they are drawn."""

import pytest

import pycnn
from pycnn import applications, layers
from pycnn.visualize import plot_architecture
from pycnn.visualize.stages import find_stages


def rows(model):
    return [(stage.times, " | ".join(stage.lines), stage.shape) for stage in find_stages(model)]


def test_lenet5():
    """LeCun et al. 1998, figure 2."""
    assert rows(applications.LeNet5(variant="original")) == [
        (1, "input", (32, 32, 1)),
        (1, "5×5 conv, 6", (28, 28, 6)),
        (1, "subsampling", (14, 14, 6)),
        (1, "5×5 sparse conv, 16", (10, 10, 16)),
        (1, "subsampling", (5, 5, 16)),
        (1, "5×5 conv, 120", (1, 1, 120)),
        (1, "dense, 84", (84,)),
        (1, "radial basis", (10,)),
    ]


def test_resnet50():
    """He et al. 2015, table 1."""
    blocks = [
        (times, f"1×1, {n} | 3×3, {n} | 1×1, {4 * n} | + shortcut", (side, side, 4 * n))
        for times, n, side in ((3, 64, 56), (4, 128, 28), (6, 256, 14), (3, 512, 7))
    ]
    assert rows(applications.ResNet50(weights=None)) == [
        (1, "input", (224, 224, 3)),
        (1, "7×7 conv, 64, /2", (112, 112, 64)),
        (1, "3×3 max pool, /2", (56, 56, 64)),
        *blocks,
        (1, "global mean", (2048,)),
        (1, "dense, 1000", (1000,)),
    ]


def test_googlenet():
    """Szegedy et al. 2014, table 1: nine inception blocks, each with branches of its own; auxiliary heads beside."""
    sizes = [(28, 256), (28, 480), (14, 512), (14, 512), (14, 512), (14, 528), (14, 832), (7, 832), (7, 1024)]
    for auxiliary in (False, True):
        stages = rows(applications.GoogLeNet(weights=None, auxiliary=auxiliary))
        blocks = [(times, line, shape) for times, line, shape in stages if line.endswith("concatenated")]
        assert [(times, shape) for times, _, shape in blocks] == [(1, (side, side, maps)) for side, maps in sizes]
        assert blocks[0][1] == "1×1, 64 | 1×1, 96 → 3×3, 128 | 1×1, 16 → 5×5, 32 | 3×3 max → 1×1, 32 | concatenated"
        assert len(stages) == 19


def inception(x, one, reduce, three):
    ways = [
        layers.Conv2D(one, 1, activation="relu")(x),
        layers.Conv2D(three, 3, padding="same")(layers.Conv2D(reduce, 1)(x)),
        layers.Conv2D(one, 1)(layers.MaxPooling2D(3, 1, padding="same")(x)),
    ]
    return layers.Concatenate()(ways)


def test_branches_and_outputs_that_are_not_drawn():
    x = pycnn.Input((16, 16, 3))
    first = inception(x, 4, 6, 8)
    y = inception(layers.MaxPooling2D(2)(first), 4, 6, 8)
    y = layers.Dense(5)(layers.GlobalMaxPooling2D()(layers.Dropout(0.5)(y)))
    model = pycnn.Model(x, [y, layers.Dense(5, name="aux")(layers.Flatten()(first))], name="mini")
    block = "1×1, 4 | 1×1, 6 → 3×3, 8 | 3×3 max → 1×1, 4 | concatenated"
    assert rows(model) == [
        (1, "input", (16, 16, 3)),
        (1, block, (16, 16, 16)),
        (1, "2×2 max pool, /2", (8, 8, 16)),
        (1, block, (8, 8, 16)),
        (1, "global max", (16,)),
        (1, "dense, 5", (5,)),
    ]
    title = plot_architecture(model).get_suptitle()
    assert title == f"mini: {model.count_params():,} parameters; 1 more output not drawn"


def test_models_in_models_shortcuts_with_strides_and_gates():
    block = pycnn.Input((8, 8, 4))
    y = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, padding="same")(block))
    gate = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    y = layers.Multiply()([y, gate])
    shortcut = layers.Conv2D(8, 1, strides=2)(block)
    inner = pycnn.Model(block, layers.ReLU()(layers.Add()([shortcut, y])))
    model = pycnn.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 1), inner])
    assert rows(model) == [
        (1, "input", (8, 8, 3)),
        (1, "1×1 conv, 4", (8, 8, 4)),
        (1, "3×3, 8, /2 | multiply | + shortcut", (4, 4, 8)),
    ]


def test_a_way_through_smaller_maps_is_drawn_stage_by_stage():
    x = pycnn.Input((8, 8, 1))
    left = layers.Conv2D(4, 3, padding="same")(x)
    deep = layers.Conv2D(8, 3, padding="same")(layers.MaxPooling2D(2)(left))
    up = layers.Conv2DTranspose(4, 2, strides=2)(deep)
    model = pycnn.Model(x, layers.Conv2D(2, 1)(layers.Concatenate()([left, up])))
    assert rows(model)[2:] == [
        (1, "2×2 max pool, /2", (4, 4, 4)),
        (1, "3×3 conv, 8", (4, 4, 8)),
        (1, "2×2 up-conv, 4, ×2", (8, 8, 4)),
        (1, "concatenated with 8×8×4", (8, 8, 8)),
        (1, "1×1 conv, 2", (8, 8, 2)),
    ]


def test_words():
    chain = [
        layers.Input((32, 32, 4)),
        layers.Conv2D(8, (3, 5), strides=(2, 1), groups=2, padding="same"),
        layers.Conv2D(8, 3, dilation_rate=2),
        layers.DepthwiseConv2D(3),
        layers.Conv2D(16, 1),
        layers.UpSampling2D(2),
        layers.MinPooling2D(3, 1),
        layers.SqueezeExcite(4),
        layers.AveragePooling2D((2, 1)),
        layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ]
    assert [line for _, line, _ in rows(pycnn.Sequential(chain))] == [
        "input",
        "3×5 conv, 8, 2 groups, /2×1",
        "3×3 conv, 8, dilation 2",
        "3×3 depthwise | 1×1 conv, 16",
        "up-sampling, ×2",
        "3×3 min pool",
        "squeeze excite",
        "2×1 average pool, /2×1",
        "dense, 2",
    ]


def test_only_what_gives_the_same_size_is_one_stage():
    chain = [layers.Input((16, 16, 2)), layers.MaxPooling2D(2), layers.MaxPooling2D(2)]
    chain += [layers.Conv2D(2, 1), layers.ReLU(), layers.Conv2D(2, 1)]
    assert rows(pycnn.Sequential(chain))[1:] == [
        (1, "2×2 max pool, /2", (8, 8, 2)),
        (1, "2×2 max pool, /2", (4, 4, 2)),
        (2, "1×1 conv, 2", (4, 4, 2)),
    ]


def extent(patch):
    box = patch.get_path().get_extents()
    return box.width, box.height


def test_lengths_go_with_square_roots():
    model = pycnn.Sequential([layers.Input((64, 64, 4)), layers.MaxPooling2D(4), layers.Conv2D(16, 1)])
    patches = [p for p in plot_architecture(model).axes[0].patches if type(p).__name__ == "Polygon"]
    fronts = [extent(patch) for patch in patches[::3]]
    assert fronts[0][1] == pytest.approx(2 * fronts[1][1])
    assert fronts[2][0] == pytest.approx(2 * fronts[1][0])


def test_long_networks_go_over_several_rows():
    chain = [layers.Input((8, 8, 1))]
    chain += [layers.Conv2D(n, 3, padding="same") for n in range(1, 20)]
    model = pycnn.Sequential(chain)
    figure = plot_architecture(model)
    heights = {round(text.get_position()[1], 1) for text in figure.axes[0].texts if text.get_text().startswith("8×8")}
    assert figure.get_size_inches()[0] <= 12
    assert len(heights) > 1
    assert plot_architecture(model, width=8, title="Mine").get_suptitle() == "Mine"


def test_errors():
    class Own(pycnn.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(
        ValueError, match="must be a built Sequential, or a Model made of.*Received: model='own', a Own"
    ):
        plot_architecture(Own(name="own"))
