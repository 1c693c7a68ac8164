//! The blocks of Terraform's language, which tell blocks from attributes where a file is JSON.

use crate::source::hcl::json::{BlockShape, Schema};

const NOTHING: Schema = Schema { blocks: &[] };

const fn block(kind: &'static str, labels: usize, body: &'static Schema) -> BlockShape {
    BlockShape { kind, labels, body }
}

const CONDITIONS: Schema =
    Schema { blocks: &[block("precondition", 0, &NOTHING), block("postcondition", 0, &NOTHING)] };

const PROVISIONER: Schema = Schema { blocks: &[block("connection", 0, &NOTHING)] };

/// A resource's own blocks depend on its provider; those that every resource has are known.
const RESOURCE: Schema = Schema {
    blocks: &[
        block("lifecycle", 0, &CONDITIONS),
        block("connection", 0, &NOTHING),
        block("provisioner", 1, &PROVISIONER),
        block("dynamic", 1, &DYNAMIC),
    ],
};

/// A dynamic block within a dynamic block is not told from an attribute: that would be a table without end.
const DYNAMIC: Schema = Schema { blocks: &[block("content", 0, &NOTHING)] };

const VARIABLE: Schema = Schema { blocks: &[block("validation", 0, &NOTHING)] };

const TERRAFORM: Schema = Schema {
    blocks: &[
        block("backend", 1, &NOTHING),
        block("cloud", 0, &CLOUD),
        block("required_providers", 0, &NOTHING),
        block("provider_meta", 1, &NOTHING),
    ],
};

const CLOUD: Schema = Schema { blocks: &[block("workspaces", 0, &NOTHING)] };

const REMOVED: Schema = Schema {
    blocks: &[block("lifecycle", 0, &NOTHING), block("connection", 0, &NOTHING), block("provisioner", 1, &PROVISIONER)],
};

const CHECK: Schema = Schema { blocks: &[block("data", 2, &RESOURCE), block("assert", 0, &NOTHING)] };

/// The top of a file.
pub const ROOT: Schema = Schema {
    blocks: &[
        block("terraform", 0, &TERRAFORM),
        block("provider", 1, &NOTHING),
        block("variable", 1, &VARIABLE),
        block("locals", 0, &NOTHING),
        block("output", 1, &CONDITIONS),
        block("module", 1, &NOTHING),
        block("resource", 2, &RESOURCE),
        block("data", 2, &RESOURCE),
        block("ephemeral", 2, &RESOURCE),
        block("moved", 0, &NOTHING),
        block("import", 0, &NOTHING),
        block("removed", 0, &REMOVED),
        block("check", 1, &CHECK),
    ],
};
