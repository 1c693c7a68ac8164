//! Files of the repository. A path that leads out of it is refused: what is there depends on the machine of the run.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Function,
    Takes::{Any, String as AString},
    argument::{a_bool, a_string, behind, its_own, takes, text},
};
use crate::{
    engine::terraform::{
        context::Context,
        leaf::{Leaf, PathId, Place, Role, Says},
        problem::Problem,
        types::Type,
        unknown::{Refinement, Unknown},
        value::Value,
    },
    source::{
        lineage::{
            sets::{Flow, SetId},
            text::Text,
        },
        path::RepoPath,
        span::Span,
        tree::{EntryKind, TreeError},
    },
};

mod pattern;

/// The functions of files and paths.
pub const FUNCTIONS: &[Function] = &[
    Function::new("file", &[takes("path", AString).marked()], a_string, |context, arguments, _| {
        let content = content(context, &arguments[0])?;
        if std::str::from_utf8(&content.bytes).is_err() {
            return Err(Problem::argument(
                0,
                format!(
                    "contents of {:?} are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded \
                     contents or the other file functions (e.g. filemd5, filesha256) to obtain file hashing results \
                     instead",
                    text(&arguments[0])
                ),
            ));
        }
        context.budget.text(content.bytes.len())?;
        let flow = Flow { data: SetId::EMPTY, control: content.flow.control };
        let value = Value::string(Text::verbatim(&content.bytes, content.leaf)).with_flow(flow);
        Ok(value.with_marks(arguments[0].marks()))
    })
    .own(),
    Function::new("filebase64", &[takes("path", AString).marked()], a_string, |context, arguments, _| {
        let content = content(context, &arguments[0])?;
        context.budget.text(content.bytes.len() * 4 / 3)?;
        Ok(Value::text(STANDARD.encode(&content.bytes)).derived(content.flow).with_marks(arguments[0].marks()))
    })
    .own(),
    Function::new("fileexists", &[takes("path", AString).marked()], a_bool, |context, arguments, _| {
        exists(context, &arguments[0]).map(|exists| Value::bool(exists).with_marks(arguments[0].marks()))
    }),
    Function::new(
        "fileset",
        &[takes("path", AString).marked(), takes("pattern", AString).marked()],
        |_, _| Ok(Type::set(Type::String)),
        |context, arguments, _| file_set(context, arguments),
    )
    .own(),
    Function::new("basename", &[takes("path", AString).unknown()], a_string, |_, arguments, ty| {
        Ok(match arguments[0].unknown() {
            None => Value::text(base(text(&arguments[0]))),
            Some(unknown) if unknown.refinement.folder.name().is_empty() => {
                Value::unknown_of(ty.clone(), unknown.reason.clone())
            }
            Some(unknown) => Value::text(unknown.refinement.folder.name()),
        })
    }),
    Function::new("dirname", &[takes("path", AString).unknown()], a_string, |_, arguments, ty| {
        Ok(match arguments[0].unknown() {
            None => Value::text(folder(text(&arguments[0]))),
            Some(unknown) => {
                let above = unknown.refinement.folder.parent().unwrap_or_default();
                let refinement = Refinement::default().with_folder(above);
                Value::not_known(ty.clone(), Unknown { reason: unknown.reason.clone(), refinement })
            }
        })
    }),
    Function::new("templatefile", &[takes("path", AString).marked(), takes("vars", Any)], its_own, |_, _, _| {
        Err(Problem::unsupported("the template is evaluated by the evaluator"))
    })
    .own()
    .may_be_null(),
    Function::new("templatestring", &[takes("template", AString), takes("vars", Any)], a_string, |_, _, _| {
        Err(Problem::unsupported("the template is evaluated by the evaluator"))
    })
    .own(),
];

/// A file that was read.
pub struct Content {
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// All of it, as a leaf.
    pub leaf: crate::source::lineage::sets::LeafId,
    /// The file, and what decided that it is this one.
    pub flow: Flow,
}

/// The content of the file that a path names, and its place in the repository; `templatefile` reads through this, too.
///
/// # Errors
/// Terraform's words for a file that is not there; unsupported for a path out of the repository, links and submodules.
pub fn content(context: &mut Context<'_>, path: &Value) -> Result<Content, Problem> {
    let name = text(path);
    let at = resolved(context, name)?;
    let bytes = match context.files.read(&at) {
        Ok(bytes) => bytes,
        Err(TreeError::Missing(_)) if context.files.is_folder(&at) => {
            return Err(Problem::argument(0, format!("{name:?} is a directory, not a file")));
        }
        Err(TreeError::Missing(_)) => {
            return Err(Problem::argument(
                0,
                format!(
                    "no file exists at {name:?}; this function works only with files that are distributed as part of \
                     the configuration source code, so if this file will be created by a resource in this configuration \
                     you must instead obtain this result from an attribute of that resource"
                ),
            ));
        }
        Err(error @ TreeError::TooLarge { .. }) => return Err(Problem::limit(error.to_string())),
        Err(error) => return Err(Problem::unsupported(error.to_string())),
    };
    let file = context.files.id(&at);
    let leaf = context.sets.leaf(Leaf {
        says: Says::Content,
        role: Role::File,
        place: Some(Place { file, span: Span::new(0, bytes.len()) }),
        path: PathId::ROOT,
    });
    let control = behind(context, [path]);
    Ok(Content { bytes, leaf, flow: Flow { data: leaf.into(), control } })
}

fn resolved(context: &Context<'_>, path: &str) -> Result<RepoPath, Problem> {
    if path.starts_with('~') {
        return Err(Problem::unsupported(format!("the path {path:?} leads out of the repository")));
    }
    context.files.resolve(path)
}

fn exists(context: &mut Context<'_>, path: &Value) -> Result<bool, Problem> {
    let name = text(path);
    let at = resolved(context, name)?;
    match context.files.entry(&at) {
        Some(EntryKind::File | EntryKind::Executable) => Ok(true),
        Some(EntryKind::Symlink | EntryKind::Submodule) => {
            Err(Problem::unsupported(format!("{name:?} is a link or submodule, which is never followed")))
        }
        None if context.files.is_folder(&at) => Err(Problem::broken(format!("{name:?} is a directory, not a file"))),
        None => Ok(false),
    }
}

/// The most files that a pattern may find.
const MAX_FOUND: usize = 10_000;

fn file_set(context: &mut Context<'_>, arguments: &[Value]) -> Result<Value, Problem> {
    let (path, wanted) = (text(&arguments[0]), text(&arguments[1]));
    let marks = arguments[0].marks().with(arguments[1].marks());
    let folder = resolved(context, path)?;
    let full = pattern::joined(folder.as_str(), wanted)
        .ok_or_else(|| Problem::unsupported(format!("the pattern {wanted:?} leads out of the repository")))?;
    let compiled = pattern::Pattern::parse(&full)
        .map_err(|_| Problem::unsupported(format!("the pattern {wanted:?} of fileset()")))?;
    let by = behind(context, arguments);
    let entries: Vec<(RepoPath, EntryKind)> = {
        let top: RepoPath = pattern::fixed_folder(&full).parse().unwrap_or_default();
        context.files.within(&top).map(|entry| (entry.path.clone(), entry.kind)).collect()
    };
    context.budget.step(entries.len() * (1 + full.len() / 16))?;
    let mut found = Vec::new();
    for (file, kind) in entries {
        if matches!(kind, EntryKind::Symlink | EntryKind::Submodule) {
            let why = format!("{file} is a link or submodule, which is never followed");
            return Err(Problem::unsupported(why));
        }
        if !compiled.matches(file.as_str(), &mut context.budget)? {
            continue;
        }
        if found.len() >= MAX_FOUND {
            return Err(Problem::limit(format!("a pattern finds more than {MAX_FOUND} files")));
        }
        found.push(Value::text(pattern::relative(folder.as_str(), file.as_str())));
    }
    let found: Vec<Value> = found.into_iter().map(|name| name.under(&mut context.sets, by)).collect();
    let set = Value::set(&mut context.sets, Type::String, found);
    Ok(set.under(&mut context.sets, by).with_marks(marks))
}

/// Go's `filepath.Base`.
fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

/// Go's `filepath.Dir`.
fn folder(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

/// Go's `filepath.Clean`.
pub fn clean(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    let cleaned = format!("{}{}", if is_rooted { "/" } else { "" }, parts.join("/"));
    if cleaned.is_empty() { ".".to_owned() } else { cleaned }
}
