#!/usr/bin/env python3
"""Adds weft's form to the generator of benchmark DAGs.

    weftform.py BENCH SHAPE [options of daggen.py] --out DIR

BENCH is the folder that holds daggen.py. What it writes beside the forms of the other tools:
dag.yaml, the DAG, and weft.yaml, a configuration whose pool is as wide as there are workers.
"""
import os
import sys


def load(bench):
    """Imports daggen from its folder and registers the forms of weft."""
    sys.dont_write_bytecode = True  # the folder is not ours
    sys.path.insert(0, os.path.abspath(bench))
    import daggen

    @daggen.form("weft", "dag.yaml")
    def f_weft(dag):                # run: weft run dag.yaml
        out = [f"id: {dag['name']}", f"max_active_tasks: {dag['parallel']}", "defaults: {shell: sh}", "tasks:"]
        for t in dag["tasks"]:
            out.append(f"  {t['id']}:")
            if t["deps"]:
                out.append("    needs: [" + ", ".join(t["deps"]) + "]")
            out.append(f"    run: {daggen.q(t['cmd'])}")
        return "\n".join(out) + "\n"

    @daggen.form("weft-config", "weft.yaml")
    def f_config(dag):
        return f"pools: {{default: {dag['parallel']}}}\n"

    return daggen


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    generator = load(sys.argv.pop(1))
    generator.main()
