// Judges values by a schema with ajv. In: {"schema": …, "values": [{"name", "value"}]} on stdin; out:
// one object, name → list of {"path", "message"}.
import { readFileSync } from "node:fs";
import Ajv from "ajv";
import formats from "ajv-formats";

const { schema, values } = JSON.parse(readFileSync(0, "utf8"));
const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true, verbose: false });
formats(ajv);
// What only editors read is told to ajv, so that it still refuses a keyword that nobody knows.
for (const word of ["markdownDescription", "enumDescriptions", "errorMessage", "patternErrorMessage", "defaultSnippets", "doNotSuggest"]) {
  ajv.addKeyword(word);
}
const check = ajv.compile(schema);
const told = {};
for (const { name, value } of values) {
  told[name] = check(value) ? [] : check.errors.map((e) => ({ path: e.instancePath, message: e.message }));
}
process.stdout.write(JSON.stringify(told));
