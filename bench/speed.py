#!/usr/bin/env python3
"""The speed table: weft beside programs that do the same work with less or no memory of it.

    speed.py BENCH [--rounds N] [--weft PROGRAM] [--base PROGRAM] [--only WORD]

BENCH is the folder with daggen.py and limits/rawexec. Needed: go (to build what is not given) and
python3; ninja and make take part if they are there. --base is another build of weft to compare
with; --only takes the DAGs whose name begins so.

Every contender runs in turn with weft, A B C A B C …; a ratio is taken within a round, and the
table shows the medians. CPU is user + system of the program and all that it waited for. weft
starts with a state folder that has seen a run, fsyncs on, its pool as wide as there are workers.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the checkout stays as it is

import weftform  # noqa: E402: after the line above

# name, workers, arguments of daggen
DAGS = [
    ("layered 1000", 2, ["layered", "-n", "1000"]),
    ("chain 200", 2, ["chain", "-n", "200"]),
    ("fan 500", 2, ["fan", "-n", "500"]),
    ("fan 500", 8, ["fan", "-n", "500"]),
    ("one", 2, ["one"]),
]


def build(out, folder, *args):
    subprocess.run(["go", "build", "-o", out, *args], cwd=folder, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    return out


def generate(daggen, folder, workers, args):
    sys.argv = ["daggen", *args, "--parallel", str(workers), "--out", folder]
    daggen.main()


def timed(argv, cwd, env=None):
    """Runs a program to its end; seconds of wall and of CPU, and MiB of memory."""
    begin = time.perf_counter()
    child = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(argv)} failed ({child.returncode}): {said.decode(errors='replace')}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def contenders(tools, folder, state, workers):
    """name → a function that runs it once; weft is the first."""
    dag = os.path.join(folder, "dag.json")

    def weft(program, home):
        return lambda: timed([program, "run", "dag.yaml"], folder, {**os.environ, "WEFT_HOME": home})

    def journalled():
        logs = tempfile.mkdtemp(dir=state)
        got = timed([tools["rawexec"], "-p", str(workers), "-dag", dag, "-journal", os.path.join(state, "journal"), "-logs", logs], folder)
        shutil.rmtree(logs)
        return got

    out = {"weft": weft(tools["weft"], os.path.join(state, "weft"))}
    if tools["base"]:
        out["base"] = weft(tools["base"], os.path.join(state, "base"))
    out["rawexec"] = lambda: timed([tools["rawexec"], "-p", str(workers), "-dag", dag], folder)
    out["rawexec+disk"] = journalled
    if tools["ninja"]:
        out["ninja"] = lambda: timed([tools["ninja"], "--quiet", f"-j{workers}"], folder)
    if tools["make"]:
        out["make"] = lambda: timed([tools["make"], "-s", f"-j{workers}"], folder)
    return out


def starts(tools, folder, state):
    """What a start costs: nothing to do, and the first run ever."""
    def first():
        home = tempfile.mkdtemp(dir=state)
        got = timed([tools["weft"], "run", "dag.yaml"], folder, {**os.environ, "WEFT_HOME": os.path.join(home, "new")})
        shutil.rmtree(home)
        return got

    out = {"weft, first run": first, "weft version": lambda: timed([tools["weft"], "version"], folder)}
    if tools["base"]:
        out["base version"] = lambda: timed([tools["base"], "version"], folder)
    return out


def measure(runs, rounds):
    """name → list of (wall, CPU), in turn; one round before them warms up."""
    got = {name: [] for name in runs}
    for n in range(rounds + 1):
        for name, run in runs.items():
            one = run()
            if n:
                got[name].append(one)
    return got


def table(title, got, of="weft"):
    print(f"\n{title}\n{'':16}{'wall ms':>10}{'CPU ms':>10}{of + ' ÷ it':>14}{'CPU':>8}")
    for name, list_ in got.items():
        wall, cpu = (statistics.median(x[i] for x in list_) * 1000 for i in (0, 1))
        pairs = list(zip(got[of], list_)) if of in got else []
        ratios = "".join(f"{statistics.median(a[i] / max(b[i], 1e-6) for a, b in pairs):{width}.2f}"
                         for i, width in ((0, 14), (1, 8))) if pairs and name != of else ""
        print(f"{name:16}{wall:10.1f}{cpu:10.1f}{ratios}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bench")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--weft")
    p.add_argument("--base")
    p.add_argument("--only", default="")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as work:
        source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        tools = {
            "weft": os.path.abspath(a.weft) if a.weft else build(os.path.join(work, "weft"), source, "."),
            "base": os.path.abspath(a.base) if a.base else "",
            "rawexec": build(os.path.join(work, "rawexec"), os.path.join(os.path.abspath(a.bench), "limits"), "./rawexec"),
            "ninja": shutil.which("ninja"), "make": shutil.which("make"),
        }
        daggen = weftform.load(a.bench)
        for name, workers, args in DAGS:
            if not name.startswith(a.only):
                continue
            folder, state = (tempfile.mkdtemp(dir=work) for _ in range(2))
            generate(daggen, folder, workers, args)
            runs = contenders(tools, folder, state, workers)
            rounds = a.rounds
            if name == "one":
                runs |= starts(tools, folder, state)
                rounds *= 3
            table(f"{name}, {workers} workers, {rounds} rounds", measure(runs, rounds))


if __name__ == "__main__":
    main()
