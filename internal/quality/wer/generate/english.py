"""Write testdata/english.json: ``python internal/quality/wer/generate/english.py``.

What the pinned whisper-normalizer makes of some hundred texts, and of its own answers. The texts are written by hand
(texts.txt), made of all words that its tables know, and drawn with a seed. No character is younger than Unicode 14,
which Python 3.11 knows: of younger ones two languages need not think alike.
"""

import json
import random
import re
from importlib.metadata import version
from pathlib import Path

from whisper_normalizer.english import EnglishTextNormalizer

PINNED = "0.1.15"
NAME = f"whisper-normalizer-{PINNED}-english"
SEED = 14
DRAWN = 300
HERE = Path(__file__).resolve().parent


def drawn(rng: random.Random, vocabulary: list[str]) -> str:
    """A few words and marks, with or without spaces."""
    marks = list(".,%$¢€£'()[]<>-&/:;!?")
    parts: list[str] = []
    for _ in range(rng.randrange(2, 9)):
        kind = rng.random()
        if kind < 0.6:
            part = rng.choice(vocabulary)
        elif kind < 0.8:
            digits = str(rng.randrange(10 ** rng.randrange(1, 7)))
            part = rng.choice(["", "$", "£"]) + digits + rng.choice(["", "%", "s", "th"])
        else:
            part = rng.choice(marks)
        parts.append(part + rng.choice([" ", " ", " ", ""]))
    return "".join(parts)


def main() -> None:
    """Write the table."""
    if version("whisper-normalizer") != PINNED:
        raise SystemExit(f"whisper-normalizer {version('whisper-normalizer')}: install {PINNED}")
    normalise = EnglishTextNormalizer()
    numbers = sorted(normalise.standardize_numbers.words)
    contractions = [re.sub(r"\\b", "", pattern) for pattern in normalise.replacers]
    texts = [
        "",
        *(HERE / "texts.txt").read_text().splitlines(),
        "tab\tline\nreturn\rfeed\fvertical\vseparator\x1cnext\x85end",
        "\u00a0non\u00a0break\u2028line\u2029paragraph",
    ]
    texts += [f"{word} forty {word} three {word}" for word in numbers]
    texts += [f"I{part} {part} they{part}s" for part in contractions]
    rng = random.Random(SEED)
    vocabulary = numbers + contractions + ["he", "the", "a", "cats", "and", "a", "half"]
    texts += [drawn(rng, vocabulary) for _ in range(DRAWN)]
    cases: list[dict[str, str]] = []
    for text in dict.fromkeys(texts):
        out = normalise(text)
        cases.append({"in": text, "out": out, "again": normalise(out)})
    target = HERE.parent / "testdata" / "english.json"
    rows = ",\n".join(json.dumps(case) for case in cases)
    target.write_text(f'{{"normaliser": {json.dumps(NAME)}, "cases": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
