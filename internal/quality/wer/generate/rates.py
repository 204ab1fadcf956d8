"""Write testdata/rates.json: ``python internal/quality/wer/generate/rates.py``.

What the pinned jiwer (Apache-2.0) counts in drawn corpora: of each pair of texts its hits, substitutions, deletions and
insertions, and the rate of the corpus. Words are letters, which no normaliser changes.
"""

import json
import random
from importlib.metadata import version
from pathlib import Path

import jiwer

PINNED = "4.0.0"
SEED = 14
CORPORA = 60


def heard(rng: random.Random, words: list[str], letters: str) -> list[str]:
    """The words after a few errors."""
    out: list[str] = []
    for word in words:
        kind = rng.random()
        if kind < 0.7:
            out.append(word)
        elif kind < 0.8:
            out.append(rng.choice(letters))
        elif kind < 0.9:
            out += [rng.choice(letters), word]
    return out


def counts(output: jiwer.WordOutput) -> list[int]:
    """Hits, substitutions, deletions, insertions."""
    return [output.hits, output.substitutions, output.deletions, output.insertions]


def main() -> None:
    """Write the table."""
    if version("jiwer") != PINNED:
        raise SystemExit(f"jiwer {version('jiwer')}: install {PINNED}")
    rng = random.Random(SEED)
    corpora: list[str] = []
    for number in range(CORPORA):
        letters = "bcdefghjklnp"[: rng.choice([2, 3, 6, 12])]
        pairs: list[tuple[str, str]] = []
        for _ in range(rng.randrange(1, 6)):
            words = [rng.choice(letters) for _ in range(rng.randrange(1, 90 if number % 10 == 0 else 16))]
            answer = heard(rng, words, letters)
            if rng.random() < 0.2:
                answer = [rng.choice(letters) for _ in range(rng.randrange(0, 20))]
            if rng.random() < 0.1:
                rng.shuffle(answer)
            pairs.append((" ".join(words), " ".join(answer)))
        pooled = jiwer.process_words([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        each = [counts(jiwer.process_words(*pair)) for pair in pairs]
        row = {"pairs": pairs, "counts": each, "pooled": counts(pooled), "rate": pooled.wer}
        corpora.append(json.dumps(row))
    target = Path(__file__).resolve().parents[1] / "testdata" / "rates.json"
    target.write_text(f'{{"jiwer": "{PINNED}", "corpora": [\n' + ",\n".join(corpora) + "\n]}\n")


if __name__ == "__main__":
    main()
