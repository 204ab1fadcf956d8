"""all-MiniLM-L6-v2: transformers' BERT with mean pooling."""

from pathlib import Path

from torch import nn
from transformers import BertConfig, BertModel
from transformers.initialization import no_init_weights

from stackserver.spec import ModelSpec
from stackserver.torch_models.sentence import SentenceEncoder
from stackserver.torch_models.state import fill

_CONFIG = {
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "layer_norm_eps": 1e-12,
}


def build(folder: Path, spec: ModelSpec) -> nn.Module:
    """input_ids, attention_mask and token_type_ids [batch, sequence] to embeddings [batch, 384]."""
    with no_init_weights():  # seconds of random numbers that fill replaces
        encoder = BertModel(BertConfig(**_CONFIG), add_pooling_layer=False)
    fill(encoder, folder)
    return SentenceEncoder(encoder, [tensor.name for tensor in spec.graph().inputs])
