"""PyTorch, eager: transformers' decoders, one forward a token and no loop of theirs."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Cache

from stackserver.settings import Device
from stackserver.spec import ModelSpec
from stackserver.torch_backend import open_device, open_module
from stackserver.torch_models.decoder import build


class TorchGenerator:
    """One module, which threads share."""

    def __init__(self, folder: Path, spec: ModelSpec, device: Device, threads: int) -> None:
        """Raises SetupError as TorchBackend does."""
        self.runtime = f"pytorch {torch.__version__}"
        self.platform = "pytorch"
        self._device = open_device(device, threads)
        self._model: Any = open_module(folder, spec, build, self._device)

    def step(
        self, ids: np.ndarray, mask: np.ndarray, positions: np.ndarray, cache: Cache | None, never: np.ndarray
    ) -> tuple[np.ndarray, Cache]:
        """As Generator says."""
        with torch.inference_mode():
            tokens, mask, positions = (torch.from_numpy(a).to(self._device) for a in (ids, mask, positions))
            out = self._model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            scores = out.logits[:, -1]
            rows = np.flatnonzero(never >= 0)
            scores[rows, never[rows]] = -torch.inf
            return scores.argmax(-1).cpu().numpy(), out.past_key_values
