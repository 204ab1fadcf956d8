"""GPT-2, OPT and Llama of transformers, at the sizes that model.json and the weights tell."""

from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from transformers.initialization import no_init_weights

from stackserver.spec import DecoderSpec, ModelSpec

# The one tensor that files leave out: the output layer is the embedding of the input.
_TIED = {"lm_head.weight"}


def build(folder: Path, spec: ModelSpec) -> nn.Module:
    """input_ids, attention_mask and position_ids to transformers' own output: logits, keys and values.

    Raises ValueError for an unknown architecture or a file with other tensors than it has.
    """
    decoder = spec.decoder
    if decoder is None:
        raise ValueError("model.json has no decoder")
    path = folder / "model.safetensors"
    with no_init_weights():  # seconds of random numbers that the file's replace
        module = _module(spec.architecture, decoder, path)
    # GPT-2's file was written before its output layer had a place in the module.
    inside = "transformer." if spec.architecture == "gpt2" else ""
    tensors = {inside + name: tensor for name, tensor in load_file(path).items()}
    missing, unexpected = module.load_state_dict(tensors, strict=False, assign=True)
    wrong = sorted((set(missing) - _TIED) | set(unexpected))
    if wrong:
        raise ValueError(f"the file has other tensors than {spec.architecture}: {', '.join(wrong[:3])}")
    module.tie_weights()  # type: ignore[operator]
    return module


def _module(architecture: str, decoder: DecoderSpec, path: Path) -> nn.Module:
    """Imports one architecture only. What transformers' defaults say of it and is true is not said again."""
    match architecture:
        case "gpt2":
            return _gpt2(decoder, _width(path, "h.0.mlp.c_fc.bias"))
        case "opt":
            return _opt(decoder, _width(path, "model.decoder.layers.0.fc1.bias"))
        case "llama":
            return _llama(decoder, _width(path, "model.layers.0.mlp.gate_proj.weight"))
    raise ValueError(f"architecture {architecture!r} is unknown")


def _width(path: Path, name: str) -> int:
    """The width within the layers, which model.json does not tell: the first axis of a tensor."""
    with safe_open(path, "pt") as file:
        return int(file.get_slice(name).get_shape()[0])


def _gpt2(decoder: DecoderSpec, width: int) -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=decoder.vocab,
            n_positions=decoder.context,
            n_embd=decoder.heads * decoder.head_dim,
            n_layer=decoder.layers,
            n_head=decoder.heads,
            n_inner=width,
        )
    )


def _opt(decoder: DecoderSpec, width: int) -> nn.Module:
    from transformers import OPTConfig, OPTForCausalLM

    return OPTForCausalLM(
        OPTConfig(
            vocab_size=decoder.vocab,
            max_position_embeddings=decoder.context,
            hidden_size=decoder.heads * decoder.head_dim,
            num_hidden_layers=decoder.layers,
            num_attention_heads=decoder.heads,
            ffn_dim=width,
        )
    )


def _llama(decoder: DecoderSpec, width: int) -> nn.Module:
    """As SmolLM2 has it, whose base of rotation and epsilon are not Llama's defaults."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=decoder.vocab,
            max_position_embeddings=decoder.context,
            hidden_size=decoder.heads * decoder.head_dim,
            num_hidden_layers=decoder.layers,
            num_attention_heads=decoder.heads,
            num_key_value_heads=decoder.kv_heads,
            head_dim=decoder.head_dim,
            intermediate_size=width,
            rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
        )
    )
