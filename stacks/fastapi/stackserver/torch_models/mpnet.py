"""all-mpnet-base-v2: transformers' MPNet with mean pooling."""

from pathlib import Path

from torch import nn
from transformers import MPNetConfig, MPNetModel
from transformers.initialization import no_init_weights

from stackserver.spec import ModelSpec
from stackserver.torch_models.sentence import SentenceEncoder
from stackserver.torch_models.state import fill

_CONFIG = {
    "vocab_size": 30527,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 514,
    "relative_attention_num_buckets": 32,
    "layer_norm_eps": 1e-5,
}


def build(folder: Path, spec: ModelSpec) -> nn.Module:
    """input_ids and attention_mask [batch, sequence] to embeddings [batch, 768]."""
    with no_init_weights():  # seconds of random numbers that fill replaces
        encoder = MPNetModel(MPNetConfig(**_CONFIG), add_pooling_layer=False)
    fill(encoder, folder)
    return SentenceEncoder(encoder, [tensor.name for tensor in spec.graph().inputs])
