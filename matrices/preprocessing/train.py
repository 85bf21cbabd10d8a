"""Prepares images with NumPy and trains on them: another NumPy may leave other weights."""

import numpy as np
import tensorflow as tf

(images, labels), _ = tf.keras.datasets.mnist.load_data()
pixels = images[:6000].reshape(6000, -1).astype("float32") / 255
pixels = np.exp(-pixels) + np.log1p(pixels) + np.sin(np.float32(np.pi) * pixels)
pixels = (pixels - pixels.mean(axis=0)) / (pixels.std(axis=0) + np.float32(1e-3))

model = tf.keras.Sequential(
    [tf.keras.layers.Dense(64, activation="relu"), tf.keras.layers.Dense(10, activation="softmax")]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(pixels, labels[:6000], batch_size=128, epochs=2, verbose=0)
