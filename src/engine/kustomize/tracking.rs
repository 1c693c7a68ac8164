//! What `buildMetadata: [originAnnotations, transformerAnnotations]` has objects say of themselves.
//!
//! Kustomize keeps it in two annotations from the moment that an object is loaded, so every transformer sees them, and may
//! change or remove them. So they are annotations here as well, where they are asked for.
//!
//! References: `api/resource/origin.go`, `api/resource/resource.go`, `api/resmap/reswrangler.go` and
//! `api/internal/target/kusttarget.go` of Kustomize 5.5.0.

use super::{
    identity::Gvk,
    kustomization::Kustomization,
    node::{Node, made},
    problem::Problem,
    resources::{Behavior, Resource, Resources},
};
use crate::source::{
    lineage::sets::Flow,
    yaml::write::{self, Content, Dialect, Entry},
};

/// Where an object comes from.
const ORIGIN: &str = "config.kubernetes.io/origin";

/// What changed an object, in order.
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// The way from the folder of the build to that of a kustomization, as references say it.
#[derive(Clone, Debug, Default)]
pub struct Trail(String);

/// A generator or transformer, as the annotations name it.
#[derive(Clone, Debug)]
pub struct Maker(String);

impl Trail {
    /// The trail of the outermost kustomization; nothing where it asks for no annotations.
    pub fn of(top: &Kustomization) -> Option<Self> {
        let asks = |option: &str| matches!(option, "originAnnotations" | "transformerAnnotations");
        top.texts("buildMetadata").any(asks).then(Self::default)
    }

    /// The trail of what a kustomization refers to.
    ///
    /// # Errors
    /// For a path that Kustomize may take for the address of a repository.
    pub fn to(&self, reference: &str) -> Result<Self, Problem> {
        let is_address = [":", ".git", "_git/", "github.com", "?"].iter().any(|part| reference.contains(part));
        if is_address || reference.contains('\n') {
            return Err(Problem::unsupported(format!("buildMetadata for what is at {reference:?}")));
        }
        Ok(Self(join(&self.0, reference)))
    }

    /// Says of the objects of a file where they come from.
    ///
    /// # Errors
    /// As [`Self::to`].
    pub fn annotate(&self, reference: &str, resources: &mut Resources) -> Result<(), Problem> {
        let origin = printed(&[("path", &self.to(reference)?.0)]);
        resources.list.iter_mut().for_each(|resource| set(resource, ORIGIN, origin.clone()));
        Ok(())
    }

    /// A built-in generator or transformer that a field of a kustomization asks for.
    pub fn built_in(&self, file: &str, kind: &str) -> Maker {
        let configured = join(&self.0, file);
        Maker(format!(
            "{}configuredBy:\n  apiVersion: builtin\n  kind: {kind}\n",
            printed(&[("configuredIn", &configured)])
        ))
    }
}

impl Maker {
    /// What an object configures; nothing where it does not say where it comes from.
    pub fn of_plugin(plugin: &Resource) -> Option<Self> {
        let origin = annotation(plugin, ORIGIN)?;
        let path = origin.strip_prefix("path: ").map(|path| format!("configuredIn: {path}")).unwrap_or_default();
        let id = plugin.id();
        let name = |key: &str| plugin.node.at(&["metadata", key]).and_then(Node::text).unwrap_or_default().to_owned();
        let Gvk { kind, .. } = &id.gvk;
        let api_version = plugin.node.get("apiVersion").and_then(Node::text).unwrap_or_default();
        let by = printed(&[
            ("apiVersion", api_version),
            ("kind", kind),
            ("name", &name("name")),
            ("namespace", &name("namespace")),
        ]);
        let by: String = by.lines().map(|line| format!("  {line}\n")).collect();
        Some(Self(format!("{path}configuredBy:\n{by}")))
    }

    /// Says of an object that this made it, unless something else did.
    pub fn claim(&self, resource: &mut Resource) {
        if annotation(resource, ORIGIN).is_none() {
            set(resource, ORIGIN, self.0.clone());
        }
    }

    /// Says of all objects that this worked on them, whether it changed them or not.
    ///
    /// # Errors
    /// Where an object says something there that it did not get from here.
    pub fn transformed(&self, resources: &mut Resources) -> Result<(), Problem> {
        for resource in &mut resources.list {
            if annotation(resource, ORIGIN).is_none() {
                self.claim(resource);
                continue;
            }
            let mut all = match resource.node.at(&["metadata", "annotations", TRANSFORMATIONS]) {
                None => String::new(),
                Some(known) if known.places.is_empty() => known.text().unwrap_or_default().to_owned(),
                Some(_) => {
                    return Err(Problem::unsupported(format!("the annotation {TRANSFORMATIONS} of an object")));
                }
            };
            for (at, line) in self.0.lines().enumerate() {
                all += if at == 0 { "- " } else { "  " };
                all += line;
                all.push('\n');
            }
            set(resource, TRANSFORMATIONS, all);
        }
        Ok(())
    }
}

/// The origin that an object of a merge keeps.
pub fn kept(new: &Resource, resources: &Resources) -> Option<(usize, String)> {
    let id = new.id();
    let at = *resources.with_any_id(|known| known.equals(&id)).first()?;
    let origin = annotation(resources.list.get(at)?, ORIGIN)?;
    (new.behavior == Behavior::Merge).then(|| (at, origin.to_owned()))
}

/// Gives an object of a merge its origin back.
pub fn keep(resources: &mut Resources, kept: Option<(usize, String)>) {
    if let Some((at, origin)) = kept {
        set(&mut resources.list[at], ORIGIN, origin);
    }
}

/// Takes away what was not asked for.
pub fn clean_up(resources: &mut Resources, top: &Kustomization) {
    for (option, key) in [("originAnnotations", ORIGIN), ("transformerAnnotations", TRANSFORMATIONS)] {
        if top.texts("buildMetadata").any(|asked| asked == option) {
            continue;
        }
        for resource in &mut resources.list {
            if let Some(annotations) = resource.node.at_mut(&["metadata", "annotations"]) {
                annotations.remove(key);
            }
        }
    }
}

fn annotation<'r>(resource: &'r Resource, key: &str) -> Option<&'r str> {
    resource.node.at(&["metadata", "annotations", key])?.text()
}

fn set(resource: &mut Resource, key: &str, text: String) {
    if resource.node.at(&["metadata", "annotations"]).is_none_or(Node::is_null) {
        resource.set_metadata("annotations", Node::map());
    }
    if let Some(annotations) = resource.node.at_mut(&["metadata", "annotations"]) {
        annotations.set(made(key), Node::string(made(text)));
    }
}

/// Texts under keys as Kustomize's YAML writes them; those that are empty are left out.
fn printed(entries: &[(&str, &str)]) -> String {
    let flow = Flow::default();
    let entry = |(key, text): &(&str, &str)| {
        let value = write::Node { content: Content::Text(made(text)), flow };
        Entry { key: made(key), key_flow: flow, value }
    };
    let entries: Vec<Entry> = entries.iter().filter(|(_, text)| !text.is_empty()).map(entry).collect();
    if entries.is_empty() {
        return String::new();
    }
    let map = write::Node { content: Content::Map(entries), flow };
    write::write(&map, Dialect::Three, usize::MAX).map(|text| text.lossy().into_owned()).unwrap_or_default()
}

/// Go's `filepath.Join`: what the way and a path on it come to, word by word.
fn join(way: &str, path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in way.split('/').chain(path.split('/')) {
        match step {
            "" | "." => {}
            ".." if steps.last().is_some_and(|last| *last != "..") => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    match steps.join("/") {
        empty if empty.is_empty() && !(way.is_empty() && path.is_empty()) => ".".to_owned(),
        joined => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go's `filepath.Join` makes of a way and a path on it.
    #[test]
    fn ways_are_joined_as_go_joins_them() {
        for (way, path, joined) in [
            ("", "a.yaml", "a.yaml"),
            ("", "./a/../b.yaml", "b.yaml"),
            ("", "../base", "../base"),
            ("../base", "../other/", "../other"),
            ("../base", "../../x", "../../x"),
            ("a", "..", "."),
            ("a/b", "c//d.yaml", "a/b/c/d.yaml"),
            ("", "", ""),
        ] {
            assert_eq!(join(way, path), joined, "{way:?} {path:?}");
        }
    }
}
