"""
Knowledge distillation: compute_loss overridden, a model inside a model, metrics of one's own
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(61)
x, y = load_digits(return_X_y=True)
x = np.reshape(x, (-1, 8, 8, 1)).astype("float32") / 16
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.teacher = teacher
        self.student = student
        self.teacher.trainable = False

    def compile(self, optimizer, metrics, student_loss_fn, distillation_loss_fn, alpha=0.1, temperature=3):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.student_loss_fn = student_loss_fn
        self.distillation_loss_fn = distillation_loss_fn
        self.alpha = alpha
        self.temperature = temperature

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        teacher_pred = self.teacher(x, training=False)
        student_loss = self.student_loss_fn(y, y_pred)
        distillation_loss = self.distillation_loss_fn(
            ops.softmax(teacher_pred / self.temperature, axis=1),
            ops.softmax(y_pred / self.temperature, axis=1),
        ) * (self.temperature**2)
        return self.alpha * student_loss + (1 - self.alpha) * distillation_loss

    def call(self, x):
        return self.student(x)


def network(filters, name):
    return keras.Sequential(
        [
            keras.Input(shape=(8, 8, 1)),
            layers.Conv2D(filters, (3, 3), padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.MaxPooling2D(pool_size=(2, 2), strides=(2, 2)),
            layers.Conv2D(filters * 2, (3, 3)),
            layers.Activation("relu"),
            layers.Flatten(),
            layers.Dense(10),
        ],
        name=name,
    )


teacher = network(24, "teacher")
student = network(4, "student")
student_scratch = keras.models.clone_model(student)

teacher.compile(
    optimizer=keras.optimizers.Adam(5e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
teacher.fit(x_train, y_train, epochs=4, batch_size=64, verbose=0)
_, teacher_accuracy = teacher.evaluate(x_test, y_test, verbose=0)
before = teacher.get_weights()

distiller = Distiller(student=student, teacher=teacher)
distiller.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    student_loss_fn=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    distillation_loss_fn=keras.losses.KLDivergence(),
    alpha=0.1,
    temperature=4,
)
history = distiller.fit(x_train, y_train, epochs=5, batch_size=64, verbose=0)
results = distiller.evaluate(x_test, y_test, verbose=0, return_dict=True)
print(f"teacher {teacher_accuracy:.3f}, student {results['accuracy']:.3f}")
assert teacher_accuracy > 0.85
assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
assert results["accuracy"] > 0.8

for old, new in zip(before, teacher.get_weights()):
    np.testing.assert_array_equal(old, new)
assert student.count_params() < teacher.count_params() / 10
assert student_scratch.count_params() == student.count_params()
assert len(distiller.trainable_variables) == len(student.trainable_variables)
