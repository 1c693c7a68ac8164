//! The built-in description as a table.
//!
//! It was made from Kustomize's `kyaml/openapi/kubernetesapi/v1_21_2/swagger.pb` by leaving out what no merge depends on:
//! fields of single values, and everything below a field that leads to no list with a merge key (`.`, or `?` where its
//! content is free). First come the kinds, a line each: `apiVersion kind type`; behind an empty line the types: `name
//! field:type …`. A type is a name, `[]type` for a list that is replaced, `[key,key]type` for one that is merged by keys,
//! `[*]` by its values, `{}type` for a map.

use std::{borrow::Cow, collections::HashMap};

use super::{Definitions, Type};

const TABLE: &str = include_str!("kubernetes-1.21.txt");

/// Reads the table.
pub(super) fn read() -> Definitions {
    let mut definitions = Definitions::default();
    let (kinds, types) = TABLE.split_once("\n\n").unwrap_or((TABLE, ""));
    for line in kinds.lines() {
        let mut parts = line.split(' ');
        if let (Some(api_version), Some(kind), Some(of)) = (parts.next(), parts.next(), parts.next()) {
            definitions.kinds.entry(Cow::Borrowed(api_version)).or_default().insert(Cow::Borrowed(kind), one(of));
        }
    }
    for line in types.lines() {
        let (name, fields) = line.split_once(' ').unwrap_or((line, ""));
        let field = |(name, of)| (Cow::Borrowed(name), one(of));
        let fields = fields.split(' ').filter_map(|part| part.split_once(':')).map(field).collect();
        definitions.types.insert(Cow::Borrowed(name), Type::Map { fields, others: None });
    }
    definitions
}

fn one(text: &'static str) -> Type {
    if let Some(rest) = text.strip_prefix("{}") {
        return Type::Map { fields: HashMap::new(), others: Some(Box::new(one(rest))) };
    }
    if let Some((keys, items)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let keys = match keys {
            "" => None,
            "*" => Some(Vec::new()),
            keys => Some(keys.split(',').map(Cow::Borrowed).collect()),
        };
        return Type::List { keys, items: (!items.is_empty()).then(|| Box::new(one(items))) };
    }
    match text {
        "?" => Type::Opaque,
        "." => Type::Plain,
        name => Type::Reference(Cow::Borrowed(name)),
    }
}
