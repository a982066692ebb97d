#!/usr/bin/env python3
"""weft validate beside actionlint, each over right files of its own and the same number of lines.

    lint.py [--lines N ...] [--rounds N] [--weft PROGRAM] [--actionlint PROGRAM]

Needed: go, to build what is not given; actionlint and its workflows come from the Go module cache.
--lines: 100, 10000 and 100000 unless told.

actionlint reads the workflows it is measured with and those of its own repository, about 100 lines each;
weft reads DAGs of 100 lines with scripts, plugins, mapped tasks and a schedule ("weft"), and its own
examples from dags/ ("weft, examples"). One process each over all files, in turn, after a round that warms up; a
ratio is taken within a round, and the table shows medians. CPU is user + system. pyflakes is switched off,
and so is shellcheck, which actionlint starts for each script, weft for many at once. At most 1000 lines are
also linted with shellcheck, where it is installed; weft has no state folder there, so it remembers nothing.
"""
import argparse
import glob
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the checkout stays as it is

import speed  # noqa: E402: after the line above

MODULE = "github.com/rhysd/actionlint@v1.7.12"
SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def nightly(i):
    """A DAG of 100 lines with a bit of everything that costs."""
    checks = "".join(f"""  check_{n}:
    needs: load
    when: tasks.parts.output.rows > {n}
    env: {{DAY: "${{{{ run.ds }}}}", ROWS: "${{{{ tasks.parts.output.rows }}}}"}}
    run: |
      echo "checking $DAY"
      test "$ROWS" -gt {n} || exit 1
      echo ok > "$WEFT_OUTPUT"
""" for n in range(8))
    return f"""id: nightly_{i}
description: Wait for the export, clean it, check it, publish it.
owner: data
schedule: {{cron: "30 2 * * *", timezone: Europe/Berlin, dst: {{gap: next, fold: first}}}}
params:
  region: {{type: string, default: eu, enum: [eu, us]}}
  rows: {{type: integer, default: 100, minimum: 1}}
env: {{REGION: "${{{{ params.region }}}}"}}
defaults: {{retries: 2, retry_delay: 1m, timeout: 1h}}
tasks:
  ready:
    uses: file.head
    with: {{path: "/exports/${{{{ run.ds }}}}/_SUCCESS"}}
    sensor: {{until: output.exists, poke_interval: 60s, timeout: 4h}}
  parts:
    needs: ready
    outputs: {{list: array, rows: integer}}
    run: |
      set -u
      mkdir -p "$WEFT_TMPDIR/parts"
      for f in a b c; do
        printf '%s\\n' "$f" > "$WEFT_TMPDIR/parts/$f"
      done
      printf '{{"list": ["a", "b"], "rows": %d}}\\n' "${{{{ params.rows }}}}" > "$WEFT_OUTPUT"
  load:
    for_each: ${{{{ tasks.parts.output.list }}}}
    max_parallel: 4
    run: load "${{{{ item }}}}" "$REGION"
{checks}  publish:
    needs: [check_0, check_1, check_2, check_3]
    trigger: count(upstream, .state == "success") >= 2
    run: publish "${{{{ run.ds }}}}" "${{{{ params.region }}}}"
  report:
    needs: [publish, check_4, check_5, check_6, check_7]
    trigger: none_failed_min_one_success
    run: [report, --day, "${{{{ run.ds }}}}"]
"""


def examples():
    files = [f for f in sorted(glob.glob(os.path.join(SOURCE, "dags", "*.yaml"))) if not f.endswith(".test.yaml")]
    texts = [text for text in (open(f).read() for f in files) if "uses: dag." not in text]  # which names another DAG
    for i, text in enumerate(itertools.cycle(texts)):
        yield re.sub(r"(?m)^id: (\S+)", rf"id: \1_{i}", text, count=1)


def workflows():
    out = subprocess.run(["go", "mod", "download", "-json", MODULE], cwd=SOURCE, check=True, capture_output=True, text=True).stdout
    root = json.loads(out)["Dir"]
    files = sorted(f for d in ("testdata/bench", ".github/workflows") for f in glob.glob(os.path.join(root, d, "*.yaml")))
    return itertools.cycle([open(f).read() for f in files if not f.endswith("minimal.yaml")])


def fill(folder, texts, lines):
    """Writes files until there are so many lines; their names, and how many lines and bytes."""
    names, had, size = [], 0, 0
    while had < lines:
        text = next(texts)
        names.append(os.path.join(folder, f"f{len(names):04}.yaml"))
        with open(names[-1], "w") as f:
            f.write(text)
        had += text.count("\n")
        size += len(text.encode())
    return names, had, size


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lines", type=int, nargs="*", default=[100, 10_000, 100_000])
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--weft")
    p.add_argument("--actionlint")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="weft-lint-") as work:
        weft = os.path.abspath(a.weft) if a.weft else speed.build(os.path.join(work, "weft"), SOURCE, ".")
        lint = os.path.abspath(a.actionlint or "")
        if not a.actionlint:
            subprocess.run(["go", "install", MODULE.replace("@", "/cmd/actionlint@")], cwd=work, check=True,
                           env={**os.environ, "CGO_ENABLED": "0", "GOBIN": work})
            lint = os.path.join(work, "actionlint")
        for lines in a.lines:
            runs, told = {}, []
            for name, texts, argv in (
                ("weft", map(nightly, itertools.count()), [weft, "validate", "--strict", "--shellcheck=off"]),
                ("weft, examples", examples(), [weft, "validate", "--strict", "--shellcheck=off"]),
                ("weft, shellcheck", map(nightly, itertools.count()), [weft, "validate", "--shellcheck=on"]),
                ("actionlint", workflows(), [lint, "-no-color", "-shellcheck=", "-pyflakes="]),
                ("and shellcheck", workflows(), [lint, "-no-color", "-pyflakes="]),
            ):
                if name in ("and shellcheck", "weft, shellcheck") and (lines > 1000 or not shutil.which("shellcheck")):
                    continue
                folder = tempfile.mkdtemp(dir=work)
                names, had, size = fill(folder, texts, lines)
                told.append(f"{name}: {len(names)} files, {had} lines, {size / 1e6:.2f} MB")
                argv += [folder] if argv[0] == weft else names
                runs[name] = lambda argv=argv, folder=folder: speed.timed(argv, folder)
            got = speed.measure(runs, a.rounds * (3 if lines <= 1000 else 1))
            speed.table(f"{lines} lines\n" + "\n".join(told), got)


if __name__ == "__main__":
    main()
