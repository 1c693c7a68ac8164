//! `Chart.yaml`: who a chart is and what it depends on.
//!
//! Helm decodes it through Go's JSON decoder: names of fields do not care for case, numbers become text where text is wanted,
//! a wrong type is an error and unknown fields are none. Each text knows where it is written, for `.Chart` to tell.

use serde_json::{Map, Value};

use super::constraint::Version;
use crate::{
    engine::helm::{
        sources::Yaml,
        template::{fault::Fault, leaf::LayerId},
    },
    model::pointer::Pointer,
    source::{
        span::line_of,
        yaml::{
            resolve::{self, Reader},
            tree::NodeKind,
        },
    },
};

/// What `Chart.yaml` and `requirements.yaml` say.
#[derive(Clone, Debug, Default)]
#[expect(
    missing_docs,
    reason = "the fields are Helm's own; a list or map that is not set is another one than an empty one"
)]
pub struct Metadata {
    pub name: Word,
    pub home: Word,
    pub sources: Option<Vec<Word>>,
    pub version: Word,
    pub description: Word,
    pub keywords: Option<Vec<Word>>,
    pub maintainers: Option<Vec<Option<Maintainer>>>,
    pub icon: Word,
    pub api_version: Word,
    pub condition: Word,
    pub tags: Word,
    pub app_version: Word,
    pub deprecated: bool,
    pub annotations: Option<Vec<(String, Word)>>,
    pub kube_version: Word,
    pub dependencies: Option<Vec<Option<Dependency>>>,
    pub kind: Word,
}

/// A text and where it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The text; empty where it is not set.
    pub text: String,
    /// The layer and the place in it.
    pub at: Option<(LayerId, Vec<String>)>,
    /// Whether the text is not what the place prints, because helm cleaned it.
    pub cleaned: bool,
}

/// Who maintains a chart.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are Helm's own")]
pub struct Maintainer {
    pub name: Word,
    pub email: Word,
    pub url: Word,
}

/// A chart that a chart depends on.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are Helm's own")]
pub struct Dependency {
    pub name: Word,
    pub version: Word,
    pub repository: Word,
    pub condition: Word,
    pub tags: Option<Vec<Word>>,
    pub enabled: bool,
    /// As it is written; [`Import::of`] reads it.
    pub import_values: Option<Vec<Value>>,
    pub alias: Word,
}

/// An entry of `import-values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// `exports.NAME` of the child becomes part of the parent's values.
    Export(String),
    /// A table of the child becomes a table of the parent.
    Table {
        /// The path in the child's values.
        child: String,
        /// The path in the parent's values; `.` is the root.
        parent: String,
    },
    /// Something that helm passes over.
    Other,
    /// A table without both paths, on which helm crashes.
    Broken,
}

/// Why a file cannot be decoded: the line, from 1, and what is wrong.
pub type Undecodable = (Option<usize>, Fault);

impl Metadata {
    /// Reads a file on top of what is known so far: what it sets replaces what was there.
    ///
    /// # Errors
    /// Where helm cannot decode it.
    pub fn read(&mut self, yaml: &Yaml, layer: LayerId) -> Result<(), Undecodable> {
        let document = &yaml.stream.documents[yaml.first];
        let Some(root) = document.root else { return Ok(()) };
        let value = resolve::value(document, root, Reader::Manifest)
            .map_err(|error| (Some(line_of(&yaml.text, error.span.start)), Fault::failed(error.to_string())))?;
        let decoder = Decoder { yaml, layer };
        let Value::Object(fields) = value else {
            if value.is_null() {
                return Ok(());
            }
            return Err(decoder.wrong(&[], "a map"));
        };
        self.decode(&decoder, &fields)
    }

    fn decode(&mut self, decoder: &Decoder<'_>, fields: &Map<String, Value>) -> Result<(), Undecodable> {
        for (key, value) in sorted(fields) {
            let at = std::slice::from_ref(key);
            match key.to_lowercase().as_str() {
                "name" => decoder.word(&mut self.name, at, value)?,
                "home" => decoder.word(&mut self.home, at, value)?,
                "sources" => set(&mut self.sources, value, |sources| decoder.words(sources, at, value))?,
                "version" => decoder.word(&mut self.version, at, value)?,
                "description" => decoder.word(&mut self.description, at, value)?,
                "keywords" => set(&mut self.keywords, value, |keywords| decoder.words(keywords, at, value))?,
                "maintainers" => set(&mut self.maintainers, value, |maintainers| {
                    decoder.list(maintainers, at, value, Maintainer::decode)
                })?,
                "icon" => decoder.word(&mut self.icon, at, value)?,
                "apiversion" => decoder.word(&mut self.api_version, at, value)?,
                "condition" => decoder.word(&mut self.condition, at, value)?,
                "tags" => decoder.word(&mut self.tags, at, value)?,
                "appversion" => decoder.word(&mut self.app_version, at, value)?,
                "deprecated" => decoder.bool(&mut self.deprecated, at, value)?,
                "annotations" => set(&mut self.annotations, value, |annotations| {
                    let entries = value.as_object().ok_or_else(|| decoder.wrong(at, "a map of texts"))?;
                    for (name, value) in sorted(entries) {
                        let mut word = Word::default();
                        decoder.word(&mut word, &[key.clone(), name.clone()], value)?;
                        annotations.retain(|(known, _)| known != name);
                        annotations.push((name.clone(), word));
                    }
                    annotations.sort_by(|(a, _), (b, _)| a.cmp(b));
                    Ok(())
                })?,
                "kubeversion" => decoder.word(&mut self.kube_version, at, value)?,
                "dependencies" => set(&mut self.dependencies, value, |dependencies| {
                    decoder.list(dependencies, at, value, Dependency::decode)
                })?,
                "type" => decoder.word(&mut self.kind, at, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Cleans the texts as helm does and checks what it checks when it loads a chart.
    ///
    /// # Errors
    /// A failure in helm's words.
    pub fn validate(&mut self) -> Result<(), Fault> {
        let invalid = |why: String| Err(Fault::failed(format!("validation: {why}")));
        for word in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            word.clean();
        }
        self.sources.iter_mut().chain(&mut self.keywords).flatten().for_each(Word::clean);
        if self.api_version.text.is_empty() {
            return invalid("chart.metadata.apiVersion is required".to_owned());
        }
        if self.name.text.is_empty() {
            return invalid("chart.metadata.name is required".to_owned());
        }
        if self.name.text.contains('/') {
            return invalid(format!("chart.metadata.name {:?} is invalid", self.name.text));
        }
        if self.version.text.is_empty() {
            return invalid("chart.metadata.version is required".to_owned());
        }
        if Version::parse(&self.version.text).is_none() {
            return invalid(format!("chart.metadata.version {:?} is invalid", self.version.text));
        }
        if !matches!(self.kind.text.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library".to_owned());
        }
        for maintainer in self.maintainers.iter_mut().flatten() {
            let Some(maintainer) = maintainer else {
                return invalid("maintainers must not contain empty or null nodes".to_owned());
            };
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(Word::clean);
        }
        let mut names: Vec<String> = Vec::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            let Some(dependency) = dependency else {
                return invalid("dependencies must not contain empty or null nodes".to_owned());
            };
            let Dependency { name, version, repository, condition, alias, .. } = dependency;
            [name, version, repository, condition].into_iter().for_each(Word::clean);
            dependency.tags.iter_mut().flatten().for_each(Word::clean);
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if !alias.text.chars().all(plain) {
                let name = &dependency.name.text;
                return invalid(format!("dependency {name:?} has disallowed characters in the alias"));
            }
            let key = if alias.text.is_empty() { &dependency.name.text } else { &alias.text };
            if names.contains(key) {
                return invalid(format!("more than one dependency with name or alias {key:?}"));
            }
            names.push(key.clone());
        }
        Ok(())
    }

    /// Whether it is a library: only its `_` files are parsed.
    pub fn is_library(&self) -> bool {
        self.kind.text.eq_ignore_ascii_case("library")
    }
}

/// Reads what is not `null` into a field, which `null` unsets.
fn set<T: Default>(
    field: &mut Option<T>,
    value: &Value,
    read: impl FnOnce(&mut T) -> Result<(), Undecodable>,
) -> Result<(), Undecodable> {
    if value.is_null() {
        *field = None;
        return Ok(());
    }
    read(field.get_or_insert_default())
}

impl Maintainer {
    fn decode(&mut self, decoder: &Decoder<'_>, at: &[String], fields: &Map<String, Value>) -> Result<(), Undecodable> {
        for (key, value) in sorted(fields) {
            let at = &below(at, key);
            match key.to_lowercase().as_str() {
                "name" => decoder.word(&mut self.name, at, value)?,
                "email" => decoder.word(&mut self.email, at, value)?,
                "url" => decoder.word(&mut self.url, at, value)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Dependency {
    fn decode(&mut self, decoder: &Decoder<'_>, at: &[String], fields: &Map<String, Value>) -> Result<(), Undecodable> {
        for (key, value) in sorted(fields) {
            let at = &below(at, key);
            match key.to_lowercase().as_str() {
                "name" => decoder.word(&mut self.name, at, value)?,
                "version" => decoder.word(&mut self.version, at, value)?,
                "repository" => decoder.word(&mut self.repository, at, value)?,
                "condition" => decoder.word(&mut self.condition, at, value)?,
                "tags" => set(&mut self.tags, value, |tags| decoder.words(tags, at, value))?,
                "enabled" => decoder.bool(&mut self.enabled, at, value)?,
                "import-values" => set(&mut self.import_values, value, |import_values| {
                    import_values.clone_from(value.as_array().ok_or_else(|| decoder.wrong(at, "a list"))?);
                    Ok(())
                })?,
                "alias" => decoder.word(&mut self.alias, at, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The name that the chart has in the parent's values.
    pub fn called(&self) -> &Word {
        if self.alias.text.is_empty() { &self.name } else { &self.alias }
    }
}

impl Import {
    /// Reads an entry.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::String(name) => Self::Export(name.clone()),
            Value::Object(table) => match (table.get("child"), table.get("parent")) {
                (Some(Value::String(child)), Some(Value::String(parent))) => {
                    Self::Table { child: child.clone(), parent: parent.clone() }
                }
                _ => Self::Broken,
            },
            _ => Self::Other,
        }
    }
}

impl Word {
    /// A text that is written nowhere.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), at: None, cleaned: false }
    }

    /// White space becomes a space, what cannot be printed goes.
    fn clean(&mut self) {
        if self.text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return;
        }
        let printed = |c: char| match c {
            c if is_go_space(c) => Some(' '),
            c if is_unprintable(c) => None,
            c => Some(c),
        };
        let text: String = self.text.chars().filter_map(printed).collect();
        self.cleaned |= text != self.text;
        self.text = text;
    }
}

/// Go's `unicode.IsSpace`.
fn is_go_space(c: char) -> bool {
    c.is_whitespace()
}

/// The complement of Go's `unicode.IsPrint` among assigned characters: controls, formats, separators, private use.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e000}'..='\u{f8ff}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Reads JSON values into Go's fields.
struct Decoder<'y> {
    yaml: &'y Yaml,
    layer: LayerId,
}

/// How a map is decoded.
type Decode<T> = fn(&mut T, &Decoder<'_>, &[String], &Map<String, Value>) -> Result<(), Undecodable>;

impl Decoder<'_> {
    /// `null` leaves a field as it is.
    fn word(&self, word: &mut Word, at: &[String], value: &Value) -> Result<(), Undecodable> {
        let text = match value {
            Value::Null => return Ok(()),
            Value::String(text) => text.clone(),
            Value::Bool(bool) => bool.to_string(),
            Value::Number(number) => self.number(at, number),
            Value::Array(_) | Value::Object(_) => return Err(self.wrong(at, "a text")),
        };
        *word = Word { text, at: Some((self.layer, at.to_vec())), cleaned: false };
        Ok(())
    }

    fn words(&self, words: &mut Vec<Word>, at: &[String], value: &Value) -> Result<(), Undecodable> {
        let items = match value {
            Value::Null => &[][..],
            Value::Array(items) => items,
            _ => return Err(self.wrong(at, "a list of texts")),
        };
        words.resize_with(items.len(), Word::default);
        words
            .iter_mut()
            .zip(items)
            .enumerate()
            .try_for_each(|(index, (word, item))| self.word(word, &below(at, &index.to_string()), item))
    }

    /// A list of pointers to structs: items that are there already are decoded into, as Go does.
    fn list<T: Default>(
        &self,
        list: &mut Vec<Option<T>>,
        at: &[String],
        value: &Value,
        decode: Decode<T>,
    ) -> Result<(), Undecodable> {
        let items = match value {
            Value::Null => &[][..],
            Value::Array(items) => items,
            _ => return Err(self.wrong(at, "a list of maps")),
        };
        list.resize_with(items.len(), || None);
        for (index, (slot, item)) in list.iter_mut().zip(items).enumerate() {
            let at = &below(at, &index.to_string());
            match item {
                Value::Null => *slot = None,
                Value::Object(fields) => decode(slot.get_or_insert_default(), self, at, fields)?,
                _ => return Err(self.wrong(at, "a map")),
            }
        }
        Ok(())
    }

    fn bool(&self, field: &mut bool, at: &[String], value: &Value) -> Result<(), Undecodable> {
        match value {
            Value::Null => {}
            Value::Bool(value) => *field = *value,
            _ => return Err(self.wrong(at, "true or false")),
        }
        Ok(())
    }

    /// A number as text: integers in decimal, what is written as a float by Go's `%g`.
    fn number(&self, at: &[String], number: &serde_json::Number) -> String {
        let document = &self.yaml.stream.documents[self.yaml.first];
        let node = resolve::find(document, &Pointer::of(at.iter().cloned()), Reader::Manifest);
        let written = node.map(|found| match &document.node(found.node).kind {
            NodeKind::Scalar { text, .. } => text.replace('_', ""),
            _ => String::new(),
        });
        let digits = written.as_deref().unwrap_or_default();
        let is_float = digits.contains(['.', 'e', 'E']) && !digits.trim_start_matches(['+', '-']).starts_with("0x");
        match number.as_f64() {
            Some(float) if is_float || (number.as_i64().is_none() && number.as_u64().is_none()) => shortest(float),
            _ => number.to_string(),
        }
    }

    fn wrong(&self, at: &[String], expected: &str) -> Undecodable {
        let document = &self.yaml.stream.documents[self.yaml.first];
        let found = resolve::find(document, &Pointer::of(at.iter().cloned()), Reader::Manifest);
        let line = found.map(|found| line_of(&self.yaml.text, document.node(found.node).span.start));
        let path = if at.is_empty() { "the file".to_owned() } else { at.join(".") };
        (line, Fault::failed(format!("{path} must be {expected}")))
    }
}

/// `strconv.FormatFloat(float, 'g', -1, 64)`.
fn shortest(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
    } else {
        format!("{float}")
    }
}

/// Go's order of a map that is encoded as JSON.
fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(key, _)| *key);
    fields
}

fn below(at: &[String], key: &str) -> Vec<String> {
    at.iter().cloned().chain([key.to_owned()]).collect()
}
