//! A place at which a change could be written, and how it would be worded there.

use serde_json::Value;

use crate::{
    model::{
        change::{Action, Change},
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::{
        edit::Splice,
        hcl,
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
    /// What has to happen elsewhere with it: a new patch is also listed.
    pub also: Vec<Self>,
}

/// The most candidates for one step.
pub const MAX_SITES: usize = 24;

/// Candidates in the order of their finding, each once and no more than [`MAX_SITES`].
#[derive(Debug, Default)]
pub struct Found {
    sites: Vec<Site>,
}

impl Found {
    /// Adds candidates behind those that are there.
    pub fn add(&mut self, sites: impl IntoIterator<Item = Site>) {
        for site in sites {
            if self.sites.len() < MAX_SITES && !self.sites.contains(&site) {
                self.sites.push(site);
            }
        }
    }

    /// Adds candidates behind those that are there, the last of which make room for them where need be.
    pub fn add_last(&mut self, last: Self) {
        self.sites.truncate(MAX_SITES.saturating_sub(last.sites.len()));
        self.add(last.sites);
    }

    /// The candidates.
    ///
    /// # Errors
    /// Where there is none, for the reason that is given.
    pub fn into_sites(self, why: impl FnOnce() -> Refusal) -> Result<Vec<Site>, Refusal> {
        if self.sites.is_empty() { Err(why()) } else { Ok(self.sites) }
    }
}

/// What new lists of maps are where a language has two ways to say them, as Terraform has arguments and blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lists {
    /// Not known: what is there already tells, or nothing is written.
    #[default]
    Unclear,
    /// Blocks: whoever wants the change knows the resource's schema, as a rule does.
    Blocks,
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
    /// A change of a file of HCL, by the bytes of the file as it stands.
    Hcl(hcl::edit::Change),
    /// A change of a YAML text that a scalar of a document says: a patch written inline.
    Within {
        /// The document of the file.
        document: usize,
        /// The scalar.
        at: Pointer,
        /// How the file is read.
        reader: Reader,
        /// What happens in the text.
        inner: Box<Self>,
    },
    /// A file that is not there yet.
    Create {
        /// Its text.
        text: String,
    },
}

/// Why nothing happens at a site.
enum Stopped {
    /// The text cannot say it.
    Unworded(EditError),
    /// The same of HCL.
    UnwordedHcl(hcl::edit::EditError),
    /// Another step has changed the same bytes to something else.
    Touched,
}

impl From<hcl::edit::EditError> for Stopped {
    fn from(error: hcl::edit::EditError) -> Self {
        Self::UnwordedHcl(error)
    }
}

impl From<EditError> for Stopped {
    fn from(error: EditError) -> Self {
        Self::Unworded(error)
    }
}

impl Wording {
    fn word(&self, draft: &mut Draft) -> Result<Splice, Stopped> {
        match self {
            Self::Yaml { document, change, reader } => {
                let action = match &change.action {
                    Action::Set(value) => edit::Change::Set(value.clone()),
                    Action::AddKey { key, value } => edit::Change::InsertKey { key: key.clone(), value: value.clone() },
                    Action::AddItem { index, value } => {
                        edit::Change::InsertItem { index: *index, value: value.clone() }
                    }
                    Action::Remove => edit::Change::Remove,
                };
                Ok(draft.edit(*document, &change.at, &action, *reader)?)
            }
            Self::Text { span, before, after } => draft.replace(*span, before, after).ok_or(Stopped::Touched),
            Self::Hcl(change) => {
                let change = change.moved(|span| draft.place(span)).ok_or(Stopped::Touched)?;
                let splices = hcl::edit::word(draft.text(), &change)?;
                Ok(draft.splice(&splices))
            }
            Self::Within { document, at, reader, inner } => {
                let mut text = Draft::new(draft.scalar(*document, at, *reader)?, None);
                inner.word(&mut text)?;
                let text = edit::Change::Set(Value::String(text.into_text()));
                let before = draft.text().to_owned();
                let splice = draft.edit(*document, at, &text, *reader)?;
                Ok(splice.in_whole_lines(&before))
            }
            Self::Create { text } => draft.replace(Span::empty(0), "", text).ok_or(Stopped::Touched),
        }
    }
}

impl Wording {
    /// Makes the change in a draft; nothing where its text cannot say it.
    pub fn in_draft(&self, draft: &mut Draft) -> Option<Splice> {
        self.word(draft).ok()
    }
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
        Self { file, label, wording: Wording::Yaml { document, change, reader }, also: Vec::new() }
    }

    /// Makes the change in a draft of the file and tells the splice that it is. The draft of a new file is empty.
    ///
    /// # Errors
    /// A refusal where the text cannot say it: `aliased-value`, `not-expressible`, `file-unreadable`.
    pub fn word(&self, draft: &mut Draft) -> Result<Splice, Refusal> {
        self.wording.word(draft).map_err(|stopped| match stopped {
            Stopped::Unworded(error) => self.refusal(&error),
            Stopped::UnwordedHcl(error) => self.hcl_refusal(&error),
            Stopped::Touched => {
                let why = format!("another step of the change edits the same text of {}", self.file);
                Refusal::new(Code::NotExpressible, why, "report single fields").at(&self.file, None)
            }
        })
    }

    fn hcl_refusal(&self, error: &hcl::edit::EditError) -> Refusal {
        use hcl::edit::EditError;
        let (code, line, hint) = match error {
            EditError::Unparsed(error) => (Code::FileUnreadable, error.line, "mend the file"),
            EditError::NotFound { line } | EditError::Exists { line, .. } | EditError::NotExpressible { line } => {
                (Code::NotExpressible, *line, "change the source by hand")
            }
        };
        let (text, said) = (error.to_string(), format!("line {line}: "));
        let message = text.strip_prefix(&said).unwrap_or(&text);
        Refusal::new(code, message, hint).at(&self.file, Some(line))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_in_a_file_is_edited_line_by_line() {
        let file = "patches:\n- patch: |-\n    # why\n    kind: X\n    spec: {a: 1}\n  target: {kind: X}\n";
        let inner = Wording::Yaml {
            document: 0,
            change: Change { at: "/spec/a".parse().expect("a pointer"), action: Action::Set(json!("1")) },
            reader: Reader::Kustomize,
        };
        let site = Site {
            file: "kustomization.yaml".parse().expect("a path"),
            label: "patch".to_owned(),
            wording: Wording::Within {
                document: 0,
                at: "/patches/0/patch".parse().expect("a pointer"),
                reader: Reader::Manifest,
                inner: Box::new(inner),
            },
            also: Vec::new(),
        };
        let mut draft = Draft::new(file.to_owned(), None);
        let splice = site.word(&mut draft).expect("a splice");
        assert_eq!(&file[splice.span.range()], "    spec: {a: 1}");
        assert_eq!(splice.text, "    spec: {a: \"1\"}");
        assert_eq!(draft.text(), file.replace("{a: 1}", "{a: \"1\"}"));
    }
}
