"""Filling a module with the tensors of model.safetensors."""

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

# Published files carry tensors that inference has no use for: counters of training, constant position ids,
# and the pooler that sentence embeddings do without.
_UNUSED_SUFFIXES = ("num_batches_tracked", "embeddings.position_ids")
_UNUSED_PREFIXES = ("pooler.",)


def fill(module: nn.Module, folder: Path) -> None:
    """Copies the tensors of `folder`/model.safetensors into the module; all must be there, and no other."""
    tensors = load_file(folder / "model.safetensors")
    used = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.endswith(_UNUSED_SUFFIXES) and not name.startswith(_UNUSED_PREFIXES)
    }
    module.load_state_dict(used, strict=True)
