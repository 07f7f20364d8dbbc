#!/usr/bin/env python3
"""How soon `assize explore` finds each race of the reference server: the median of several seeds.

    benches/races.py [--program target/release/assize] [--seeds 10] [--budget 120s] [BUG ...]

Each search is a default one, for all properties, and ends with its first failure; nothing is made smaller. Prints a
table in Markdown; the machine's load is part of it, for races come about less often on a machine that is busy.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

# Each race among the bugs of the reference server, and the spec on which it is looked for.
RACES = {
    "dedup-race": "callback-ack",
    "dedup-race-error": "callback-ack",
    "create-race": "event-reply",
    "create-race-error": "event-reply",
    "receipt-race": "callback-ack",
    "ack-by-key": "callback-ack",
    "clock-jitter": "callback-ack",
    "number-twice": "sequenced",
    "sends-overtaken": "sequenced",
    "pushes-overtaken": "sequenced",
    "unread-drift": "broadcast",
    "contacts-doubled": "sequenced",
    "broadcast-reader-lost": "broadcast",
    "drop-burst": "callback-ack",
}


def search(program, bug, seed, budget):
    """Seconds until the first failure, or None."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        command = [program, "explore", "--spec", RACES[bug], "--bug", bug, "--seed", str(seed), "--budget", budget]
        command += ["--first", "--no-shrink", "--quiet", "--corpus", out / "corpus", "--out", out]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600, check=False)
        found = json.loads((out / "latest" / "report.json").read_text())
        after = [defect["after"] for defect in found["defects"] if defect["promised"]]
        return min(after) / 1e9 if after else None


def row(program, bug, seeds, budget):
    times = [search(program, bug, seed, budget) for seed in range(1, seeds + 1)]
    found = sorted(time for time in times if time is not None)
    whole = found + [float("inf")] * (seeds - len(found))
    median = statistics.median(whole)
    said = f"{median:.1f} s" if median < float("inf") else "none"
    spread = f"{found[0]:.1f} to {found[-1]:.1f} s" if found else ""
    return f"| `{bug}` | `{RACES[bug]}` | {said} | {spread} | {len(found)} of {seeds} | {os.getloadavg()[1]:.0f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="target/release/assize")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", default="120s")
    parser.add_argument("bugs", nargs="*", metavar="BUG")
    given = parser.parse_args()
    print("| bug | spec | median | from, to | found with | load |\n|---|---|---|---|---|---|", flush=True)
    for bug in given.bugs or RACES:
        print(row(given.program, bug, given.seeds, given.budget), flush=True)


if __name__ == "__main__":
    main()
