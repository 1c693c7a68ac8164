// Extracts from GitHub's own descriptions what the tests hold sourceward to: the REST operations that it uses, of github.com
// and of the newest GitHub Enterprise Server (`@octokit/openapi`), and its GraphQL documents (`@octokit/graphql-schema`).
//
//     node .ci/describe-github.mjs NODE_MODULES [--check]
//
// Writes tests/it/github/described, or with --check fails where that is not what these packages say. OpenAPI 3.0 becomes JSON
// Schema 2020-12: `nullable` a type, words for people are left out, and an object that declares its properties has no others,
// so that a field that GitHub does not know is found, in requests as in answers.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";

const [modules, mode] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const ofPackage = (path) => read(join(modules, path));
const version = (name) => `${name} ${ofPackage(`${name}/package.json`).version}`;
const folder = new URL("../tests/it/github/described/", import.meta.url);

/** What sourceward calls. */
const OPERATIONS = `
GET /app
POST /app-manifests/{code}/conversions
GET /app/hook/deliveries
POST /app/hook/deliveries/{delivery_id}/attempts
GET /app/installations
GET /app/installations/{installation_id}
POST /app/installations/{installation_id}/access_tokens
GET /installation/repositories
GET /user
GET /repos/{owner}/{repo}
GET /repos/{owner}/{repo}/installation
GET /repos/{owner}/{repo}/collaborators/{username}/permission
GET /repos/{owner}/{repo}/git/ref/{ref}
POST /repos/{owner}/{repo}/git/refs
PATCH /repos/{owner}/{repo}/git/refs/{ref}
GET /repos/{owner}/{repo}/git/commits/{commit_sha}
POST /repos/{owner}/{repo}/git/commits
GET /repos/{owner}/{repo}/git/trees/{tree_sha}
POST /repos/{owner}/{repo}/git/trees
GET /repos/{owner}/{repo}/git/blobs/{file_sha}
POST /repos/{owner}/{repo}/git/blobs
GET /repos/{owner}/{repo}/commits/{ref}
GET /repos/{owner}/{repo}/commits/{ref}/check-runs
GET /repos/{owner}/{repo}/commits/{ref}/statuses
GET /repos/{owner}/{repo}/compare/{basehead}
POST /repos/{owner}/{repo}/check-runs
POST /repos/{owner}/{repo}/statuses/{sha}
GET /repos/{owner}/{repo}/pulls
POST /repos/{owner}/{repo}/pulls
GET /repos/{owner}/{repo}/pulls/{pull_number}
PATCH /repos/{owner}/{repo}/pulls/{pull_number}
GET /repos/{owner}/{repo}/pulls/{pull_number}/commits
POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers
GET /repos/{owner}/{repo}/issues
POST /repos/{owner}/{repo}/issues
GET /repos/{owner}/{repo}/issues/{issue_number}
PATCH /repos/{owner}/{repo}/issues/{issue_number}
POST /repos/{owner}/{repo}/issues/{issue_number}/assignees
GET /repos/{owner}/{repo}/issues/{issue_number}/comments
POST /repos/{owner}/{repo}/issues/{issue_number}/comments
GET /repos/{owner}/{repo}/issues/{issue_number}/labels
POST /repos/{owner}/{repo}/issues/{issue_number}/labels
PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}
POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
`.trim().split("\n");

/** The GraphQL documents that sourceward sends. */
const DOCUMENTS = [
    "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }",
    "query { viewer { login } }",
];

/** The recorded scenarios of which sourceward does the same, and which of their exchanges. */
const RECORDED = {
    "add-labels-to-issue": () => true,
    "create-status": ({ path }) => !path.endsWith("/status"),
    "get-repository": () => true,
    "git-refs": ({ method }) => method === "post" || method === "patch",
    "paginate-issues": () => true,
    "rename-repository": ({ method }) => method === "get",
};

/** The words of a schema that say what is valid. */
const KEPT = new Set([
    "type", "format", "enum", "const", "pattern", "required", "items", "properties", "additionalProperties", "allOf", "anyOf",
    "oneOf", "not", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
    "uniqueItems",
]);
const NAMED = "#/components/schemas/";

function described(name) {
    const document = ofPackage(`@octokit/openapi/generated/${name}.json`);
    const at = (reference) => reference.slice(2).split("/").reduce((value, key) => value[key.replaceAll("~1", "/")], document);
    const resolved = (value) => (value?.$ref ? resolved(at(value.$ref)) : value);
    const schemas = {};
    const merged = new Set();
    const note = (schema) => {
        if (schema && typeof schema === "object") {
            for (const part of schema.allOf ?? []) if (part.$ref) merged.add(part.$ref);
            Object.values(schema).forEach(note);
        }
    };
    note(document);

    const isObject = (schema) => schema.properties !== undefined || schema.allOf || schema.anyOf || schema.oneOf;
    /** `open`: something around it says which properties there may be. */
    const convert = (schema, open = false) => {
        if (schema.$ref) {
            const key = schema.$ref.slice(NAMED.length);
            const isMerged = merged.has(schema.$ref);
            if (!(key in schemas)) {
                schemas[key] = null;
                schemas[key] = convert(at(schema.$ref), isMerged);
            }
            const reference = { $ref: `#/$defs/${key}` };
            return isMerged && !open && isObject(at(schema.$ref)) ? { ...reference, unevaluatedProperties: false } : reference;
        }
        const out = {};
        for (const [word, value] of Object.entries(schema)) {
            if (!KEPT.has(word)) continue;
            if (word === "properties") {
                out.properties = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, convert(one)]));
            } else if (word === "items" || (word === "additionalProperties" && typeof value === "object")) {
                out[word] = convert(value);
            } else if (["allOf", "anyOf", "oneOf"].includes(word)) {
                out[word] = value.map((one) => convert(one, true));
            } else if (word === "not") {
                out[word] = convert(value, true);
            } else {
                out[word] = value;
            }
        }
        const composed = out.allOf || out.anyOf || out.oneOf;
        if (!open && schema.additionalProperties === undefined) {
            if (composed) out.unevaluatedProperties = false;
            else if (out.properties) out.additionalProperties = false;
        }
        if (!schema.nullable) return out;
        if (out.type && !composed) {
            out.type = [out.type, "null"].flat();
            if (out.enum && !out.enum.includes(null)) out.enum = [...out.enum, null];
            return out;
        }
        return composed ? { anyOf: [out, { type: "null" }] } : out;
    };
    const json = (content) => {
        const schema = content && (content["application/json"] ?? content["application/scim+json"])?.schema;
        return schema ? convert(schema) : null;
    };

    const operations = {};
    for (const line of OPERATIONS) {
        const [method, path] = line.split(" ");
        const operation = document.paths[path]?.[method.toLowerCase()];
        if (!operation) throw new Error(`${name} describes no ${line}`);
        const parameters = [...(document.paths[path].parameters ?? []), ...(operation.parameters ?? [])].map(resolved);
        const of = (place) =>
            Object.fromEntries(parameters.filter((one) => one.in === place).map((one) => [one.name, convert(one.schema)]));
        const body = resolved(operation.requestBody);
        operations[line] = {
            path: of("path"),
            /** The parameter that may hold slashes. */
            long: parameters.find((one) => one["x-multi-segment"])?.name ?? null,
            query: of("query"),
            required: parameters.filter((one) => one.in === "query" && one.required).map((one) => one.name),
            ...(body && { body: json(body.content), needsBody: body.required === true }),
            answers: Object.fromEntries(
                Object.entries(operation.responses).map(([status, answer]) => [status, json(resolved(answer).content)]),
            ),
        };
    }
    return { by: `${version("@octokit/openapi")}, ${name}`, operations, schemas: sorted(schemas) };
}

function documents() {
    const graphql = createRequire(join(resolve(modules), "x.js"))("graphql");
    const schema = graphql.buildSchema(readFileSync(join(modules, "@octokit/graphql-schema/schema.graphql"), "utf8"), { assumeValidSDL: true });
    const scalars = { Int: "integer", Float: "number", Boolean: "boolean" };
    const typed = (type, fields) => {
        if (graphql.isNonNullType(type)) return fields(type.ofType);
        const inner = fields(type);
        return { anyOf: [inner, { type: "null" }] };
    };
    const input = (type) =>
        typed(type, (type) => {
            if (graphql.isListType(type)) return { type: "array", items: input(type.ofType) };
            if (graphql.isEnumType(type)) return { enum: type.getValues().map((value) => value.name) };
            if (!graphql.isInputObjectType(type)) {
                return type.name === "GitObjectID" ? { type: "string", pattern: "^[0-9a-f]{40}$" } : { type: scalars[type.name] ?? "string" };
            }
            const fields = Object.values(type.getFields());
            return {
                type: "object",
                properties: Object.fromEntries(fields.map((field) => [field.name, input(field.type)])),
                required: fields.filter(graphql.isRequiredInputField).map((field) => field.name),
                additionalProperties: false,
            };
        });
    const output = (type, selection) =>
        typed(type, (type) => {
            if (graphql.isListType(type)) return { type: "array", items: output(type.ofType, selection) };
            if (graphql.isEnumType(type)) return { enum: type.getValues().map((value) => value.name) };
            if (graphql.isLeafType(type)) return { type: scalars[type.name] ?? "string" };
            return selected(type, selection);
        });
    const selected = (type, { selections }) => {
        const fields = selections.map((one) => {
            if (one.kind !== "Field") throw new Error(`${one.kind} is not read here`);
            return [one.alias?.value ?? one.name.value, output(type.getFields()[one.name.value].type, one.selectionSet)];
        });
        const required = fields.map(([key]) => key);
        return { type: "object", properties: Object.fromEntries(fields), required, additionalProperties: false };
    };
    const record = DOCUMENTS.map((text) => {
        const parsed = graphql.parse(text);
        const errors = graphql.validate(schema, parsed);
        if (errors.length > 0) throw new Error(`${text}\n${errors.join("\n")}`);
        const [operation] = parsed.definitions;
        const variables = operation.variableDefinitions.map((one) => [
            one.variable.name.value,
            graphql.typeFromAST(schema, one.type),
        ]);
        const root = schema.getRootType(operation.operation);
        return {
            text,
            variables: {
                type: "object",
                properties: Object.fromEntries(variables.map(([key, type]) => [key, input(type)])),
                required: variables.filter(([, type]) => graphql.isNonNullType(type)).map(([key]) => key),
                additionalProperties: false,
            },
            data: selected(root, operation.selectionSet),
        };
    });
    return { by: version("@octokit/graphql-schema"), documents: record };
}

function recorded() {
    const scenario = (name) => ofPackage(`@octokit/fixtures/scenarios/api.github.com/${name}/normalized-fixture.json`);
    const exchange = ({ method, path, status, response, headers }) => ({
        method: method.toUpperCase(),
        path,
        status,
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name === "link" || name === "location")),
        response,
    });
    const scenarios = Object.entries(RECORDED).map(([name, fits]) => [name, scenario(name).filter(fits).map(exchange)]);
    return { by: version("@octokit/fixtures"), scenarios: Object.fromEntries(scenarios) };
}

function events() {
    const length = (value) => JSON.stringify(value).length;
    // Addresses are half of the text and read by nobody.
    const short = (value) => {
        if (Array.isArray(value)) return value.map(short);
        if (value === null || typeof value !== "object") return value;
        return Object.fromEntries(Object.entries(value).filter(([key]) => !/(^|_)url$/.test(key)).map(([key, one]) => [key, short(one)]));
    };
    const shortest = (examples) => examples.map(short).reduce((one, other) => (length(other) < length(one) ? other : one));
    const all = ofPackage("@octokit/webhooks-examples/api.github.com/index.json");
    return { by: version("@octokit/webhooks-examples"), events: Object.fromEntries(all.map(({ name, examples }) => [name, shortest(examples)])) };
}

function sorted(map) {
    return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The newest GitHub Enterprise Server that is described: `ghes-3.19`. */
function newestServer() {
    const versions = readdirSync(join(modules, "@octokit/openapi/generated")).map((name) => /^ghes-3\.(\d+)\.json$/.exec(name)?.[1]);
    return `ghes-3.${Math.max(...versions.filter(Boolean).map(Number))}`;
}

/** One line for each operation and schema, so that a change of one is seen as such. */
function written(record) {
    const lines = Object.entries(record).map(([key, value]) => {
        if (typeof value === "string") return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
        const isList = Array.isArray(value);
        const items = Object.entries(value).map(([name, one]) => (isList ? "" : `${JSON.stringify(name)}: `) + JSON.stringify(one));
        return `${JSON.stringify(key)}: ${isList ? "[" : "{"}\n${items.join(",\n")}\n${isList ? "]" : "}"}`;
    });
    return `{\n${lines.join(",\n")}\n}\n`;
}

const records = {
    "github.json": described("api.github.com"),
    "server.json": described(newestServer()),
    "graphql.json": documents(),
    "recorded.json": recorded(),
    "events.json": events(),
};
for (const [name, record] of Object.entries(records)) {
    const file = new URL(name, folder);
    if (mode !== "--check") writeFileSync(file, written(record));
    else if (!isDeepStrictEqual(read(file), JSON.parse(written(record)))) {
        throw new Error(`${file.pathname} is not what ${record.by} says: run this without --check, and the tests`);
    }
    console.log(`${name}: ${record.by}`);
}
