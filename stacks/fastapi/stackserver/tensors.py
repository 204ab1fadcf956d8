"""The shapes in which data passes between the parts of the server."""

import numpy as np

Tensors = dict[str, np.ndarray]  # by input or output name; the first axis is the batch
Element = bytes | bytearray | memoryview  # one element of a BYTES tensor: a JPEG file, or a text in UTF-8
