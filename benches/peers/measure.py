"""What the jobs share: the clock, the processor, the memory and the line that is printed."""

import importlib
import importlib.metadata
import itertools
import json
import os
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")
SAMPLE = 2.0  # seconds between two looks at the memory


def version(package):
    return importlib.metadata.version(package)


def report(**fields):
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in fields.items()}), flush=True)


def each(names):
    """Runs the script once more for each name in place of `all`, in a process of its own."""
    for name in names:
        again = [sys.executable, *(name if argument == "all" else argument for argument in sys.argv)]
        done = subprocess.run(again, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.stderr.write(done.stderr)
            report(peer=name, error=f"exit status {done.returncode}, see above")


def load_modules(names):
    for name in names:
        importlib.import_module(name)


def loader(what, load, check, args, **more):
    """Times `args.batches` batches after `args.warmup` ones and prints the line.

    `load` gives an iterator over batches that never ends; building it counts into the time of the first batch. `check` looks
    at the first batch, and `check.rows` counts the rows of each.
    """
    start = time.perf_counter()
    endless = iter(load())
    batch = next(endless)
    first = time.perf_counter() - start
    check(batch)

    peak = memory()
    for _ in itertools.islice(endless, max(args.warmup - 1, 0)):
        peak = max(peak, memory())

    rows, looked = 0, time.perf_counter()
    start, cpu = time.perf_counter(), processor()
    for batch in itertools.islice(endless, args.batches):
        rows += check.rows(batch)
        if time.perf_counter() - looked > SAMPLE:
            peak, looked = max(peak, memory()), time.perf_counter()
    seconds, cpu = time.perf_counter() - start, processor() - cpu
    report(
        peer=args.name,
        **more,
        **{f"{what}_per_s": rows / seconds},
        first_batch_s=first,
        cpu_s=cpu,
        peak_mb=max(peak, memory()) / 1e6,
        **{what: rows},
        seconds=seconds,
    )


def family():
    """This process and everything below it."""
    pids = [os.getpid()]
    for pid in pids:
        for task in listing(f"/proc/{pid}/task"):
            pids.extend(int(child) for child in read(f"/proc/{pid}/task/{task}/children").split())
    return pids


def processor():
    """Processor seconds of the family so far, children that ended included."""
    ticks = 0
    for pid in family():
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICK


def memory():
    """Bytes: the peak of this process, or what the family shares out between its members now (Pss), if that is more."""
    own = field(read("/proc/self/status"), "VmHWM:")
    pids = family()
    if len(pids) == 1:
        return own
    return max(own, sum(field(read(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in pids))


def field(text, name):
    line = next((line for line in text.splitlines() if line.startswith(name)), "0 0 kB")
    return int(line.split()[1]) * 1024


def listing(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def read(path):
    """The text of a file of /proc; empty where the process has ended."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
