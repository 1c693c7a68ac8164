// Reads an action.yml with GitHub's own parser; every error it finds is printed and fails.
import { readFileSync } from "node:fs";
import { parseAction } from "@actions/workflow-parser/actions/action-parser";
import { NoOperationTraceWriter } from "@actions/workflow-parser/templates/trace-writer";

const name = process.argv[2];
const parsed = parseAction({ name, content: readFileSync(name, "utf8") }, new NoOperationTraceWriter());
const errors = parsed.context.errors.getErrors();
for (const error of errors) console.error(error.message);
if (errors.length > 0 || parsed.value === undefined) process.exit(1);
console.log(`${name} is an action`);
