"""Runs commands in turn, round after round, and compares the first with each of the others.

    python pair.py ROUNDS COMMAND COMMAND...

    python pair.py 7 "millstream bench --json --threads 2 --epochs 3 large.parquet" "python photos.py grain large.parquet"

A command's last line is one JSON object, as the scripts here and `millstream bench --json` print it. Shared machines slow down
and recover by the minute: so the first command's rate is divided by another's of the same round, and the medians over the
rounds are printed, with the least and the most. Each round begins with another command.
"""

import argparse
import json
import statistics
import subprocess


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int)
    parser.add_argument("commands", nargs="+", metavar="COMMAND")
    args = parser.parse_args()
    results = [[] for _ in args.commands]
    for turn in range(args.rounds):
        for at in range(len(args.commands)):
            which = (turn + at) % len(args.commands)
            results[which].append(run(args.commands[which]))
    for command, runs in zip(args.commands, results):
        print(command)
        line = f"  {over(rates(runs), 0)} a second"
        if (costs := [cost for cost in map(cpu, runs) if cost]):
            line += f", {over(costs, 2)} CPU seconds a thousand"
        if (most := max(map(peak, runs))):
            line += f", {most / 1e6:.0f} MB at most"
        print(line)
        if runs is not results[0]:
            ratios = [first / rate for first, rate in zip(rates(results[0]), rates(runs))]
            print(f"  the first has {over(ratios, 2)} of its rate")


def run(command):
    done = subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def rows(run):
    return run.get("images") or run["rows"]


def rates(runs):
    return [rows(run) / run["seconds"] for run in runs]


def cpu(run):
    return 1000 * (run.get("cpu_s") or run.get("cpu_seconds") or 0) / rows(run)


def peak(run):
    return 1e6 * run.get("peak_mb", 0) or run.get("peak_bytes") or 0


def over(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
