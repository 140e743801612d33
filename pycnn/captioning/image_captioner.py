"""ImageCaptioner: a whole image in words.

Vinyals, Toshev, Bengio, Erhan, Show and Tell: A Neural Image Caption Generator, CVPR 2015.
"""

import numpy as np

from pycnn import layers
from pycnn.captioning.captioner import Captioner, check_captions
from pycnn.captioning.language import CaptionLoss, language_model, teach
from pycnn.captioning.metrics import bleu, cider, meteor
from pycnn.captioning.vocabulary import tokenize
from pycnn.data import Dataset
from pycnn.detection.backbones import backbone_model
from pycnn.detection.detector import check_count, check_images, in_batches, one_cycle, scaled
from pycnn.models import Model
from pycnn.registration import register_serializable


@register_serializable("captioning")
class ImageCaptioner(Captioner):
    """A convolutional network makes a vector of an image, and an LSTM says it in words.

    Parameters
    ----------
    vocabulary : Vocabulary
    input_shape : (height, width, channels)
        Of the images that the network gets; others are scaled as ``Detector`` says.
    backbone : {"vgg16", "small"} or Model
        Gives maps of images in 0..255.
    pool_size : int, optional
        Of the windows of the maps that are averaged, such as 4; all of a map is unless given, and then the vector does
        not tell where things are.
    language_units, max_words
        As in ``DenseCap``.
    """

    _arguments = ("vocabulary", "input_shape", "backbone", "pool_size", "language_units", "max_words")

    def __init__(
        self, vocabulary, input_shape=(224, 224, 3), backbone="vgg16", pool_size=None, language_units=512, max_words=15
    ):
        super().__init__(vocabulary, input_shape, language_units, max_words)
        self.backbone, self.pool_size = backbone, pool_size
        maps = backbone_model(backbone, self.input_shape)
        pooling = layers.AveragePooling2D(pool_size, padding="same") if pool_size else layers.GlobalAveragePooling2D()
        self.encoder = Model(maps.input, layers.Flatten()(pooling(maps.output)), name="encoder")
        self.language = language_model(self.encoder.output_shape[-1], len(vocabulary), language_units)

    @property
    def networks(self):
        return {"encoder": self.encoder, "language": self.language}

    def fit(
        self,
        images,
        captions,
        epochs=10,
        batch_size=32,
        optimizer=None,
        validation_data=None,
        callbacks=None,
        verbose="auto",
    ):
        """Train both parts together.

        Parameters
        ----------
        images : array (N, height, width, channels), or sequence of arrays (height, width, channels)
            In 0..255.
        captions : sequence of str
            One of each image. Words that the vocabulary does not know are learnt as UNK.
        epochs, batch_size, callbacks, verbose
            As in ``Model.fit``.
        optimizer : Optimizer, optional
            Adam, whose rate rises to 1e-3 and falls again in the time of the training, unless given.
        validation_data : (images, captions), optional

        Returns
        -------
        History
        """
        data = self._data(images, captions, batch_size, shuffle=True)
        validation = None if validation_data is None else self._data(*validation_data, batch_size, shuffle=False)
        given, said = layers.Input(self.input_shape), layers.Input((None,), dtype="int64")
        network = Model([given, said], self.language([self.encoder(given), said]), name="captioner")
        network.compile(optimizer or one_cycle(1e-3, len(captions), batch_size, epochs), CaptionLoss())
        return network.fit(data, epochs=epochs, validation_data=validation, callbacks=callbacks, verbose=verbose)

    def _data(self, images, captions, batch_size, shuffle):
        check_images(images, self.input_shape[2])
        check_captions(images, captions)
        asked, words = teach(self.tokens_of(captions))

        def make(rows):
            batch, _ = scaled([images[i] for i in rows], self.input_shape)
            return (batch, asked[rows]), words[rows]

        rows = Dataset.from_tensor_slices(np.arange(len(captions)))
        rows = rows.shuffle(len(captions)) if shuffle else rows
        return rows.batch(batch_size).map(make, num_parallel_calls=1).prefetch(4)

    def predict(self, images, beam_size=1, batch_size=32):
        """Return a caption, str, of each image; see ``Speaker.say`` for ``beam_size``."""
        check_images(images, self.input_shape[2])
        check_count("batch_size", batch_size)
        found = []
        for _, batch, _ in in_batches(images, self.input_shape, batch_size):
            found += self.say(self.encoder.predict_on_batch(batch), beam_size)
        return found

    def word_probabilities(self, images, captions):
        """Return how likely each word of the captions is, given the image and the words before it: (n, t, tokens)."""
        check_images(images, self.input_shape[2])
        check_captions(images, captions)
        batch, _ = scaled(list(images), self.input_shape)
        return self.likely_words(self.encoder.predict_on_batch(batch), captions)

    def evaluate(self, images, captions, **options):
        """Compare what is said with what is true.

        Parameters
        ----------
        images, captions
            As in ``fit``; of an image there may be several captions, a sequence of str.
        **options
            Of ``predict``.

        Returns
        -------
        dict
            ``"exact"``, the part of the captions that are right word for word, ``"bleu4"``, ``"meteor"``, ``"cider"``.
        """
        check_images(images, self.input_shape[2])
        found = self.predict(images, **options)
        several = [[c] if isinstance(c, str) else list(c) for c in captions]
        exact = [tokenize(f) in map(tokenize, right) for f, right in zip(found, several, strict=True)]
        return {
            "exact": float(np.mean(exact)),
            "bleu4": float(bleu(several, found).scores[3]),
            "meteor": float(np.mean(meteor(several, found))),
            "cider": float(np.mean(cider(several, found))),
        }
