//! What an object's description of a stack comes to: what an engine renders, over which files, and where those that no
//! repository has are really written.
//!
//! Values in an object become a values file, overrides of a kustomization become a kustomization, both laid over the
//! repository under names that nothing else has. The engines render them as any other file, and whatever they find there to
//! edit is then looked up in the object itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use serde_json::{Value, json};

use super::object::Reference;
use crate::{
    engine::{
        Declaration, Parsed, Rendered, kustomize::render::Overlay as Kustomization, reads::Reads, substitute::Variables,
    },
    model::{pointer::Pointer, refusal::Refusal},
    source::{
        path::RepoPath,
        tree::{Overlay, SourceTree},
    },
};

/// The folder of files that no repository has.
pub const LAID: &str = ".git/sourceward";

/// What an object's description of a stack comes to.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// What is rendered.
    pub declaration: Declaration,
    /// The files that are laid over the repository for it.
    pub laid: BTreeMap<RepoPath, Laid>,
    /// What happens to the objects afterwards, in order.
    pub finish: Vec<Finish>,
    /// The namespace that objects get which name none.
    pub namespace: Option<String>,
    /// The folder, chart or kustomization that is deployed.
    pub path: Option<RepoPath>,
    /// What else is worth knowing, for people.
    pub notes: Vec<String>,
}

/// A file that is laid over the repository.
#[derive(Clone, Debug)]
pub struct Laid {
    /// Its bytes.
    pub content: Arc<[u8]>,
    /// Where it is really written.
    pub says: Says,
}

/// Where a laid file is really written.
#[derive(Clone, Debug)]
pub enum Says {
    /// The value of its document is that of a place.
    Value(Target),
    /// All of it is a text that a place says.
    Text(Target),
    /// It is a file of the repository, under another name.
    Copy(RepoPath),
    /// It is a kustomization, with what an object adds to it.
    Kustomization {
        /// The kustomization's file, where the repository has one.
        own: Option<RepoPath>,
        /// The fields to which the object adds.
        fields: Vec<Field>,
    },
    /// Its documents are the objects of an earlier render.
    Objects(Rc<Rendering>),
}

/// A place in an object or a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Of an object.
    Object(Reference, Pointer),
    /// Of the first document of a file.
    File(RepoPath, Pointer),
}

/// A field of a kustomization to which an object adds.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The same in the object.
    pub target: Target,
    /// What the object says of it.
    pub added: Added,
}

/// What an object says of a field.
#[derive(Clone, Debug)]
pub enum Added {
    /// The whole of it, or nothing.
    Whole(bool),
    /// These keys of a map.
    Keys(BTreeSet<String>),
    /// Items of a list, in the order of the list as it is laid.
    Items {
        /// Where each item is from.
        items: Vec<Item>,
        /// How the object writes an item.
        form: Form,
        /// How many items the object has.
        own: usize,
    },
}

/// Where an item of a list is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The kustomization's file, by its position there.
    File(usize),
    /// The object, by its position there.
    Object(usize),
    /// The file, with these fields from the object: the positions in the file and in the object.
    Both(usize, usize, BTreeSet<String>),
}

/// How an object writes an item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a kustomization does.
    Same,
    /// An image as one text: `name=new:tag`.
    Image,
}

/// What happens to rendered objects.
#[derive(Clone, Debug)]
pub enum Finish {
    /// A kustomization of these fields is built over them.
    Kustomize {
        /// The kustomization without its resources.
        fields: serde_json::Map<String, Value>,
        /// The same fields in the object.
        says: Vec<Field>,
        /// A folder for it that nothing else has.
        folder: RepoPath,
    },
    /// Variables are expanded, and labels added.
    Substitute(Variables),
}

/// What a described stack renders to, with the files that were laid for it.
#[derive(Clone, Debug, Default)]
pub struct Rendering {
    /// The objects.
    pub rendered: Rc<Rendered>,
    /// The files that no repository has.
    pub laid: BTreeMap<RepoPath, Laid>,
    /// The objects that were looked up for it, and what they said.
    pub references: Vec<(Reference, Arc<Value>)>,
    /// Whether an object was looked up that is not there.
    pub missed: bool,
}

impl Lowered {
    /// A declaration that needs nothing laid.
    pub fn plain(declaration: Declaration, path: RepoPath) -> Self {
        Self {
            declaration,
            laid: BTreeMap::new(),
            finish: Vec::new(),
            namespace: None,
            path: Some(path),
            notes: Vec::new(),
        }
    }

    /// Renders it.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn render(self, tree: &dyn SourceTree, parsed: &Parsed) -> Result<Rendering, Refusal> {
        let mut rendering = Rendering { laid: self.laid, ..Rendering::default() };
        let mut rendered = {
            let over = over(tree, &rendering.laid);
            self.declaration.render(&over, parsed)?
        };
        // Helm keeps hooks apart from a release, and its tests are not deployed at all.
        rendered.resources.retain(|resource| !is_test(&resource.value));
        for finish in self.finish {
            match finish {
                Finish::Substitute(variables) => rendered = rendered.substituted(variables)?,
                Finish::Kustomize { fields, says, folder } => {
                    let before = Rendering { rendered: Rc::new(rendered), ..rendering };
                    rendering = Rendering::default();
                    rendered = kustomized(tree, parsed, before, fields, says, &folder, &mut rendering.laid)?;
                }
            }
        }
        rendered.files.retain(|file| !is_laid(file));
        Ok(Rendering { rendered: Rc::new(rendered), ..rendering })
    }
}

impl Rendering {
    /// The same after stacks have moved to other positions; nothing where another still holds a part of it.
    pub fn moved(self, to: &[usize]) -> Option<Self> {
        let mut laid = BTreeMap::new();
        for (path, Laid { content, says }) in self.laid {
            let says = match says {
                Says::Value(target) => Says::Value(target.moved(to)),
                Says::Text(target) => Says::Text(target.moved(to)),
                Says::Copy(file) => Says::Copy(file),
                Says::Kustomization { own, fields } => {
                    let moved = |field: Field| Field { target: field.target.moved(to), ..field };
                    Says::Kustomization { own, fields: fields.into_iter().map(moved).collect() }
                }
                Says::Objects(before) => Says::Objects(Rc::new(Rc::into_inner(before)?.moved(to)?)),
            };
            laid.insert(path, Laid { content, says });
        }
        let moved = |(at, value): (Reference, Arc<Value>)| (Reference { stack: to[at.stack], ..at }, value);
        Some(Self { laid, references: self.references.into_iter().map(moved).collect(), ..self })
    }
}

/// Tells whether an object is one of Helm's tests.
fn is_test(object: &Value) -> bool {
    let hook = object.pointer("/metadata/annotations/helm.sh~1hook").and_then(Value::as_str);
    hook.is_some_and(|hook| hook.split(',').all(|hook| hook.trim().starts_with("test")))
}

/// A tree with files laid over it.
fn over<'t>(tree: &'t dyn SourceTree, laid: &BTreeMap<RepoPath, Laid>) -> Overlay<'t> {
    Overlay::new(tree, laid.iter().map(|(path, laid)| (path.clone(), Some(laid.content.clone()))).collect())
}

/// Builds a kustomization over rendered objects.
fn kustomized(
    tree: &dyn SourceTree,
    parsed: &Parsed,
    before: Rendering,
    mut fields: serde_json::Map<String, Value>,
    says: Vec<Field>,
    folder: &RepoPath,
    laid: &mut BTreeMap<RepoPath, Laid>,
) -> Result<Rendered, Refusal> {
    let path = |name: &str| folder.resolve(name).expect("a name in a folder is a path");
    let documents: Vec<String> = before.rendered.resources.iter().map(|resource| resource.value.to_string()).collect();
    let (files, is_empty) = (before.rendered.files.clone(), documents.is_empty());
    let content: Arc<[u8]> = documents.join("\n---\n").into_bytes().into();
    laid.insert(path("objects.yaml"), Laid { content, says: Says::Objects(Rc::new(before)) });
    if !is_empty {
        fields.insert("resources".to_owned(), json!(["objects.yaml"]));
    }
    let content = Value::Object(fields).to_string().into_bytes().into();
    laid.insert(path("kustomization.yaml"), Laid { content, says: Says::Kustomization { own: None, fields: says } });
    let reads = Arc::new(Reads::default());
    let overlay = Kustomization { path: folder.clone(), enable_helm: false, reads_anywhere: true, reads };
    let mut rendered = Declaration::Kustomize(overlay.into()).render(&over(tree, laid), parsed)?;
    rendered.files.extend(files);
    Ok(rendered)
}

/// Tells whether a file is one that no repository has.
pub fn is_laid(file: &RepoPath) -> bool {
    file.as_str().starts_with(".git/")
}

impl Target {
    fn moved(self, to: &[usize]) -> Self {
        match self {
            Self::Object(at, base) => Self::Object(Reference { stack: to[at.stack], ..at }, base),
            file => file,
        }
    }

    /// A place below this one.
    #[must_use]
    pub fn below(&self, at: &Pointer) -> Self {
        let join = |base: &Pointer| Pointer::of(base.tokens().iter().chain(at.tokens()).cloned());
        match self {
            Self::Object(object, base) => Self::Object(object.clone(), join(base)),
            Self::File(file, base) => Self::File(file.clone(), join(base)),
        }
    }
}

impl Laid {
    /// A document of a value that is really written at a target.
    pub fn value(value: &Value, target: Target) -> Self {
        Self { content: value.to_string().into_bytes().into(), says: Says::Value(target) }
    }

    /// A text that is really written at a target.
    pub fn text(text: &str, target: Target) -> Self {
        Self { content: text.as_bytes().into(), says: Says::Text(target) }
    }
}

/// A folder for the laid files of an object that nothing else has.
pub fn folder(of: &Reference, kind: &str) -> RepoPath {
    let id = of.id.to_string().replace([' ', '\\', '\0'], "-");
    let name: String = id.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect::<Vec<_>>().join("-");
    RepoPath::root()
        .resolve(&format!("{LAID}/{}/{kind}/{name}", of.stack))
        .unwrap_or_else(|_| LAID.parse().expect("a path"))
}
