//! `sourceward render` and `sourceward stacks`: what the engines make of a repository.

use std::io::Write;

use serde_json::{Value, json};

use super::{Exit, Format, Repository};
use crate::{
    engine::Declaration,
    model::{pointer::Pointer, refusal::Refusal},
    shell::{
        git::local::LocalTree,
        terminal::{
            answer,
            paint::{BOLD, DIM, paint, visible},
        },
    },
    source::{
        path::RepoPath,
        yaml::{
            edit::{Change, edit},
            resolve::Reader,
        },
    },
    stack::{Stack, catalog::Catalog},
};

#[derive(Debug, clap::Args)]
pub struct Render {
    #[command(flatten)]
    repository: Repository,
    /// The stack's name.
    stack: String,
    /// YAML documents, or a JSON array.
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
        let tree = LocalTree::open(&self.repository.repo)?;
        let rendered = Catalog::of(&tree).and_then(|catalog| {
            let position = catalog.position(&self.stack)?;
            catalog.rendered(position)
        });
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(refusal) => return refuse(&refusal),
        };
        let mut out = anstream::stdout().lock();
        match self.format {
            DocumentFormat::Json => {
                let values: Vec<&Value> = rendered.resources.iter().map(|resource| &*resource.value).collect();
                writeln!(out, "{}", serde_json::to_string_pretty(&values)?)?;
            }
            DocumentFormat::Yaml => {
                for resource in &rendered.resources {
                    write!(out, "---\n{}", document(&resource.value)?)?;
                }
            }
        }
        let mut exit = Exit::Done;
        for skipped in &rendered.skipped {
            let line = skipped.line.map_or_else(String::new, |line| format!(":{line}"));
            writeln!(anstream::stderr(), "sourceward: passed over {}{line}: {}", skipped.file, visible(&skipped.why))?;
            if skipped.broken {
                exit = Exit::Refused;
            }
        }
        Ok(exit)
    }
}

impl Stacks {
    pub fn run(self) -> anyhow::Result<Exit> {
        let tree = LocalTree::open(&self.repository.repo)?;
        let catalog = match Catalog::of(&tree) {
            Ok(catalog) => catalog,
            Err(refusal) => return refuse(&refusal),
        };
        let mut out = anstream::stdout().lock();
        if self.format == Format::Json {
            let listed: Vec<Value> =
                catalog.stacks().iter().enumerate().map(|(at, stack)| described(&catalog, at, stack)).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&listed)?)?;
            return Ok(Exit::Done);
        }
        let widest = catalog.stacks().iter().map(|stack| stack.name.chars().count()).max().unwrap_or_default().min(60);
        for (position, stack) in catalog.stacks().iter().enumerate() {
            let holds = match catalog.rendered(position) {
                Ok(rendered) => answer::count(rendered.resources.len(), "resource"),
                Err(refusal) => refusal.message,
            };
            let language = stack.declaration.language().to_string();
            let name = format!("{:widest$}", stack.name);
            writeln!(out, "{}  {language:10}  {}", paint(BOLD, name), paint(DIM, holds))?;
        }
        Ok(Exit::Done)
    }
}

fn described(catalog: &Catalog<'_>, position: usize, stack: &Stack) -> Value {
    let path: Option<&RepoPath> = match &stack.declaration {
        Declaration::Manifests(folder) => Some(&folder.path),
        Declaration::Foreign { .. } => None,
    };
    let mut described = json!({"name": stack.name, "engine": stack.declaration.language().to_string().to_lowercase()});
    if let Value::Object(described) = &mut described {
        if let Some(path) = path {
            described.insert("path".to_owned(), json!(path));
        }
        match catalog.rendered(position) {
            Ok(rendered) => {
                described.insert("resources".to_owned(), json!(rendered.resources.len()));
                let skipped = rendered.skipped.iter().map(|skipped| json!({"file": skipped.file, "why": skipped.why}));
                described.insert("skipped".to_owned(), skipped.collect());
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
    write!(anstream::stderr(), "{}", answer::refusal(refusal))?;
    Ok(Exit::Refused)
}
