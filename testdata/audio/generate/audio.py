"""Write the clips and manifest.json: ``python testdata/audio/generate/audio.py pocketsphinx-5.1.1.tar.gz``.

The clips are copied as they lie in the pinned source distribution of pocketsphinx (``pip download --no-deps --no-binary
:all: pocketsphinx==5.1.1``), beside their transcripts; none is decoded or encoded.
"""

import hashlib
import io
import json
import sys
import tarfile
import wave
from pathlib import Path

SOURCE_SHA256 = "675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355"
FOLDER = "pocketsphinx-5.1.1/test/data/librivox"
PREFIX = "sense_and_sensibility_01_austen_64kb-"
CLIPS = ("0870", "0880", "0890", "0920", "0930")
HERE = Path(__file__).resolve().parents[1]


def member(archive: tarfile.TarFile, name: str) -> bytes:
    """A file of the archive. Raises FileNotFoundError."""
    file = archive.extractfile(f"{FOLDER}/{name}")
    if file is None:
        raise FileNotFoundError(name)
    return file.read()


def main() -> None:
    """Write the files into the folder above."""
    source = Path(sys.argv[1]).read_bytes()
    if hashlib.sha256(source).hexdigest() != SOURCE_SHA256:
        raise SystemExit("this is not the pinned source distribution of pocketsphinx 5.1.1")
    rows: list[str] = []
    with tarfile.open(fileobj=io.BytesIO(source)) as archive:
        for clip in CLIPS:
            data = member(archive, f"{PREFIX}{clip}.wav")
            (HERE / f"dashwood-{clip}.wav").write_bytes(data)
            with wave.open(io.BytesIO(data)) as reader:
                rate, samples = reader.getframerate(), reader.getnframes()
            row = {
                "id": f"dashwood-{clip}",
                "file": f"dashwood-{clip}.wav",
                "licence": "public domain",
                "rate": rate,
                "samples": samples,
                "transcript": member(archive, f"{PREFIX}{clip}.txt").decode().strip(),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
            rows.append(json.dumps(row))
    (HERE / "manifest.json").write_text("[\n  " + ",\n  ".join(rows) + "\n]\n")


if __name__ == "__main__":
    main()
