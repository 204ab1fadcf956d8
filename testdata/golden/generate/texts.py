"""Write the golden texts.

``python testdata/golden/generate/texts.py --store STORE [MODEL ...]``

STORE is a model store as ``go tool stackbench setup`` prepares it. For each model one <model>.json is written: what
transformers' own model, in float32 on one thread, answers greedily to each prompt of testdata/prompts/prompts.json.
No server's code takes part. The token that ends an answer is never chosen: the answers have exactly the length asked for.

An answer is its tokens; its text; for each token the byte of the text at which it ends (where it ends within a
character: at which the last whole one does); and by how much its logit was ahead of the next best.

Needs torch, transformers, tokenizers, safetensors and numpy.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[3]
TESTDATA = ROOT / "testdata"
MODELS = ("gpt2", "opt-125m", "smollm2-135m-q4_1-dequant")


def load(folder: Path, name: str) -> nn.Module:
    """The model as transformers has it, by the hub's configuration. Raises ValueError if a weight is missing."""
    config = AutoConfig.from_pretrained(ROOT / "stacks" / "hub" / "configs" / name)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    state = load_file(folder / "model.safetensors")
    missing = set(state)
    for prefix in ("", "transformer."):
        named = {f"{prefix}{key}": value for key, value in state.items()}
        if set(named) <= set(model.state_dict()):
            report = model.load_state_dict(named, strict=False)
            missing = {key for key in report.missing_keys if key != "lm_head.weight"}
            break
    if missing:
        raise ValueError(f"{name}: weights that fit nowhere, or are missing: {sorted(missing)[:3]}")
    model.tie_weights()
    return model.eval()


def answer(model: nn.Module, tokenizer: Tokenizer, prompt: str, count: int, eos: int) -> dict[str, Any]:
    """The greedy answer of ``count`` tokens."""
    ids = torch.tensor([tokenizer.encode(prompt).ids])
    cache, tokens, margins = None, [], []
    with torch.inference_mode():
        for _ in range(count):
            step = model(input_ids=ids, past_key_values=cache, use_cache=True)
            cache, logits = step.past_key_values, step.logits[0, -1].clone()
            logits[eos] = -torch.inf
            best = torch.topk(logits, 2)
            tokens.append(int(best.indices[0]))
            margins.append(round(float(best.values[0] - best.values[1]), 4))
            ids = best.indices[:1][None]
    text = tokenizer.decode(tokens, skip_special_tokens=True)
    return {"text": text, "tokens": tokens, "ends": ends(tokenizer, tokens, text), "margins": margins}


def ends(tokenizer: Tokenizer, tokens: list[int], text: str) -> list[int]:
    """For each token, the byte of the text at which it ends."""
    out = []
    for i in range(1, len(tokens) + 1):
        part = tokenizer.decode(tokens[:i], skip_special_tokens=True)
        while not text.startswith(part):
            part = part[:-1]
        out.append(len(part.encode()))
    return out


def write(store: Path, out: Path, name: str) -> None:
    """Compute and write the golden texts of one model."""
    folder = store / name
    spec = json.loads((folder / "model.json").read_text())
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != spec["weights"]["sha256"]:
        raise ValueError(
            f"{folder}/model.safetensors has SHA-256 {digest}, model.json says {spec['weights']['sha256']}"
        )
    model = load(folder, name)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    prompts = json.loads((TESTDATA / "prompts" / "prompts.json").read_text())
    doc = {
        "model": name,
        "weights_source": spec["weights"]["source"],
        "weights_sha256": digest,
        "maker": f"torch {torch.__version__}, transformers {transformers.__version__}",
        "answers": {p["id"]: answer(model, tokenizer, p["text"], p["tokens"], spec["decoder"]["eos"]) for p in prompts},
    }
    lines = json.dumps(doc, ensure_ascii=False).replace('}, "', '},\n"').replace('{"text"', '\n {"text"')
    (out / f"{name}.json").write_text(lines + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the committed golden texts.")
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--store", type=Path, required=True, help="folder of prepared models")
    parser.add_argument("--out", type=Path, default=TESTDATA / "golden")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the order of additions stays the same on every machine
    for name in arguments.models:
        write(arguments.store, arguments.out, name)


if __name__ == "__main__":
    main()
