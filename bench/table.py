#!/usr/bin/env python3
"""The table of what weft promises about speed, each line beside what was measured just now.

    table.py BENCH [--weft PROGRAM] [--rounds N] [--only WORD ...]

BENCH is the folder with daggen.py and limits. The parts, which --only chooses from: dags (five DAGs,
paired with the bare fork/exec loop), start, scale (the cost of a task as DAGs grow, and memory), sensors
(what waiting costs; ten minutes), validate, calls (system calls a task, by strace). Linux only.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the checkout stays as it is

import sensors  # noqa: E402: after the line above
import speed  # noqa: E402
import weftform  # noqa: E402

ROW = "{:44}{:>16}{:>12}   {}"


def row(what, measured, asked="", beside=""):
    print(ROW.format(what, measured, asked, beside), flush=True)


def ratios(got, of, by):
    """The median, over rounds, of wall and CPU of one contender by those of another."""
    return [statistics.median(a[i] / max(b[i], 1e-6) for a, b in zip(got[of], got[by])) for i in (0, 1)]


ASKED = {"layered 1000": "1.6", "chain 200": "1.8", "fan 500": "1.6"}


def dags(t):
    print("\nwall ÷ the bare fork/exec loop; beside it CPU, and what the loop takes with start, end and log of each task on disk")
    for name, workers, args in speed.DAGS:
        if name == "one":
            continue
        folder, state = t.folder(), t.folder()
        speed.generate(t.daggen, folder, workers, args)
        got = speed.measure(speed.contenders(t.tools, folder, state, workers), t.rounds)
        wall, cpu = ratios(got, "weft", "rawexec")
        disk, _ = ratios(got, "rawexec+disk", "rawexec")
        beside = f"CPU {cpu:.2f}; rawexec+disk {disk:.2f}"
        for peer in ("ninja", "make"):
            if peer in got:
                beside += f"; {peer} {ratios(got, peer, 'rawexec')[0]:.2f}"
        row(f"{name}, {workers} workers", f"{wall:.2f}", "≤ " + ASKED[name], beside)


def start(t):
    print("\nstart to exit, ms")
    folder, state = t.folder(), t.folder()
    speed.generate(t.daggen, folder, 2, ["one"])
    runs = speed.contenders(t.tools, folder, state, 2)
    runs = {"weft": runs["weft"], "rawexec": runs["rawexec"], **speed.starts(t.tools, folder, state)}
    got = speed.measure(runs, 3 * t.rounds)
    ms = {name: 1000 * statistics.median(x[0] for x in list_) for name, list_ in got.items()}
    row("one-task DAG", f"{ms['weft']:.1f}", "≤ 25", f"rawexec {ms['rawexec']:.1f}")
    row("the first run ever", f"{ms['weft, first run']:.1f}", "≤ 60")
    row("weft version", f"{ms['weft version']:.1f}", "≤ 15")


def mapped(n):
    """A DAG of n instances of one task."""
    out, per = ["id: mapped", "max_active_tasks: 2", "defaults: {shell: sh}", "tasks:"], 10_000
    for i in range((n + per - 1) // per):
        k = min(per, n - i * per)
        out.append(f"""  list{i}:
    outputs: {{all: array}}
    run: |
      {{ printf '{{"all": ['; seq -s, 1 {k} | tr -d '\\n'; printf ']}}'; }} > "$WEFT_OUTPUT"
  part{i}:
    for_each: ${{{{ tasks.list{i}.output.all }}}}
    run: ": 1\"""")
    return "\n".join(out) + "\n"


def run_once(t, folder):
    """ms of wall, MiB at the peak."""
    env = {**os.environ, "WEFT_HOME": os.path.join(folder, "home")}
    wall, _, peak = speed.timed([t.tools["weft"], "run", "dag.yaml"], folder, env)
    return 1000 * wall, peak


def scale(t):
    print("\nms a task, 2 workers, as DAGs grow")
    first = None
    for n in (1_000, 10_000, 50_000):
        folder = t.folder()
        with open(os.path.join(folder, "dag.yaml"), "w") as f:
            f.write(mapped(n))
        with open(os.path.join(folder, "weft.yaml"), "w") as f:
            f.write("pools: {default: 2}\n")
        wall, peak = run_once(t, folder)
        each = wall / n
        first = first or each
        row(f"{n} mapped instances", f"{each:.3f}", "± 15 %", f"{100 * (each / first - 1):+.0f} %, peak {peak:.0f} MiB")
    folder = t.folder()
    speed.generate(t.daggen, folder, 2, ["layered", "-n", "10000"])
    wall, peak = run_once(t, folder)
    row("10000 tasks in one file", f"{wall / 10_000:.3f}", "± 15 %", f"{100 * (wall / 10_000 / first - 1):+.0f} %")
    row("10000 tasks in one file, peak MiB", f"{peak:.0f}", "≤ 80")


def waiting(t):
    print("\nfile.head each 30 s, over 60 s in which nothing changes: MiB over one sensor, % of a core, bytes written")
    idle, _, _ = sensors.measure(t.tools["weft"], 1, 60)
    for n, most, core in ((10_000, 60, 3), (100_000, 400, 10)):
        rss, cpu, written = sensors.measure(t.tools["weft"], n, 60)
        row(f"{n} waiting sensors, MiB", f"{rss - idle:.0f}", f"≤ {most}")
        row(f"{n} waiting sensors, % of a core", f"{cpu:.1f}", f"≤ {core}")
        row(f"{n} waiting sensors, bytes written", f"{written}", "0")


def validate(t):
    print("\nvalidate")
    folder = t.folder()
    for i in range(1000):
        with open(os.path.join(folder, f"d{i}.yaml"), "w") as f:
            f.write(f"id: d{i}\ndescription: A DAG of a hundred lines.\ntasks:\n" + "".join(
                f"  t{k}:\n    description: Does part {k}.\n" + (f"    needs: [t{k - 1}]\n" if k else "") +
                f"    retries: 2\n    env:\n      PART: \"{k}\"\n    run: ./part.py --day \"${{{{ run.ds }}}}\" --part {k}\n"
                for k in range(14)))
    got = speed.measure({"weft": lambda: speed.timed([t.tools["weft"], "validate", "."], folder)}, t.rounds)
    wall, cpu = (statistics.median(x[i] for x in got["weft"]) for i in (0, 1))
    row("1000 files of 100 lines, s", f"{wall:.2f}", "≤ 0.6", f"CPU {cpu:.2f}")


def calls(t):
    if not shutil.which("strace"):
        print("\nsystem calls: no strace here")
        return
    print("\nsystem calls of a run of 1000 tasks in layers, a task")
    folder = t.folder()
    speed.generate(t.daggen, folder, 2, ["layered", "-n", "1000"])
    out = os.path.join(folder, "calls")
    env = {**os.environ, "WEFT_HOME": os.path.join(folder, "home")}
    subprocess.run(["strace", "-f", "-c", "-o", out, t.tools["weft"], "run", "dag.yaml"], cwd=folder, env=env,
                   check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    counted = {}
    with open(out) as f:
        for line in f:
            parts = line.split()
            if len(parts) >= 5 and parts[3].isdigit():
                counted[parts[-1]] = int(parts[3])
    for names in (("clone", "clone3", "vfork"), ("execve",), ("fsync", "fdatasync"), ("pwrite64",), ("write",),
                  ("openat", "openat2"), ("renameat2",), ("ftruncate",), ("futex",)):
        row(", ".join(names), f"{sum(counted.get(n, 0) for n in names) / 1000:.2f}")


PARTS = {"dags": dags, "start": start, "scale": scale, "validate": validate, "calls": calls, "sensors": waiting}


class Bench:
    """Programs and folders of one measuring."""

    def __init__(self, work, a):
        self.work, self.rounds = work, a.rounds
        source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.tools = {
            "weft": os.path.abspath(a.weft) if a.weft else speed.build(os.path.join(work, "weft"), source, "."),
            "base": "",
            "rawexec": speed.build(os.path.join(work, "rawexec"), os.path.join(os.path.abspath(a.bench), "limits"), "./rawexec"),
            "ninja": shutil.which("ninja"), "make": shutil.which("make"),
        }
        self.daggen = weftform.load(a.bench)

    def folder(self):
        return tempfile.mkdtemp(dir=self.work)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bench")
    p.add_argument("--weft")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as work:
        t = Bench(work, a)
        print(ROW.format("", "measured", "asked", ""))
        for part in a.only:
            PARTS[part](t)


if __name__ == "__main__":
    main()
