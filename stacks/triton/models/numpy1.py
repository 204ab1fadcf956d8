"""A refusal to serve with numpy 2. Triton loads the models beside this file."""

import numpy as np


def require_numpy1() -> None:
    """Raises RuntimeError where the python backend would pass empty tensors, and be READY all the same."""
    if int(np.__version__.partition(".")[0]) > 1:
        problem = f"numpy {np.__version__} is installed, with which Triton's python backend passes empty tensors"
        raise RuntimeError(f"{problem}: install numpy<2 in the image")
