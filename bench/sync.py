#!/usr/bin/env python3
"""weft sync beside the bare requests that it cannot do without, and beside the aws cli.

    sync.py BENCH [--rounds N] [--weft PROGRAM] [--files N] [--mib N] [--only small|large]

BENCH is the folder with limits/s3raw. The server is versitygw, a process of its own, on a file system in
memory where there is one: what is measured is the client, not the disk. Needed: go; the aws cli takes
part if it is there.

small: --files YAML files. s3raw puts each by one signed PUT over 16 connections. weft's verdicts on the
files are remembered from a call before (--plan), so that validation is apart: it is a line of its own.
large: one object of --mib MiB. s3parts puts and gets it by parts with checksums; weft by the plugins
s3.put and s3.get, and by sync, which sums the whole up by SHA-256 too and waits for the disk. Who goes first
changes from round to round, and nobody finds what another has left: a server that fills memory for the
first time is slower. A ratio is taken within a round; the table shows medians.
"""
import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True  # the checkout stays as it is

from speed import build, timed  # noqa: E402: after the line above

KEY, SECRET = "bench-access", "bench-secret"


def serve(source, folder):
    """Starts versitygw; returns its process and URL."""
    program = subprocess.run(["go", "tool", "-n", "versitygw"], cwd=os.path.join(source, "tests", "versitygw"), check=True, capture_output=True, text=True).stdout.strip()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        addr = "127.0.0.1:%d" % s.getsockname()[1]
    os.makedirs(os.path.join(folder, "buckets", "acme"))
    with open(os.path.join(folder, "log"), "wb") as log:
        child = subprocess.Popen([program, "--access", KEY, "--secret", SECRET, "--region", "us-east-1", "--port", addr, "--health", "/health", "--quiet",
                                  "posix", os.path.join(folder, "buckets")], cwd=folder, stdout=log, stderr=log)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://{addr}/health").close()
            return child, f"http://{addr}"
        except OSError:
            time.sleep(0.05)
    child.kill()
    sys.exit("versitygw does not start: " + open(os.path.join(folder, "log")).read())


class Bench:
    def __init__(self, a, work, url, tools):
        self.a, self.work, self.tools = a, work, tools
        self.bucket = os.path.join(work, "buckets", "acme")
        self.env = {**os.environ, "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1",
                    "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "WEFT_HOME": os.path.join(work, "home")}

    def run(self, *argv):
        return timed(list(argv), self.work, self.env)

    def empty(self, *names):
        for name in names:
            shutil.rmtree(os.path.join(self.bucket, name), ignore_errors=True)

    def small(self):
        t, got = self.tools, {}
        note = lambda name, value: got.setdefault(name, []).append(value)
        many = os.path.join(self.work, "many")
        for i in range(self.a.files):
            os.makedirs(os.path.join(many, f"team{i % 40}"), exist_ok=True)
            with open(os.path.join(many, f"team{i % 40}", f"dag_{i}.yaml"), "w") as f:
                f.write(f"id: dag_{i}\ndescription: number {i}\nschedule: \"{i % 60} 2 * * *\"\ntasks:\n"
                        f"  extract: {{run: 'echo {i}', retries: 2, retry_delay: 1m}}\n  load: {{needs: extract, run: 'echo load'}}\n"
                        "  check: {needs: load, run: 'echo check'}\n")
        note("validation", self.run(t["weft"], "sync", "many", "s3://acme/weft", "--plan"))
        for n in range(self.a.rounds + 1):
            if n == 1:
                got = {"validation": got["validation"]}
            self.empty("raw", "weft", "aws")
            note("s3raw", self.run(t["s3raw"], "put", "many", "acme/raw"))
            note("sync, first", self.run(t["weft"], "sync", "many", "s3://acme/weft"))
            if t["aws"] and n == self.a.rounds:
                note("aws s3 sync", self.run(t["aws"], "s3", "sync", "--quiet", "many", "s3://acme/aws"))
            note("sync, nothing", self.run(t["weft"], "sync", "many", "s3://acme/weft"))
            for i in range(10):
                with open(os.path.join(many, f"team{i}", f"dag_{i}.yaml"), "a") as f:
                    f.write("# changed\n")
            note("sync, ten", self.run(t["weft"], "sync", "many", "s3://acme/weft"))
        table(f"{self.a.files} small files, {self.a.rounds} rounds", got, "s3raw")

    def large(self):
        t, put, get = self.tools, {}, {}
        big = os.path.join(self.work, "big.bin")
        with open(big, "wb") as f:
            for _ in range(self.a.mib):
                f.write(os.urandom(1 << 20))
        os.makedirs(os.path.join(self.work, "bigdags"))
        os.link(big, os.path.join(self.work, "bigdags", "big.bin"))
        out = os.path.join(self.work, "out.bin")
        for name, task in (("put", f"{{uses: s3.put, with: {{uri: 's3://acme/big/put', file: big.bin}}, workdir: {self.work}}}"),
                           ("get", f"{{uses: s3.get, with: {{uri: 's3://acme/source/big', to: {out}}}, workdir: {self.work}}}")):
            with open(os.path.join(self.work, name + ".yaml"), "w") as f:
                f.write(f"id: {name}\ntasks:\n  {name}: {task}\n")

        def puts(name, prefix, *argv):
            self.empty(prefix)  # each finds the memory that the one before has given back, and a server without the object
            put.setdefault(name, []).append(self.run(*argv))

        def gets(name, into, *argv):
            get.setdefault(name, []).append(self.run(*argv))
            shutil.rmtree(into) if os.path.isdir(into) else os.remove(into)

        copy = os.path.join(self.work, "copy")
        sending = [lambda: puts("s3parts", "big", t["s3parts"], "put", "big.bin", "acme/big/put"),
                   lambda: puts("s3.put", "big", t["weft"], "run", "put.yaml"),
                   lambda: puts("weft sync", "sync", t["weft"], "sync", "bigdags", "s3://acme/sync")]
        reading = [lambda: gets("s3parts", out, t["s3parts"], "get", "acme/source/big", out),
                   lambda: gets("s3.get", out, t["weft"], "run", "get.yaml"),
                   lambda: gets("weft sync", copy, t["weft"], "sync", "s3://acme/sync", "copy")]
        if t["aws"]:
            sending.append(lambda: puts("aws s3 cp", "big", t["aws"], "s3", "cp", "--quiet", "big.bin", "s3://acme/big/put"))
            reading.append(lambda: gets("aws s3 cp", out, t["aws"], "s3", "cp", "--quiet", "s3://acme/source/big", out))
        self.run(t["s3parts"], "put", "big.bin", "acme/source/big")
        for n in range(self.a.rounds + 1):
            if n == 1:
                put.clear(), get.clear()  # the first round has warmed what there is
            for one in sending[n % len(sending):] + sending[:n % len(sending)]:
                one()
            self.empty("big")
            for one in reading[n % len(reading):] + reading[:n % len(reading)]:
                one()
        table(f"put {self.a.mib} MiB, {self.a.rounds} rounds", put, "s3parts")
        table(f"get {self.a.mib} MiB, {self.a.rounds} rounds", get, "s3parts")


def table(title, got, of):
    print(f"\n{title}\n{'':16}{'wall ms':>10}{'CPU ms':>10}{'MiB':>8}{'it ÷ ' + of:>16}")
    for name in sorted(got, key=lambda name: name != of):
        rounds = got[name]
        wall, cpu, mib = (statistics.median(x[i] for x in rounds) for i in range(3))
        ratio = "" if name == of or len(rounds) != len(got[of]) else f"{statistics.median(b[0] / a[0] for a, b in zip(got[of], rounds)):16.2f}"
        print(f"{name:16}{wall * 1000:10.0f}{cpu * 1000:10.0f}{mib:8.0f}{ratio}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bench")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--weft")
    p.add_argument("--files", type=int, default=2000)
    p.add_argument("--mib", type=int, default=1024)
    p.add_argument("--only", default="")
    a = p.parse_args()
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    memory = "/dev/shm" if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 8 * a.mib << 20 else None
    with tempfile.TemporaryDirectory(prefix="weft-bench-", dir=memory) as work:
        tools = {
            "weft": os.path.abspath(a.weft) if a.weft else build(os.path.join(work, "weft"), source, "."),
            "s3raw": build(os.path.join(work, "s3raw"), os.path.join(os.path.abspath(a.bench), "limits"), "./s3raw"),
            "s3parts": build(os.path.join(work, "s3parts"), source, "./bench/s3parts"),
            "aws": shutil.which("aws"),
        }
        child, url = serve(source, work)
        try:
            b = Bench(a, work, url, tools)
            if "small".startswith(a.only or "small"):
                b.small()
            if "large".startswith(a.only or "large"):
                b.large()
        finally:
            child.kill()
            child.wait()


if __name__ == "__main__":
    main()
