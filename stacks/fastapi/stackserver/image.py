"""From the bytes of a JPEG file to the tensor of a model: the same steps, in the same order, in every stack."""

import io

import numpy as np
from PIL import Image

from stackserver.errors import RequestError
from stackserver.spec import ImageSpec
from stackserver.tensors import Element

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


class ImagePreprocessor:
    """Decodes, crops, scales and normalises."""

    def __init__(self, spec: ImageSpec) -> None:
        self._spec = spec
        self._filter = _FILTERS[spec.filter]
        self._mean = np.asarray(spec.mean, np.float32)[:, None, None]
        self._std = np.asarray(spec.std, np.float32)[:, None, None]

    def empty(self, n: int) -> np.ndarray:
        """Room for n tensors: float32 [n, 3, size, size]."""
        return np.empty((n, 3, self._spec.size, self._spec.size), np.float32)

    def fill(self, jpeg: Element, out: np.ndarray) -> None:
        """Writes one picture into out, float32 [3, size, size]. Raises RequestError 400 if it is no JPEG."""
        try:
            with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as file:
                picture = file.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as err:
            raise RequestError(400, f"the image is not a readable JPEG: {err}") from None
        pixels = np.asarray(self._crop(picture))
        np.subtract(pixels.transpose(2, 0, 1), self._mean, out=out)
        np.divide(out, self._std, out=out)

    def _crop(self, picture: Image.Image) -> Image.Image:
        """Cuts before it scales, so that the kernel at the border sees nothing from outside."""
        width, height = picture.size
        side = max(1, int(self._spec.crop * min(width, height)))
        left, top = (width - side) // 2, (height - side) // 2
        square = picture.crop((left, top, left + side, top + side))
        return square.resize((self._spec.size, self._spec.size), self._filter)
