"""Pictures in files, as arrays and as data sets, under Keras's names. Needs Pillow: ``pip install pycnn[viz]``.

image.py   load_img, save_img, img_to_array, array_to_img, smart_resize: one picture
folder.py  image_dataset_from_directory: a folder of pictures, decoded by threads
"""

from pycnn.preprocessing import image
from pycnn.preprocessing.folder import image_dataset_from_directory

__all__ = ["image", "image_dataset_from_directory"]
