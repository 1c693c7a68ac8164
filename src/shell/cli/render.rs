//! `sourceward render` and `sourceward stacks`: what the engines make of a repository.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::{Exit, Format, Repository};
use crate::{
    engine::{Declaration, Language},
    model::{pointer::Pointer, refusal::Refusal},
    shell::terminal::{
        answer,
        paint::{BOLD, DIM, WARNING, paint, visible},
    },
    source::{
        path::RepoPath,
        yaml::{
            edit::{Change, edit},
            resolve::Reader,
        },
    },
    stack::{
        Described, Stack,
        catalog::{Catalog, Contents},
        lowered::is_laid,
    },
};

#[derive(Debug, clap::Args)]
pub struct Render {
    #[command(flatten)]
    repository: Repository,
    /// The stack's name.
    stack: String,
    /// How to print its resources.
    #[arg(long, value_enum, default_value = "yaml")]
    format: DocumentFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum DocumentFormat {
    Yaml,
    Json,
}

#[derive(Debug, clap::Args)]
pub struct Stacks {
    #[command(flatten)]
    repository: Repository,
    /// How to answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Render {
    pub fn run(self) -> anyhow::Result<Exit> {
        let (local, charts) = (self.repository.open()?, self.repository.charts()?);
        let tree = charts.beside(&local);
        let rendered = Catalog::known_as(&tree, &local.remotes()).and_then(|catalog| {
            let position = catalog.position(&self.stack)?;
            Ok((catalog.stacks()[position].declaration.language(), catalog.rendered(position)?))
        });
        let (language, rendered) = match rendered {
            Ok(rendered) => rendered,
            Err(refusal) => return refuse(&refusal),
        };
        let mut out = io::stdout().lock();
        match self.format {
            // What a root module comes to is JSON as it stands, with what is not known apart.
            DocumentFormat::Json if language != Language::Terraform => {
                let values: Vec<&Value> = rendered.resources.iter().map(|resource| &*resource.value).collect();
                writeln!(out, "{}", serde_json::to_string_pretty(&values)?)?;
            }
            DocumentFormat::Json | DocumentFormat::Yaml => match rendered.text() {
                Ok(Some(text)) => write!(out, "{text}")?,
                Ok(None) => {
                    for resource in &rendered.resources {
                        write!(out, "---\n{}", document(&resource.value)?)?;
                    }
                }
                Err(refusal) => return refuse(&refusal),
            },
        }
        let mut exit = Exit::Done;
        for skipped in &rendered.skipped {
            let line = skipped.line.map_or_else(String::new, |line| format!(":{line}"));
            let (place, why) = (visible(&format!("{}{line}", skipped.file)), visible(&skipped.why));
            let what = if skipped.broken { paint(WARNING, "unreadable") } else { paint(DIM, "passed over") };
            writeln!(anstream::stderr(), "{what}  {place}  {why}")?;
            if skipped.broken {
                exit = Exit::Refused;
            }
        }
        Ok(exit)
    }
}

impl Stacks {
    pub fn run(self) -> anyhow::Result<Exit> {
        let (local, charts) = (self.repository.open()?, self.repository.charts()?);
        let tree = charts.beside(&local);
        let catalog = match Catalog::known_as(&tree, &local.remotes()) {
            Ok(catalog) => catalog,
            Err(refusal) => return refuse(&refusal),
        };
        catalog.look_through(0..catalog.stacks().len());
        let mut out = anstream::stdout().lock();
        if self.format == Format::Json {
            let listed: Vec<Value> =
                catalog.stacks().iter().enumerate().map(|(at, stack)| described(&catalog, at, stack)).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&listed)?)?;
            return Ok(Exit::Done);
        }
        if catalog.stacks().is_empty() {
            writeln!(anstream::stderr(), "no stacks: no manifest, chart, kustomization or root module was found")?;
        }
        let widest = catalog.stacks().iter().map(|stack| stack.name.chars().count()).max().unwrap_or_default().min(40);
        for (position, stack) in catalog.stacks().iter().enumerate() {
            let (style, holds) = match catalog.contents(position) {
                Ok(contents) => (DIM, holds(&contents) + &described_by(&catalog, stack)),
                Err(refusal) => (WARNING, refusal.message + &described_by(&catalog, stack)),
            };
            let language = stack.declaration.language().to_string();
            let name = format!("{:widest$}", visible(&stack.name));
            writeln!(out, "{}  {language:9}  {}", paint(BOLD, name), paint(style, holds))?;
        }
        Ok(Exit::Done)
    }
}

/// `, from Application argocd/shop (apps/shop.yaml:3)`, and what else is worth knowing.
fn described_by(catalog: &Catalog<'_>, stack: &Stack) -> String {
    let Some(described) = &stack.described else { return String::new() };
    let place = declared_at(catalog, described).map_or_else(String::new, |(file, line)| format!(" ({file}:{line})"));
    let notes = described.notes.iter().map(|note| format!(", {note}"));
    format!(", from {}{place}{}", described.object.id, notes.collect::<String>())
}

/// The file and line of the object that describes a stack.
fn declared_at(catalog: &Catalog<'_>, described: &Described) -> Option<(RepoPath, usize)> {
    let owner = catalog.contents(described.object.stack).ok()?;
    let object = &described.object.id;
    let declared = owner.resources.iter().find(|declared| declared.lasting_id() == object)?;
    (!is_laid(&declared.file)).then(|| (declared.file.clone(), declared.line))
}

/// `4 resources, 1 file unreadable`.
fn holds(contents: &Contents) -> String {
    let resources = answer::count(contents.resources.len(), "resource");
    let broken: BTreeSet<_> = contents.unread().map(|unread| &unread.file).collect();
    let mut missing = contents.missing.first().map_or_else(String::new, |missing| {
        format!(", without those below {}: {}", missing.below, missing.why.message)
    });
    if let Some(why) = contents.broken.first() {
        missing += &format!(", in part: {}", why.message);
    }
    if broken.is_empty() {
        resources + &missing
    } else {
        format!("{resources}, {} unreadable{missing}", answer::count(broken.len(), "file"))
    }
}

fn described(catalog: &Catalog<'_>, position: usize, stack: &Stack) -> Value {
    let path: Option<&RepoPath> = match &stack.declaration {
        Declaration::Manifests(folder) => Some(&folder.path),
        Declaration::Helm(installation) => Some(&installation.chart),
        Declaration::Kustomize(overlay) => Some(&overlay.path),
        Declaration::Terraform(root) => Some(&root.folder),
        Declaration::Given(_) | Declaration::Refused { .. } => None,
    };
    let mut described = json!({"name": stack.name, "engine": stack.declaration.language().to_string().to_lowercase()});
    if let Value::Object(described) = &mut described {
        if let Some(path) = path {
            described.insert("path".to_owned(), json!(path));
        }
        if let Some(by) = &stack.described {
            let place = declared_at(catalog, by);
            let by = json!({
                "object": by.object.id,
                "stack": catalog.stack(by.object.stack).name,
                "file": place.as_ref().map(|(file, _)| file),
                "line": place.as_ref().map(|(_, line)| line),
                "notes": by.notes,
            });
            described.insert("described_by".to_owned(), by);
        }
        if let Some(namespace) = &stack.namespace {
            described.insert("namespace".to_owned(), json!(namespace));
        }
        match catalog.contents(position) {
            Ok(contents) => {
                described.insert("resources".to_owned(), json!(contents.resources.len()));
                let skipped = contents.skipped.iter().map(|skipped| {
                    json!({"file": skipped.file, "line": skipped.line, "why": skipped.why, "broken": skipped.broken})
                });
                described.insert("skipped".to_owned(), skipped.collect());
                if !contents.broken.is_empty() {
                    described.insert("broken".to_owned(), json!(contents.broken));
                }
                if !contents.missing.is_empty() {
                    let missing = contents.missing.iter();
                    let missing = missing.map(|missing| json!({"below": missing.below, "why": missing.why}));
                    described.insert("missing".to_owned(), missing.collect());
                }
            }
            Err(refusal) => {
                described.insert("refused".to_owned(), json!(refusal));
            }
        }
    }
    described
}

/// A value as a YAML document: worded by the editor, as an edit of an empty one.
fn document(value: &Value) -> anyhow::Result<String> {
    const EMPTY: &str = "null\n";
    let splice = edit(EMPTY, 0, &Pointer::root(), &Change::Set(value.clone()), Reader::Manifest)?;
    Ok(splice.apply(EMPTY))
}

fn refuse(refusal: &Refusal) -> anyhow::Result<Exit> {
    write!(anstream::stderr(), "{}", answer::refused(None, refusal))?;
    Ok(Exit::Refused)
}
