"""Makes the .pth fixtures with PyTorch: `python fixture.py`."""

from collections import OrderedDict
from pathlib import Path

import torch

HERE = Path(__file__).parent


def main() -> None:
    base = torch.arange(24, dtype=torch.float32)
    state = OrderedDict(
        rows=base[:6].reshape(2, 3),
        columns=base.reshape(2, 3, 4).permute(2, 0, 1),  # shape 4,2,3; the same storage
        tail=base[20:],
        scalar=torch.tensor(7.5),
        parameter=torch.nn.Parameter(torch.tensor([[1.0, -2.0]])),
        count=torch.tensor(5),  # int64: left out
        half=torch.tensor([0.5], dtype=torch.float16),  # left out
    )
    torch.save(state, HERE / "zip.pth")
    torch.save(dict(state), HERE / "plain.pth")
    torch.save(state, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save([torch.zeros(1)], HERE / "list.pth")


main()
