//! A place at which a change could be written, and how it would be worded there.

use crate::{
    model::{
        change::{Action, Change},
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        edit::Splice,
        path::RepoPath,
        span::Span,
        yaml::{
            edit::{self, Draft, EditError},
            resolve::Reader,
        },
    },
};

/// A place at which a change could be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The file to edit.
    pub file: RepoPath,
    /// What the place is, for people: `manifest field /spec/replicas`.
    pub label: String,
    /// What happens there.
    pub wording: Wording,
}

/// What happens at a site.
#[derive(Clone, Debug, PartialEq)]
pub enum Wording {
    /// A change of a YAML document, worded in the style of what is around it.
    Yaml {
        /// The document of the file.
        document: usize,
        /// The place in the document, and what happens there.
        change: Change,
        /// How the file is read.
        reader: Reader,
    },
    /// Other text in the place of these bytes.
    Text {
        /// The bytes of the file as it stands.
        span: Span,
        /// What they are.
        before: String,
        /// What they become.
        after: String,
    },
}

impl Site {
    /// A step of a change, moved below `base` of a document.
    pub fn in_document(file: RepoPath, document: usize, base: &Pointer, change: &Change, reader: Reader) -> Self {
        let at = Pointer::of(base.tokens().iter().chain(change.at.tokens()).cloned());
        let target = match &change.action {
            Action::AddKey { key, .. } => change.at.join(key),
            _ => change.at.clone(),
        };
        let label = format!("manifest field {target}");
        let change = Change { at, action: change.action.clone() };
        Self { file, label, wording: Wording::Yaml { document, change, reader } }
    }

    /// Makes the change in a draft of the file and tells the splice that it is.
    ///
    /// # Errors
    /// A refusal where the text cannot say it: `aliased-value`, `not-expressible`, `file-unreadable`.
    pub fn word(&self, draft: &mut Draft) -> Result<Splice, Refusal> {
        match &self.wording {
            Wording::Yaml { document, change, reader } => {
                let action = match &change.action {
                    Action::Set(value) => edit::Change::Set(value.clone()),
                    Action::AddKey { key, value } => {
                        edit::Change::InsertKey { key: key.clone(), value: value.clone() }
                    }
                    Action::AddItem { index, value } => {
                        edit::Change::InsertItem { index: *index, value: value.clone() }
                    }
                    Action::Remove => edit::Change::Remove,
                };
                draft.edit(*document, &change.at, &action, *reader).map_err(|error| self.refusal(&error))
            }
            Wording::Text { span, before, after } => draft.replace(*span, before, after).ok_or_else(|| {
                let why = format!("another step of the change edits the same text of {}", self.file);
                Refusal::new(Code::NotExpressible, why, "report single fields").at(&self.file, None)
            }),
        }
    }

    fn refusal(&self, error: &EditError) -> Refusal {
        let (code, line, hint) = match error {
            EditError::Unparsed(error) => (
                Code::FileUnreadable,
                Some(error.line),
                "change it by hand, or leave templates to the tool that renders them",
            ),
            EditError::Unreadable { line, .. } | EditError::OddLineBreak { line, .. } => {
                (Code::FileUnreadable, Some(*line), "mend the file")
            }
            EditError::Aliased { line, .. } => (
                Code::AliasedValue,
                Some(*line),
                "write the value out where it should differ, or change the anchor by hand for all that refer to it",
            ),
            EditError::NotFound { line, .. }
            | EditError::KeyExists { line, .. }
            | EditError::WrongKind { line, .. }
            | EditError::NotExpressible { line } => (Code::NotExpressible, Some(*line), "change the source by hand"),
            EditError::NoDocument { .. } => (Code::NotExpressible, None, "change the source by hand"),
        };
        // The refusal itself says the line.
        let (text, said) = (error.to_string(), line.map(|line| format!("line {line}: ")));
        let message = said.and_then(|said| text.strip_prefix(&said)).unwrap_or(&text);
        Refusal::new(code, message, hint).at(&self.file, line)
    }
}
