"""Write texts.json: ``python testdata/texts/generate/texts.py --tokenizer STORE/all-minilm-l6-v2/tokenizer.json``.

English texts in buckets of token length, put together by a seeded grammar from domains.json. A text keeps to one
domain, so that the embeddings of two texts differ as those of two subjects do. Both files are dedicated to the public
domain (CC0 1.0).
"""

import argparse
import json
import random
from pathlib import Path

from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
SEED = 20
PER_BUCKET = 32
BUCKETS = (16, 64, 256)
# A text fills between this share and all of its bucket, the two special tokens included.
FILL = 0.6
OPENINGS = ("In the morning", "Late that evening", "Without a word", "As usual", "Years ago", "Despite the noise")
TURNS = ("Meanwhile", "A little later", "To general surprise", "Soon afterwards", "Once again", "Strangely enough")

Domain = dict[str, list[str]]


def capital(text: str) -> str:
    """The text with its first letter raised."""
    return text[0].upper() + text[1:]


def sentence(rng: random.Random, domain: Domain, short: bool) -> str:
    """One sentence of the grammar; short ones fit the smallest bucket."""
    who, did, where, why, seen = (rng.choice(domain[part]) for part in ("who", "did", "where", "why", "seen"))
    other = rng.choice([name for name in domain["who"] if name != who])
    forms = [f"{who} {did} {where}", f"{rng.choice(OPENINGS)}, {who} {did}"]
    if not short:
        forms += [
            f"{rng.choice(TURNS)}, {who} {did} {where}, because {why}",
            f"{seen} while {who} {did}",
            f"since {why}, {who} {did} and {other} {rng.choice(domain['did'])} {where}",
            f"{other} wondered aloud why {why}",
            f"although {why}, {other} {did} {where}",
            f"{seen}, and {why}",
        ]
    return capital(rng.choice(forms)) + "."


def compose(rng: random.Random, domain: Domain, bucket: int, tokenizer: Tokenizer) -> str:
    """A text of the bucket: sentences are added, each only once, until a drawn share of the bucket is filled."""
    while True:
        target = rng.uniform(FILL, 0.9) * bucket
        parts: list[str] = []
        while len(tokenizer.encode(" ".join(parts)).ids) < target:
            part = sentence(rng, domain, short=bucket == BUCKETS[0])
            if part not in parts:
                parts.append(part)
        text = " ".join(parts)
        if len(tokenizer.encode(text).ids) <= bucket:
            return text


def generate(domains: dict[str, Domain], tokenizer: Tokenizer) -> list[dict[str, str | int]]:
    """All texts, distinct, PER_BUCKET of each bucket, the domains in turn."""
    rng = random.Random(SEED)
    rows: list[dict[str, str | int]] = []
    seen: set[str] = set()
    names = sorted(domains)
    for bucket in BUCKETS:
        for i in range(PER_BUCKET):
            text = compose(rng, domains[names[i % len(names)]], bucket, tokenizer)
            while text in seen:
                text = compose(rng, domains[names[i % len(names)]], bucket, tokenizer)
            seen.add(text)
            rows.append({"id": f"t{len(rows):03d}", "bucket": bucket, "text": text})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the committed texts.")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json of all-minilm-l6-v2")
    parser.add_argument("--out", type=Path, default=HERE.parent / "texts.json")
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(arguments.tokenizer))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    rows = generate(json.loads((HERE / "domains.json").read_text()), tokenizer)
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    arguments.out.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
