//! Generators: lists, folders and files of this repository, clusters that the configuration names, and what is combined of
//! those.

mod clusters;
mod git;
mod selector;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    MAX_APPLICATIONS,
    interpolate::interpolated,
    parameters::{self, Layers, Parameter, Parameters, Written, flat, lay_over},
    template::Renderer,
};
use crate::{
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        path::RepoPath,
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
    stack::object::{Object, World},
};

/// The kinds of generators, without those that ask a network.
const KINDS: [&str; 5] = ["list", "git", "clusters", "matrix", "merge"];

/// How deep generators may nest: Argo CD lets a matrix be in a matrix, and no more.
const MAX_DEPTH: usize = 3;

/// What generators work with.
pub(super) struct Generators<'g, 'o> {
    pub object: &'o Object,
    pub world: &'g dyn World,
    pub layers: &'g mut Layers,
    pub renderer: &'g mut Renderer<'o>,
    /// The files that were read.
    pub files: Vec<RepoPath>,
}

/// The template of a generator, which wins over the set's.
pub(super) fn own_template(generator: &Value) -> Option<&Value> {
    KINDS.iter().find_map(|kind| generator.get(kind)?.get("template")).filter(|template| template.is_object())
}

impl Generators<'_, '_> {
    /// The parameter sets of a generator, written at `at`; `above` are those of the first of a matrix.
    ///
    /// # Errors
    /// Where Argo CD fails, and where only a network or cluster knows.
    pub(super) fn parameters(
        &mut self,
        generator: &Value,
        at: &Pointer,
        above: Option<&Parameters>,
    ) -> Result<Vec<Parameters>, Refusal> {
        self.nested(generator, at, above, 0)
    }

    fn nested(
        &mut self,
        generator: &Value,
        at: &Pointer,
        above: Option<&Parameters>,
        depth: usize,
    ) -> Result<Vec<Parameters>, Refusal> {
        if depth > MAX_DEPTH {
            return Err(self.unreadable("its generators are nested too deeply"));
        }
        let (generator, computed) = match above {
            Some(above) if !above.is_empty() => interpolated(generator, at, above, self.renderer)?,
            _ => (generator.clone(), Vec::new()),
        };
        let named: Vec<&String> = generator.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
        let kinds: Vec<&str> = named.iter().map(|name| name.as_str()).filter(|name| *name != "selector").collect();
        let [kind] = kinds[..] else { return Err(self.unreadable("a generator is of no kind, or of several")) };
        let (said, at) = (&generator[kind], at.join(kind));
        let mut sets = match kind {
            "list" => self.list(said, &at, &computed)?,
            "git" => git::parameters(self, said, &at, &computed)?,
            "clusters" => clusters::parameters(self, said)?,
            "matrix" => self.matrix(said, &at, depth)?,
            "merge" => self.merge(said, &at, depth)?,
            other => {
                let message = format!("{}: a generator of the kind {other} asks what is not here", self.object.at.id);
                let hint = "change what it generates by hand";
                return Err(Refusal::new(Code::EngineUnsupported, message, hint));
            }
        };
        if let Some(selector) = generator.get("selector").filter(|selector| selector.is_object()) {
            let fits = |parameters: &Parameters| selector::matches(selector, &flat(parameters));
            let mut kept = Vec::new();
            for set in sets {
                if fits(&set).map_err(|why| self.unreadable(&why))? {
                    kept.push(set);
                }
            }
            sets = kept;
        }
        if sets.len() > MAX_APPLICATIONS {
            return Err(self.too_many());
        }
        Ok(sets)
    }

    fn list(&mut self, said: &Value, at: &Pointer, computed: &[Pointer]) -> Result<Vec<Parameters>, Refusal> {
        let mut sets = Vec::new();
        let elements = said.get("elements").and_then(Value::as_array).cloned().unwrap_or_default();
        if elements.len() > MAX_APPLICATIONS {
            return Err(self.too_many());
        }
        for (index, element) in elements.iter().enumerate() {
            let at = Pointer::of(at.tokens().iter().cloned().chain(["elements".to_owned(), index.to_string()]));
            let Parameter::Map(map) = Parameter::of(element, 0, &at, computed) else {
                return Err(self.unreadable("an element is no map"));
            };
            sets.push(if self.renderer.is_go { map } else { self.texts(map)? });
        }
        if let Some(text) = said.get("elementsYaml").and_then(Value::as_str).filter(|text| !text.is_empty()) {
            let more = parse(text).ok().and_then(|stream| {
                let document = stream.documents.first()?;
                value(document, document.root?, Reader::Manifest).ok()
            });
            let Some(Value::Array(more)) = more else { return Err(self.unreadable("elementsYaml is no list")) };
            for element in &more {
                if let Parameter::Map(map) = Parameter::of(element, u32::MAX, &Pointer::root(), &[]) {
                    sets.push(map);
                }
            }
        }
        Ok(sets)
    }

    /// An element as parameters by name: texts, and those below `values`.
    fn texts(&self, element: Parameters) -> Result<Parameters, Refusal> {
        let mut texts = Parameters::new();
        for (key, parameter) in element {
            match parameter {
                Parameter::Map(values) if key == "values" => {
                    texts.extend(values.into_iter().map(|(key, value)| (format!("values.{key}"), value)));
                }
                text => {
                    texts.insert(key, text);
                }
            }
        }
        let is_text = |parameter: &Parameter| matches!(parameter, Parameter::Scalar(Value::String(_), _));
        if texts.values().all(is_text) {
            Ok(texts)
        } else {
            Err(self.unreadable("an element has a value that is no text, as only Go templates take"))
        }
    }

    fn matrix(&mut self, said: &Value, at: &Pointer, depth: usize) -> Result<Vec<Parameters>, Refusal> {
        let inner = said.get("generators").and_then(Value::as_array).cloned().unwrap_or_default();
        let [first, second] = &inner[..] else { return Err(self.unreadable("a matrix needs two generators")) };
        let place = |index: usize| at.join("generators").join(index.to_string());
        let mut sets = Vec::new();
        for one in self.nested(first, &place(0), None, depth + 1)? {
            for other in self.nested(second, &place(1), Some(&one), depth + 1)? {
                let mut both = other.clone();
                if self.renderer.is_go {
                    lay_over(&mut both, &one);
                } else {
                    both = self.combined(&one, other)?;
                }
                sets.push(both);
                if sets.len() > MAX_APPLICATIONS {
                    return Err(self.too_many());
                }
            }
        }
        Ok(sets)
    }

    /// `CombineStringMaps`: the same name may only say the same.
    fn combined(&self, one: &Parameters, other: Parameters) -> Result<Parameters, Refusal> {
        let mut both = one.clone();
        for (key, parameter) in other {
            if let Some(known) = both.get(&key)
                && parameters::printed(&known.json()) != parameters::printed(&parameter.json())
            {
                return Err(self.unreadable(&format!("both generators of a matrix say {key}")));
            }
            both.insert(key, parameter);
        }
        Ok(both)
    }

    fn merge(&mut self, said: &Value, at: &Pointer, depth: usize) -> Result<Vec<Parameters>, Refusal> {
        let inner = said.get("generators").and_then(Value::as_array).cloned().unwrap_or_default();
        let keys: BTreeSet<&str> =
            said.get("mergeKeys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if inner.len() < 2 || keys.is_empty() {
            return Err(self.unreadable("a merge needs two generators and keys"));
        }
        let key = |set: &Parameters| -> Vec<Value> {
            keys.iter().map(|key| set.get(*key).map(Parameter::json).unwrap_or_default()).collect()
        };
        let mut merged: Vec<(Vec<Value>, Parameters)> = Vec::new();
        for (index, generator) in inner.iter().enumerate() {
            let place = at.join("generators").join(index.to_string());
            let mut seen: BTreeMap<String, ()> = BTreeMap::new();
            for set in self.nested(generator, &place, None, depth + 1)? {
                let key = key(&set);
                if seen.insert(Value::from(key.clone()).to_string(), ()).is_some() {
                    return Err(self.unreadable("the parameters of a generator are not told apart by the mergeKeys"));
                }
                let known = merged.iter_mut().find(|(known, _)| *known == key);
                match known {
                    _ if index == 0 => merged.push((key, set)),
                    Some((_, under)) if self.renderer.is_go => lay_over(under, &set),
                    Some((_, under)) => under.extend(set),
                    None => {}
                }
            }
        }
        Ok(merged.into_iter().map(|(_, set)| set).collect())
    }

    /// Adds a generator's `values`, rendered with its own parameters.
    ///
    /// # Errors
    /// Where one does not render.
    pub(super) fn add_values(
        &mut self,
        values: Option<(&Value, Pointer)>,
        parameters: &mut Parameters,
        computed: &[Pointer],
    ) -> Result<(), Refusal> {
        let Some((Value::Object(values), at)) = values else { return Ok(()) };
        let mut made = Parameters::new();
        for (key, value) in values {
            let text = value.as_str().unwrap_or_default();
            let rendered = self.renderer.text(text, parameters)?;
            let at = at.join(key);
            let is_plain = rendered.text == text && !computed.contains(&at);
            let written = is_plain.then_some(Written { layer: 0, at });
            made.insert(key.clone(), Parameter::Scalar(Value::String(rendered.text), written));
        }
        if self.renderer.is_go {
            parameters.insert("values".to_owned(), Parameter::Map(made));
        } else {
            parameters.extend(made.into_iter().map(|(key, value)| (format!("values.{key}"), value)));
        }
        Ok(())
    }

    /// What Argo CD would refuse too.
    pub(super) fn unreadable(&self, why: &str) -> Refusal {
        Refusal::new(Code::StackUnreadable, format!("{}: {why}", self.object.at.id), "mend the set")
    }

    fn too_many(&self) -> Refusal {
        let message = format!("{} makes more than {MAX_APPLICATIONS} applications", self.object.at.id);
        Refusal::new(Code::EngineUnsupported, message, "split the set")
    }
}
