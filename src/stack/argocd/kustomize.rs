//! A kustomization as an application builds it: its overrides are edited into a copy of the file, as `kustomize edit` does.

use serde_json::{Map, Value, json};

use super::{environment::expand, helm::unsupported, source::Source};
use crate::{
    engine::{Declaration, kustomize::render::Overlay, reads::Reads},
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::path::RepoPath,
    stack::{
        discovery::references::References,
        lowered::{Form, Lowered},
        object::{Object, World},
        overlay::Adding,
        surroundings::is_here,
    },
};

/// What an application makes of a kustomization.
///
/// # Errors
/// Where Argo CD fails.
pub(super) fn lower(
    application: &Object,
    source: &Source,
    path: &RepoPath,
    world: &dyn World,
) -> Result<Lowered, Refusal> {
    let options = world
        .find(application.at.stack, "", "ConfigMap", application.namespace(), "argocd-cm")
        .and_then(|map| map.text("/data/kustomize.buildOptions").map(str::to_owned))
        .unwrap_or_default();
    let mut references = References::of(world.tree());
    let mut reads: Reads = (*references.followed_from(path)).clone();
    reads.files.extend(source.files().cloned());
    let mut overlay = Overlay {
        path: path.clone(),
        enable_helm: options.contains("--enable-helm"),
        reads_anywhere: options.contains("LoadRestrictionsNone"),
        reads: reads.clone().into(),
    };
    if overlay.enable_helm {
        reads.folders.insert(RepoPath::root());
    }
    let said = source.value.pointer("/kustomize").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut lowered = Lowered::plain(Declaration::Manifests(Default::default()), path.clone());
    let mut adding = Adding::to(world.tree(), path)?;
    let Some(file) = adding.own.clone() else {
        return Err(unsupported(application, &format!("builds {path}, which has no kustomization")));
    };
    let words = |text: &str| expand(text, application, &source.value);
    let target = |name: &str| source.target(&Pointer::of(["kustomize", name]));
    let list = |name: &str| said.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let flag = |name: &str| said.get(name).and_then(Value::as_bool).unwrap_or_default();
    for name in ["namePrefix", "nameSuffix"] {
        let text = said.get(name).filter(|text| text.as_str().is_some_and(|text| !text.is_empty()));
        adding.set(name, text.cloned(), target(name));
    }
    let mut images = Vec::new();
    for image in list("images") {
        let text = words(image.as_str().unwrap_or_default())?;
        let kept = adding.list("images");
        images.push(self::image(&text, &kept).ok_or_else(|| {
            let message = format!("the application {} has an image that is none: {text}", application.name());
            Refusal::new(Code::StackUnreadable, message, "write it as name=new:tag")
        })?);
    }
    adding.replace("images", images, Form::Image, target("images"));
    let count = |replica: &Value| {
        let count = replica.get("count").cloned().unwrap_or_default();
        let count = count.as_str().and_then(|text| text.parse::<i64>().ok()).map_or(count, Value::from);
        json!({"name": replica.get("name"), "count": count})
    };
    adding.replace("replicas", list("replicas").iter().map(count).collect(), Form::Same, target("replicas"));
    let labels = pairs(&said, "commonLabels", &words)?;
    if !labels.is_empty() {
        if flag("labelWithoutSelector") {
            let item =
                json!({"pairs": labels, "includeSelectors": false, "includeTemplates": flag("labelIncludeTemplates")});
            adding.append("labels", vec![item], target("commonLabels"));
        } else {
            refuse_known(&adding, "commonLabels", &labels, flag("forceCommonLabels"), application)?;
            adding.keys("commonLabels", &labels, target("commonLabels"));
        }
    }
    let as_it_is = |text: &str| Ok(text.to_owned());
    let annotations = match flag("commonAnnotationsEnvsubst") {
        true => pairs(&said, "commonAnnotations", &words)?,
        false => pairs(&said, "commonAnnotations", &as_it_is)?,
    };
    if !annotations.is_empty() {
        refuse_known(&adding, "commonAnnotations", &annotations, flag("forceCommonAnnotations"), application)?;
        adding.keys("commonAnnotations", &annotations, target("commonAnnotations"));
    }
    let namespace = said.get("namespace").filter(|text| text.as_str().is_some_and(|text| !text.is_empty()));
    adding.set("namespace", namespace.cloned(), target("namespace"));
    adding.append("patches", list("patches"), target("patches"));
    let mut components = Vec::new();
    for component in list("components") {
        let folder = path.resolve(component.as_str().unwrap_or_default()).ok();
        let is_there = folder.as_ref().is_some_and(|folder| is_here(world.tree(), folder));
        if !is_there && flag("ignoreMissingComponents") {
            continue;
        }
        if let Some(folder) = folder {
            let more = references.followed_from(&folder);
            reads.files.extend(more.files.iter().cloned());
            reads.folders.extend(more.folders.iter().cloned());
        }
        components.push(component);
    }
    adding.append("components", components, target("components"));
    overlay.reads = reads.into();
    lowered.declaration = Declaration::Kustomize(overlay.into());
    lowered.namespace = application.text("/spec/destination/namespace").map(str::to_owned);
    lowered.laid.insert(file, adding.laid());
    Ok(lowered)
}

/// The pairs of a map of texts, each expanded.
fn pairs(
    said: &Map<String, Value>,
    name: &str,
    words: &dyn Fn(&str) -> Result<String, Refusal>,
) -> Result<Map<String, Value>, Refusal> {
    let map = said.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let pair = |(key, value): (String, Value)| Ok((key, words(value.as_str().unwrap_or_default())?.into()));
    map.into_iter().map(pair).collect()
}

/// `kustomize edit add` replaces nothing without `--force`.
fn refuse_known(
    adding: &Adding,
    name: &str,
    keys: &Map<String, Value>,
    is_forced: bool,
    application: &Object,
) -> Result<(), Refusal> {
    let known = adding.value.get(name).and_then(Value::as_object);
    match keys.keys().find(|key| known.is_some_and(|known| known.contains_key(*key))) {
        Some(key) if !is_forced => {
            let message = format!("the application {} adds {key}, which {name} has already", application.name());
            Err(Refusal::new(Code::StackUnreadable, message, "set it in one place, or force it"))
        }
        _ => Ok(()),
    }
}

/// An image's text as an entry of a kustomization: `name=new:tag`, `name:tag`, `name@digest`, `*` for what is there.
fn image(text: &str, known: &[Value]) -> Option<Value> {
    let (name, rest) = match text.split_once('=') {
        Some((name, rest)) => (Some(name), rest),
        None => (None, text),
    };
    let (rest, digest) = match rest.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (rest, None),
    };
    let (new, tag) = match rest.rsplit_once(':') {
        Some((new, tag)) if !tag.contains('/') && !tag.is_empty() => (new, Some(tag)),
        _ => (rest, None),
    };
    let (name, new) = match name {
        Some(name) => (name, Some(new)),
        // Without a new name there must be a new tag.
        None => (new, None),
    };
    if name.is_empty() || (new.is_none() && tag.is_none() && digest.is_none()) {
        return None;
    }
    let before = known.iter().find(|known| known.get("name").and_then(Value::as_str) == Some(name));
    let kept = |key: &str| before.and_then(|before| before.get(key)).cloned();
    let mut entry = Map::from_iter([("name".to_owned(), Value::from(name))]);
    for (key, said) in [("newName", new), ("newTag", tag), ("digest", digest)] {
        let value = if said == Some("*") { kept(key) } else { said.map(Value::from) };
        if let Some(value) = value.filter(|value| value != "") {
            entry.insert(key.to_owned(), value);
        }
    }
    Some(Value::Object(entry))
}

/// An entry of a kustomization as the text of an image.
pub fn image_text(entry: &Value) -> Option<String> {
    let said = |key: &str| entry.get(key).and_then(Value::as_str);
    let name = said("name")?;
    let mut text = match said("newName") {
        Some(new) => format!("{name}={new}"),
        None => name.to_owned(),
    };
    if let Some(tag) = said("newTag") {
        text = format!("{text}:{tag}");
    }
    if let Some(digest) = said("digest") {
        text = format!("{text}@{digest}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_and_written_as_kustomize_does() {
        let cases = [
            ("nginx:1.2", json!({"name": "nginx", "newTag": "1.2"})),
            ("nginx=reg:5000/web:1", json!({"name": "nginx", "newName": "reg:5000/web", "newTag": "1"})),
            ("nginx=reg:5000/web", json!({"name": "nginx", "newName": "reg:5000/web"})),
            ("a/b@sha256:0", json!({"name": "a/b", "digest": "sha256:0"})),
        ];
        for (text, entry) in cases {
            assert_eq!(image(text, &[]).as_ref(), Some(&entry), "{text}");
            assert_eq!(image_text(&entry).as_deref(), Some(text));
        }
        let known = [json!({"name": "nginx", "newName": "own/nginx", "newTag": "1"})];
        let kept = json!({"name": "nginx", "newName": "own/nginx", "newTag": "2"});
        assert_eq!(image("nginx=*:2", &known), Some(kept));
        assert_eq!(image("nginx", &[]), None);
    }
}
