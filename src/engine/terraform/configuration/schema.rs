//! The blocks of Terraform's language, which tell blocks from attributes where a file is JSON.

use crate::source::hcl::json::{BlockShape, Schema};

const NOTHING: Schema = schema(&[]);

/// A file of variables.
pub const VALUES: Schema = NOTHING;

const fn schema(blocks: &'static [BlockShape]) -> Schema {
    Schema { blocks, literal: &[] }
}

const fn block(kind: &'static str, labels: usize, body: &'static Schema) -> BlockShape {
    BlockShape { kind, labels, body }
}

const CONDITIONS: Schema = schema(&[block("precondition", 0, &NOTHING), block("postcondition", 0, &NOTHING)]);

const PROVISIONER: Schema = schema(&[block("connection", 0, &NOTHING)]);

/// A resource's own blocks depend on its provider; those that every resource has are known.
const RESOURCE: Schema = schema(&[
    block("lifecycle", 0, &CONDITIONS),
    block("connection", 0, &NOTHING),
    block("provisioner", 1, &PROVISIONER),
    block("dynamic", 1, &DYNAMIC),
]);

/// A dynamic block within a dynamic block is not told from an attribute: that would be a table without end.
const DYNAMIC: Schema = schema(&[block("content", 0, &NOTHING)]);

/// Nothing is worked out of what a variable is given by default, and of where a module is: their texts are what they say.
const VARIABLE: Schema = Schema { blocks: &[block("validation", 0, &NOTHING)], literal: &["default", "description"] };

const OUTPUT: Schema = Schema { literal: &["description"], ..CONDITIONS };

const MODULE: Schema = Schema { blocks: &[], literal: &["source", "version"] };

const TERRAFORM: Schema = schema(&[
    block("backend", 1, &NOTHING),
    block("cloud", 0, &CLOUD),
    block("required_providers", 0, &NOTHING),
    block("provider_meta", 1, &NOTHING),
]);

const CLOUD: Schema = schema(&[block("workspaces", 0, &NOTHING)]);

const REMOVED: Schema =
    schema(&[block("lifecycle", 0, &NOTHING), block("connection", 0, &NOTHING), block("provisioner", 1, &PROVISIONER)]);

const CHECK: Schema = schema(&[block("data", 2, &RESOURCE), block("assert", 0, &NOTHING)]);

/// The top of a file.
pub const ROOT: Schema = schema(&[
    block("terraform", 0, &TERRAFORM),
    block("provider", 1, &NOTHING),
    block("variable", 1, &VARIABLE),
    block("locals", 0, &NOTHING),
    block("output", 1, &OUTPUT),
    block("module", 1, &MODULE),
    block("resource", 2, &RESOURCE),
    block("data", 2, &RESOURCE),
    block("ephemeral", 2, &RESOURCE),
    block("moved", 0, &NOTHING),
    block("import", 0, &NOTHING),
    block("removed", 0, &REMOVED),
    block("check", 1, &CHECK),
]);
