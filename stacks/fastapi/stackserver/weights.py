"""A cheap check that the weights file is whole, before a runtime meets it."""

import json
import struct
from pathlib import Path

from stackserver.errors import SetupError
from stackserver.spec import PREPARE

_LONGEST_HEADER = 100_000_000  # bytes, the format's own limit


def check_weights(folder: Path) -> None:
    """Raises SetupError unless `folder`/model.safetensors is as long as its own header says.

    A runtime reports a half-downloaded file late and in its own words, or not at all. The SHA-256 is
    checked where the store is prepared: here it would only add to the time until ready.
    """
    path = folder / "model.safetensors"
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                raise ValueError(f"header of {length} bytes")
            header = json.loads(file.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        want, have = 8 + length + max(ends), path.stat().st_size
    except FileNotFoundError:
        raise SetupError(f"{path} is missing", PREPARE) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error) as err:
        raise SetupError(f"{path} is not a safetensors file: {err}", PREPARE) from None
    if have != want:
        raise SetupError(f"{path} has {have} bytes, and its header says {want}", PREPARE)
