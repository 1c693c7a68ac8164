//! All templates of all charts of a render, in the one name space that they share.
//!
//! Helm parses every file into one set of templates, deepest path first, and a later definition replaces an earlier one of
//! the same name: a parent chart's wins over its subchart's. The order of the files decides, never the order of their
//! execution, so the set is worked out once.

use std::{cmp::Reverse, collections::HashMap, rc::Rc, sync::Arc};

use super::{
    ast::{self, Node},
    leaf::FileId,
};
use crate::{
    engine::helm::functions::Functions,
    source::{
        lineage::{hash::Seeded, text::Text},
        span::Span,
    },
};

/// A parsed file of a chart.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path of which the chart's name is the first part: `chart/templates/x.yaml`.
    pub name: Rc<str>,
    /// The file.
    pub file: FileId,
    /// Its text, which the spans of the nodes count in.
    pub text: Arc<str>,
    /// Its nodes.
    pub ast: Rc<ast::File>,
}

/// All templates that may be executed, and the functions that they may call.
#[derive(Debug)]
pub struct Program {
    /// The functions.
    pub functions: Rc<Functions>,
    units: Vec<Rc<Unit>>,
    templates: HashMap<Rc<str>, Template, Seeded>,
}

/// A parsed text: a file, or what `tpl` was given.
#[derive(Debug)]
pub(super) struct Unit {
    /// What Go calls it in messages.
    pub(super) name: Rc<str>,
    pub(super) written: Written,
    /// Its characters, which the spans of the nodes count in.
    pub(super) text: Arc<str>,
    pub(super) ast: Rc<ast::File>,
    /// Its place among the program's units; of no meaning for what `tpl` was given.
    pub(super) index: usize,
}

/// Where a parsed text stands.
#[derive(Debug)]
pub(super) enum Written {
    /// In a file.
    File(FileId),
    /// In a string with origins of its own.
    Text(Text),
}

/// A template: the body of a file, or a `define` in it.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) unit: Rc<Unit>,
    /// The `define`, by its place in the file; the file's own body if absent.
    pub(super) define: Option<usize>,
}

impl Program {
    /// The program of all files.
    pub fn new(functions: Rc<Functions>, mut sources: Vec<Source>) -> Self {
        sources.sort_by_cached_key(|source| Reverse((depth(&source.name), source.name.clone())));
        let mut program = Self { functions, units: Vec::with_capacity(sources.len()), templates: HashMap::default() };
        for (index, source) in sources.into_iter().enumerate() {
            let Source { name, file, text, ast } = source;
            let unit = Rc::new(Unit { name, written: Written::File(file), text, ast, index });
            for (name, template) in unit.templates() {
                associate(&mut program.templates, name, template);
            }
            program.units.push(unit);
        }
        program
    }

    /// The files in the order in which Helm executes them; those whose name begins with `_` are only there to be included.
    pub fn names(&self) -> impl Iterator<Item = &Rc<str>> {
        let is_partial = |name: &str| name.rsplit('/').next().is_some_and(|base| base.starts_with('_'));
        self.units.iter().map(|unit| &unit.name).filter(move |name| !is_partial(name))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Template> {
        self.templates.get(name)
    }

    pub(super) fn units(&self) -> &[Rc<Unit>] {
        &self.units
    }
}

impl Unit {
    /// The templates that its text defines, under their names, itself last.
    pub(super) fn templates(self: &Rc<Self>) -> impl Iterator<Item = (Rc<str>, Template)> + '_ {
        let defines = self.ast.defines.iter().enumerate();
        defines
            .map(|(at, define)| (define.name.clone(), Template { unit: self.clone(), define: Some(at) }))
            .chain([(self.name.clone(), Template { unit: self.clone(), define: None })])
    }

    /// A part of the text.
    pub(super) fn slice(&self, span: Span) -> &str {
        &self.text[span.range()]
    }
}

impl Template {
    pub(super) fn body(&self) -> &[Node] {
        match self.define {
            None => &self.unit.ast.body,
            Some(at) => &self.unit.ast.defines[at].body,
        }
    }

    /// Whether it is nothing but white space and comments.
    pub(super) fn is_empty(&self) -> bool {
        let Unit { ast, text, .. } = &*self.unit;
        match self.define {
            None => ast.is_empty(text),
            Some(at) => ast.defines[at].is_empty(text),
        }
    }
}

/// Go's `Template.associate`: nothing that has a template is replaced by nothing but white space.
pub(super) fn associate(templates: &mut HashMap<Rc<str>, Template, Seeded>, name: Rc<str>, template: Template) {
    if !templates.contains_key(&name) || !template.is_empty() {
        templates.insert(name, template);
    }
}

/// Helm's `byPathLen`, which it reverses, goes by this and then by bytes.
fn depth(name: &str) -> usize {
    name.bytes().filter(|byte| *byte == b'/').count()
}
