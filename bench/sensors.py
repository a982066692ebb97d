#!/usr/bin/env python3
"""What waiting costs: N sensors (file.head, a poke each 30 s) in one run, beside a run with one.

    sensors.py [N ...] [--weft PROGRAM] [--seconds S]

Without N: 10000 and 100000. Shown: resident memory over that of the single sensor, CPU of one core,
and what was written to disk, over S seconds (60 unless told) in which no poke changes anything.
Linux only: the figures come from /proc.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

PER_TASK = 10_000  # instances of one for_each
INTERVAL = 30      # seconds between two pokes of one sensor


def dag(n):
    """A run of n sensors that wait for files which never come."""
    tasks = "\n".join(f"""  list{i}:
    shell: sh
    outputs: {{all: array}}
    run: |
      {{ printf '{{"all": ['; seq -s, 1 {min(PER_TASK, n - i * PER_TASK)} | tr -d '\\n'; printf ']}}'; }} > "$WEFT_OUTPUT"
  wait{i}:
    for_each: ${{{{ tasks.list{i}.output.all }}}}
    uses: file.head
    with: {{path: "/nonexistent/{i}/${{{{ item }}}}"}}
    sensor: {{until: output.exists, poke_interval: {INTERVAL}s, timeout: 4h}}""" for i in range((n + PER_TASK - 1) // PER_TASK))
    return f"id: waiting\ntasks:\n{tasks}\n"


class Run:
    """A weft that waits; its figures."""

    def __init__(self, weft, n):
        self.n = n
        self.folder = tempfile.mkdtemp(prefix="weft-sensors-")
        with open(os.path.join(self.folder, "waiting.yaml"), "w") as f:
            f.write(dag(n))
        self.told = open(os.path.join(self.folder, "told"), "w+")
        env = {**os.environ, "WEFT_HOME": os.path.join(self.folder, "home")}
        self.child = subprocess.Popen([weft, "run", "waiting.yaml", "--json"], cwd=self.folder, env=env,
                                      stdin=subprocess.DEVNULL, stdout=self.told, stderr=subprocess.STDOUT)

    def await_first_pokes(self):
        """Until each sensor has been asked once; then one interval, so that the pokes have settled."""
        want = self.n
        while True:
            with open(self.told.name) as f:
                if sum('"up_for_reschedule"' in line for line in f) >= want:
                    break
            if self.child.poll() is not None:
                sys.exit(f"the run ended: {open(self.told.name).read()[-2000:]}")
            time.sleep(0.5)
        time.sleep(INTERVAL)

    def look(self):
        pid = self.child.pid
        with open(f"/proc/{pid}/status") as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        with open(f"/proc/{pid}/stat") as f:
            ticks = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
        with open(f"/proc/{pid}/io") as f:
            written = next(int(line.split()[1]) for line in f if line.startswith("write_bytes"))
        return time.monotonic(), rss / 1024, ticks / os.sysconf("SC_CLK_TCK"), written

    def end(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.told.close()
        subprocess.run(["rm", "-rf", self.folder], check=True)


def measure(weft, n, seconds):
    """Resident MiB, percent of a core, bytes written."""
    run = Run(weft, n)
    try:
        run.await_first_pokes()
        began, _, cpu, written = run.look()
        time.sleep(seconds)
        ended, rss, cpu2, written2 = run.look()
        return rss, 100 * (cpu2 - cpu) / (ended - began), written2 - written
    finally:
        run.end()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("n", type=int, nargs="*", default=[10_000, 100_000])
    p.add_argument("--weft", required=True)
    p.add_argument("--seconds", type=int, default=60)
    a = p.parse_args()
    weft = os.path.abspath(a.weft)
    idle, cpu, _ = measure(weft, 1, a.seconds)
    print(f"{'sensors':>8}{'MiB':>8}{'over 1':>8}{'% of a core':>13}{'written':>9}")
    print(f"{1:8}{idle:8.1f}{'':8}{cpu:13.2f}", flush=True)
    for n in a.n:
        rss, cpu, written = measure(weft, n, a.seconds)
        print(f"{n:8}{rss:8.1f}{rss - idle:8.1f}{cpu:13.2f}{written:9}", flush=True)


if __name__ == "__main__":
    main()
