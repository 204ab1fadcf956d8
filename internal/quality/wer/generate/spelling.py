"""Write spelling.txt: ``python internal/quality/wer/generate/spelling.py``.

British and American spellings, a pair a line, from the pinned whisper-normalizer (MIT; see ../LICENSE.whisper).
"""

import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

PINNED = "0.1.15"


def main() -> None:
    """Write the file beside this folder."""
    if version("whisper-normalizer") != PINNED:
        raise SystemExit(f"whisper-normalizer {version('whisper-normalizer')}: install {PINNED}")
    mapping: dict[str, str] = json.loads(files("whisper_normalizer").joinpath("normalizers/english.json").read_text())
    # One entry has several words on a side: texts are looked up word by word, so it never holds.
    pairs = [(british, american) for british, american in mapping.items() if " " not in british + american]
    lines = (f"{british} {american}\n" for british, american in pairs)
    (Path(__file__).resolve().parents[1] / "spelling.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
