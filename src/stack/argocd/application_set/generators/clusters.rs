//! The cluster generator, over the clusters that the configuration names.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Generators, selector};
use crate::{
    model::refusal::{Code, Refusal},
    stack::argocd::application_set::{
        functions::normalized,
        parameters::{Parameter, Parameters},
    },
};

/// The name and address that Argo CD knows its own cluster by.
const LOCAL: [&str; 2] = ["in-cluster", "https://kubernetes.default.svc"];

/// The parameter sets: one a cluster.
///
/// # Errors
/// `engine-unsupported` where the configuration names none.
pub(super) fn parameters(generators: &mut Generators<'_, '_>, said: &Value) -> Result<Vec<Parameters>, Refusal> {
    let clusters = generators.world.surroundings().clusters.clone();
    if clusters.is_empty() {
        let message =
            format!("{} generates applications for clusters that only Argo CD knows", generators.object.at.id);
        let hint = "name them under `clusters` in .github/sourceward.yaml";
        return Err(Refusal::new(Code::EngineUnsupported, message, hint));
    }
    let selector = said.get("selector").filter(|selector| selector.as_object().is_some_and(|map| !map.is_empty()));
    let mut sets = Vec::new();
    for cluster in &clusters {
        let text = |key: &str| cluster.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let map = |key: &str| -> BTreeMap<String, String> {
            let entries = cluster.get(key).and_then(Value::as_object).into_iter().flatten();
            entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
        };
        if let Some(selector) = selector {
            let fits = selector::matches(selector, &map("labels")).map_err(|why| generators.unreadable(&why))?;
            if !fits {
                continue;
            }
        }
        sets.push(of(
            generators,
            said,
            (text("name"), text("server"), text("project")),
            &map("labels"),
            &map("annotations"),
        )?);
    }
    let knows_local = clusters.iter().any(|cluster| cluster.get("server") == Some(&json!(LOCAL[1])));
    if selector.is_none() && !knows_local {
        let (none, [name, server]) = (BTreeMap::new(), LOCAL.map(str::to_owned));
        sets.push(of(generators, said, (name, server, String::new()), &none, &none)?);
    }
    if said.get("flatList") == Some(&json!(true)) {
        let all = Parameter::List(sets.into_iter().map(Parameter::Map).collect());
        return Ok(vec![Parameters::from([("clusters".to_owned(), all)])]);
    }
    Ok(sets)
}

fn of(
    generators: &mut Generators<'_, '_>,
    said: &Value,
    (name, server, project): (String, String, String),
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Result<Parameters, Refusal> {
    let mut set = Parameters::from([
        ("nameNormalized".to_owned(), Parameter::text(normalized(&name))),
        ("name".to_owned(), Parameter::text(name)),
        ("server".to_owned(), Parameter::text(server)),
        ("project".to_owned(), Parameter::text(project)),
    ]);
    let maps = [("labels", labels), ("annotations", annotations)];
    if generators.renderer.is_go {
        let texts = |map: &BTreeMap<String, String>| {
            Parameter::Map(map.iter().map(|(key, value)| (key.clone(), Parameter::text(value))).collect())
        };
        let metadata = maps.into_iter().filter(|(_, map)| !map.is_empty());
        let metadata = metadata.map(|(key, map)| (key.to_owned(), texts(map))).collect();
        set.insert("metadata".to_owned(), Parameter::Map(metadata));
    } else {
        for (name, map) in maps {
            set.extend(map.iter().map(|(key, value)| (format!("metadata.{name}.{key}"), Parameter::text(value))));
        }
    }
    // Where they are written does not matter: the same value counts for every cluster.
    let values = said.get("values").map(|values| (values, crate::model::pointer::Pointer::root()));
    generators.add_values(values, &mut set, &[])?;
    Ok(set)
}
