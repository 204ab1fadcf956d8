#!/usr/bin/env python3
"""Disturb a real run with stress-ng, and check that no window hides it.

A quarter of the server's core, and later of the client's, is taken for some
seconds while windows are measured. Every window that was kept and that the hog
touched must be marked; those that were measured again lie outside its time.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime

SECONDS = 10.0  # of each hog: at least one whole window of two seconds, however slow the machine is between them
PEACE = 4.0  # seconds between the hogs
TOUCHES = 0.7  # seconds of overlap: a quarter of a core for that long is 9 % of a window
RUN = [
    *("go", "tool", "stackbench", "run", "--group", "embeddings", "--models", "all-minilm-l6-v2"),
    *("--stacks", "embedded", "--launcher", "process", "--duration", "2s"),
]


def hog(core: str) -> tuple[float, float]:
    """Take a quarter of a core, and say from when until when."""
    started = time.time()
    load = ("--cpu", "1", "--cpu-load", "25", "--taskset", core, "--timeout", f"{SECONDS:.0f}s")
    subprocess.run(["stress-ng", "--quiet", *load], check=True)
    return started, time.time()


def last(cores: str) -> str:
    """Name the last of a list of cores such as 0-3,7."""
    return cores.replace("-", ",").split(",")[-1]


def measure(root: str) -> tuple[pathlib.Path, dict[str, tuple[float, float]]]:
    """Run, with a hog on each side's core once a window has ended."""
    hogs: dict[str, tuple[float, float]] = {}
    run = subprocess.Popen([*RUN, "--results", root], stdout=sys.stdout, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    threads: list[threading.Thread] = []

    def disturb() -> None:
        folder = next(pathlib.Path(root).iterdir())
        machine = json.loads((folder / "env.json").read_text())["machine"]
        for side in ("server", "client"):
            hogs[side] = hog(last(machine[f"{side}_cores"]))
            time.sleep(PEACE)

    for line in run.stderr:
        print(line, end="", flush=True)
        if line.startswith("[") and not threads:
            threads.append(threading.Thread(target=disturb))
            threads[0].start()
    code = run.wait()
    for thread in threads:
        thread.join()
    if code != 0:
        sys.exit(f"the run failed with {code}")
    return next(pathlib.Path(root).iterdir()), hogs


def nothing(why: str) -> int:
    """Say that this run shows nothing, so that another one may: exit code 3."""
    print(why)
    return 3


def check(folder: pathlib.Path, hogs: dict[str, tuple[float, float]]) -> None:
    """Fail on a touched window that says nothing, and when nothing was touched."""
    if set(hogs) != {"server", "client"}:
        sys.exit(nothing("the run ended before both cores were disturbed"))
    seen = {"server": 0, "client": 0}
    for line in (folder / "trials.jsonl").read_text().splitlines():
        trial = json.loads(line)
        foreign = trial.get("foreign")
        if foreign is None:
            sys.exit(f"nobody looked for others: {trial['name']}")
        opened = datetime.fromisoformat(foreign["opened"]).timestamp()
        marks = [r["rule"] for r in trial.get("invalid", []) + trial.get("doubts", [])]
        for side, (begun, ended) in hogs.items():
            overlap = min(ended, opened + trial["seconds"]) - max(begun, opened)
            told = "foreign" in marks
            again = foreign["tries"] > 1
            if overlap < TOUCHES:
                seen[side] += again and begun <= opened < ended + SECONDS
                continue
            print(f"{side}: {trial['name']}: {foreign[side]['percent']:.0f} %, {marks}, {foreign['tries']} tries")
            # A closed loop's figures do not move by a quarter of the client's core: its share is only kept.
            quiet = side == "client" and "/load=closed/" in trial["name"] and foreign[side]["percent"] > 5
            if not (told or quiet):
                sys.exit(f"disturbed for {overlap:.1f} s, and not marked: {trial['name']}: {foreign}")
            seen[side] += 1
    missed = [side for side, n in seen.items() if n == 0]
    if missed:
        sys.exit(nothing(f"no window was touched on the cores of: {', '.join(missed)}"))
    print(f"every disturbed window is marked or was measured again: {seen}")


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        check(*measure(root))


if __name__ == "__main__":
    main()
