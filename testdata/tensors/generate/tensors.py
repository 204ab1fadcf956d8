"""Cut the photographs to 224 x 224 pixels, losslessly.

The tensor inputs of the image group are made from these, so that every stack
gets the same numbers whatever decoder and scaler it has. The PyTorch golden
logits `<id>.tensor` belong to them.

Usage: python tensors.py testdata/images testdata/tensors
"""

import sys
from pathlib import Path

from PIL import Image

CROP = 0.875
SIZE = 224


def cut(image: Image.Image) -> Image.Image:
    """Take the centre square of CROP times the short side, scaled to SIZE x SIZE."""
    side = int(CROP * min(image.size))
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def main(images: Path, out: Path) -> None:
    for file in sorted(images.glob("*.jpg")):
        cut(Image.open(file).convert("RGB")).save(out / f"{file.stem}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
