"""From an encoder's token states to one embedding a text."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional


class SentenceEncoder(nn.Module):
    """A transformers encoder, the mean over the tokens under the mask, and the scaling to length 1."""

    def __init__(self, encoder: nn.Module, inputs: Sequence[str]) -> None:
        """`inputs` names the tensors that forward takes; attention_mask is one of them."""
        super().__init__()
        self._encoder = encoder
        self._inputs = tuple(inputs)

    def forward(self, *tensors: Tensor) -> Tensor:
        """int64 [batch, sequence] each to float32 [batch, width]."""
        named = dict(zip(self._inputs, tensors, strict=True))
        states = self._encoder(**named).last_hidden_state
        mask = named["attention_mask"].unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return functional.normalize(mean, dim=1)
