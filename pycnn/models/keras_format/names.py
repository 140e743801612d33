"""Which names and arguments Keras and pycnn share: data alone, checked against Keras by the tests."""

KERAS_NAMES = {
    "layers": """
        Activation ActivityRegularization AdaptiveAveragePooling2D AdaptiveMaxPooling2D Add AdditiveAttention
        AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D
        BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate
        ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
        Conv3DTranspose ConvLSTM2D Cropping1D Cropping2D Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Dot
        Dropout ELU EinsumDense Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise
        GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D
        GlobalMaxPooling3D GroupNormalization Identity InputLayer LSTM LSTMCell Lambda LayerNormalization LeakyReLU
        Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MixUp MultiHeadAttention Multiply
        Normalization PReLU Permute RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration
        RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip
        RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization
        RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom ReLU RepeatVector
        Rescaling Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization
        SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract
        TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D Wrapper ZeroPadding1D ZeroPadding2D
        ZeroPadding3D
    """,
    "initializers": """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
        RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """,
    "regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "losses": """
        BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy
        CategoricalHinge CosineSimilarity Dice Hinge Huber KLDivergence LogCosh MeanAbsoluteError
        MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson
        SparseCategoricalCrossentropy SquaredHinge Tversky
    """,
    "metrics": """
        AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy CategoricalCrossentropy
        CategoricalHinge CosineSimilarity F1Score FBetaScore FalseNegatives FalsePositives Hinge IoU KLDivergence
        LogCoshError Mean MeanAbsoluteError MeanAbsolutePercentageError MeanIoU MeanMetricWrapper MeanSquaredError
        MeanSquaredLogarithmicError OneHotIoU OneHotMeanIoU Poisson Precision PrecisionAtRecall R2Score Recall
        RecallAtPrecision RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy
        SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge Sum
        TopKCategoricalAccuracy TrueNegatives TruePositives
    """,
    "optimizers": "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Nadam RMSprop SGD",
    "schedules": """
        CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay
    """,
}
"""Package of pycnn -> names of classes that mean the same in Keras."""

KERAS_NAMES = {package: frozenset(names.split()) for package, names in KERAS_NAMES.items()}

_MODULES = {"schedules": "keras.optimizers.schedules"}

FUNCTIONAL = {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}


def keras_module(package):
    """``"layers"`` -> ``"keras.layers"``."""
    return _MODULES.get(package, f"keras.{package}")


def package_of(module):
    """``"keras.layers"`` -> ``"layers"``; None for a module that is none of Keras's public ones."""
    for package in KERAS_NAMES:
        if module == keras_module(package):
            return package
    parts = module.split(".")
    if parts[:3] == ["keras", "src", "backend"] and "optimizers" in parts:  # what Keras on PyTorch writes
        return "optimizers"
    return {
        "keras": "models",
        "keras.models": "models",
        FUNCTIONAL["module"]: "models",
        "keras.activations": "activations",
    }.get(module)


ANY = object()

ONLY_KERAS = {
    "antialias": (False,),
    "axis": (-1,),
    "bounding_box_format": (None,),
    "class_aggregation": ("uniform_average",),
    "data_format": (None, "channels_last"),
    "dtype": ANY,
    "ema_momentum": ANY,
    "ema_overwrite_frequency": (None,),
    "fill_mode": ("constant",),
    "from_sorted_ids": (False,),
    "gradient_accumulation_steps": (None,),
    "ignore_class": (None,),
    "input_axes": (None,),
    "loss_scale_factor": (None,),
    "label_weights": (None,),
    "lora_alpha": ANY,
    "lora_rank": (None,),
    "num_labels": (None,),
    "num_regressors": (0,),
    "optional": (False,),
    "output_axes": (None,),
    "quantization_config": (None,),
    "ragged": (False,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "renorm_momentum": ANY,
    "rms_scaling": (False,),
    "sparse": (False,),
    "synchronized": (False,),
    "trainable": ANY,
    "use_ema": (False,),
}
"""Arguments that pycnn's classes may lack -> values at which they change nothing."""

ONLY_PYCNN = {
    "AveragePooling2D": {"ceil_mode": False, "count_include_pad": False},
    "Conv2DTranspose": {"groups": 1},
    "MaxPooling2D": {"ceil_mode": False},
    "SpatialDropout1D": {"trainable": ANY},
    "SpatialDropout2D": {"trainable": ANY},
}
"""Class -> arguments that Keras lacks, with the value at which they change nothing."""
