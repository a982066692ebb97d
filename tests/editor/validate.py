"""Judges values by a schema with python-jsonschema. In and out as in validate.mjs."""
import json
import sys

import jsonschema

asked = json.load(sys.stdin)
jsonschema.Draft7Validator.check_schema(asked["schema"])
check = jsonschema.Draft7Validator(asked["schema"])
told = {}
for one in asked["values"]:
    told[one["name"]] = [
        {"path": "".join(f"/{p}" for p in e.absolute_path), "message": e.message} for e in check.iter_errors(one["value"])
    ]
json.dump(told, sys.stdout)
