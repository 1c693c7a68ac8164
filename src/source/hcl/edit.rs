//! Words an edit of HCL as splices on its bytes.
//!
//! The parser only locates: what a change does not name keeps its bytes, and what is new looks like its neighbours and as
//! `terraform fmt` would have it. A line that comes or goes may move the equals signs of the lines around it; they move only
//! where they stood in one column before. Wording is a matter of taste and being right must not depend on it: the new text is
//! read again, and unless the tree is then exactly the wanted one, nothing is edited.

mod align;
mod body;
mod collection;
mod find;
mod page;
mod print;
mod remove;
mod shape;
mod text;

use serde_json::{Map, Value};

use self::{page::Page, shape::Shape};
use super::{SyntaxError, parse};
use crate::source::{
    edit::Splice,
    span::{Span, line_of},
};

/// A change to a file; spans are those of the parsed tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The expression with these bytes becomes this value. A text stays in its quotes or heredoc where that can hold it.
    Set {
        /// The expression.
        at: Span,
        /// What it says from now on.
        value: Value,
    },
    /// Some bytes of what a text says become others.
    Text {
        /// The literal text of a template, or the expression that is nothing but text.
        at: Span,
        /// The first byte that goes, of what the text says, and the byte behind the last.
        range: (usize, usize),
        /// What comes.
        text: String,
    },
    /// The name of an argument or the key of an item becomes another.
    Rename {
        /// The name or key, quotes included.
        at: Span,
        /// What it is called from now on.
        name: String,
    },
    /// A block, or the file itself, gets an argument that it does not have.
    Argument {
        /// The block; nothing for the file.
        within: Option<Span>,
        /// The name.
        name: String,
        /// What it is set to.
        value: Value,
    },
    /// A block gets another block in it, behind the last one of its type.
    Block {
        /// The block that gets it.
        within: Span,
        /// The type of the new block.
        kind: String,
        /// What it says: lists of maps are blocks where a block of this type has such blocks, everything else is an argument.
        value: Map<String, Value>,
        /// Whether lists of maps are blocks also where no block of this type says how they are written.
        lists_are_blocks: bool,
    },
    /// An object that is written out gets an item at its end.
    Key {
        /// The object.
        within: Span,
        /// The key.
        key: String,
        /// Its value.
        value: Value,
    },
    /// An expression that refers to a map gets a key over what that map has: `local.tags` becomes
    /// `merge(local.tags, { Name = "x" })`, and a call of `merge` another argument at its end.
    Merge {
        /// The expression.
        at: Span,
        /// The key.
        key: String,
        /// Its value.
        value: Value,
    },
    /// A tuple that is written out gets an element.
    Element {
        /// The tuple.
        within: Span,
        /// The position that the element will have; the last one where it is beyond.
        index: usize,
        /// The element.
        value: Value,
    },
    /// An argument or item (by its name or key), a block or an element goes, with the comments that belong to it: the one on
    /// its line and those on the lines directly above, unless it is the first, where they may speak for all.
    Remove {
        /// Its bytes.
        at: Span,
    },
    /// The element at a position of a tuple that is written out goes.
    RemoveElement {
        /// The tuple.
        within: Span,
        /// The position.
        index: usize,
    },
}

/// Why an edit is not made.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum EditError {
    /// The file is no HCL.
    #[error("the file cannot be read: {0}")]
    Unparsed(#[from] SyntaxError),
    /// Nothing of the kind that the change needs is at these bytes.
    #[error("line {line}: there is nothing here that the change fits")]
    NotFound {
        /// The line of the first byte.
        line: usize,
    },
    /// An argument or key is to be added that is there already.
    #[error("line {line}: {name:?} is there already")]
    Exists {
        /// The name.
        name: String,
        /// The line where.
        line: usize,
    },
    /// No wording reads back as exactly the wanted tree.
    #[error("line {line}: the change cannot be written here as one exact edit")]
    NotExpressible {
        /// The line of the place.
        line: usize,
    },
}

impl Change {
    /// The same change of a text in which all spans are elsewhere; nothing where one of them is not there any more.
    pub fn moved(&self, place: impl Fn(Span) -> Option<Span>) -> Option<Self> {
        let mut moved = self.clone();
        match &mut moved {
            Self::Set { at, .. }
            | Self::Text { at, .. }
            | Self::Rename { at, .. }
            | Self::Merge { at, .. }
            | Self::Remove { at } => *at = place(*at)?,
            Self::Argument { within, .. } => {
                if let Some(within) = within {
                    *within = place(*within)?;
                }
            }
            Self::Block { within, .. }
            | Self::Key { within, .. }
            | Self::Element { within, .. }
            | Self::RemoveElement { within, .. } => *within = place(*within)?,
        }
        Some(moved)
    }

    /// The bytes that the change names; the start of the file where it names all of it.
    pub fn span(&self) -> Span {
        match self {
            Self::Set { at, .. }
            | Self::Text { at, .. }
            | Self::Rename { at, .. }
            | Self::Merge { at, .. }
            | Self::Remove { at } => *at,
            Self::Argument { within, .. } => within.unwrap_or_default(),
            Self::Block { within, .. }
            | Self::Key { within, .. }
            | Self::Element { within, .. }
            | Self::RemoveElement { within, .. } => *within,
        }
    }
}

/// Words a change as splices of the text, sorted and apart; none where the text says so already.
///
/// # Errors
/// Why the change is not made.
pub fn word(text: &str, change: &Change) -> Result<Vec<Splice>, EditError> {
    let file = parse(text)?;
    let page = Page::of(text, &file);
    let line = line_of(text, change.span().start);
    let before = Shape::of(&file.body);
    let mut wanted = before.clone();
    wanted.change(change).ok_or(EditError::NotFound { line })?;
    if wanted == before {
        return Ok(Vec::new());
    }
    let is_exact =
        |splices: &[Splice]| parse(&applied(text, splices)).is_ok_and(|file| Shape::of(&file.body) == wanted);
    for splices in wordings(&page, change)? {
        if !is_exact(&splices) {
            continue;
        }
        // Nothing but blanks moves, so that what is exact stays so; if not, what is exact is kept.
        let aligned = align::aligned(text, &splices);
        return Ok(if is_exact(&aligned) { aligned } else { splices });
    }
    Err(EditError::NotExpressible { line })
}

/// Tells whether a value could as well be written as blocks.
pub fn may_be_blocks(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

/// The ways to word a change, the best one first.
fn wordings(page: &Page<'_>, change: &Change) -> Result<Vec<Vec<Splice>>, EditError> {
    let line = line_of(page.text, change.span().start);
    let found = match change {
        Change::Set { at, value } => text::set(page, *at, value),
        Change::Text { at, range, text } => text::replaced(page, *at, *range, text),
        Change::Rename { at, name } => text::renamed(page, *at, name),
        Change::Argument { within, name, value } => body::argument(page, *within, name, value)?,
        Change::Block { within, kind, value, lists_are_blocks } => {
            body::block(page, *within, kind, value, *lists_are_blocks)
        }
        Change::Key { within, key, value } => collection::key(page, *within, key, value)?,
        Change::Merge { at, key, value } => collection::merged(page, *at, key, value),
        Change::Element { within, index, value } => collection::element(page, *within, *index, value),
        Change::Remove { at } => remove::removed(page, *at),
        Change::RemoveElement { within, index } => remove::element(page, *within, *index),
    };
    found.ok_or(EditError::NotFound { line })
}

/// A text after splices that are sorted and apart.
pub fn applied(text: &str, splices: &[Splice]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for splice in splices {
        out.push_str(&text[at..splice.span.start]);
        out.push_str(&splice.text);
        at = splice.span.end;
    }
    out.push_str(&text[at..]);
    out
}

/// The value that an expression says without referring to anything; nothing where it does refer, or calls a function.
pub fn literal(expression: &super::tree::Expression) -> Option<Value> {
    shape::literal(expression)
}

/// What an argument or item is set to, by its name or key.
pub fn expression_of(body: &super::tree::Body, name: Span) -> Option<super::tree::Expression> {
    find::find(body, name, |node| match node {
        find::Node::Attribute(_, attribute) if attribute.name.span == name => Some(attribute.value.clone()),
        find::Node::Item(_, object, index) if object.items[index].key.span() == name => {
            Some(object.items[index].value.clone())
        }
        _ => None,
    })
}

/// The template that some text is a part of, by the bytes of the text.
pub fn template_of(body: &super::tree::Body, text: Span) -> Option<super::tree::Template> {
    use super::tree::{Expression, ExpressionKind, Part};
    find::find(body, text, |node| match node {
        find::Node::Expression(Expression { kind: ExpressionKind::Template(template), .. }) => {
            let is_in = template.parts.iter().any(|part| matches!(part, Part::Text(part) if part.span == text));
            is_in.then(|| template.clone())
        }
        _ => None,
    })
}
