//! Which bytes to change: every way to take all steps of a change, best first.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::Serialize;
use serde_json::Value;

use crate::{
    engine::site::{Lists, Site, Wording},
    model::{
        change::Change,
        refusal::{Code, Refusal},
    },
    source::{edit::Splice, path::RepoPath, span::line_of, tree::TreeError, yaml::edit::Draft},
    stack::{carried, catalog::Catalog, lowered::is_laid, owner::Owned},
};

/// The steps that one change may need.
const MAX_STEPS: usize = 200;

/// The plans that are tried for one change.
const MAX_PLANS: usize = 32;

/// The bytes of text that one plan may go through. Every step reads its whole file, before and after.
const MAX_WORDED_BYTES: usize = 4 << 20;

/// What is known of a change besides the change.
#[derive(Clone, Debug, Default)]
pub struct Aim {
    /// The file that is to be edited if it can be: a scanner of sources named it.
    pub file: Option<RepoPath>,
    /// What new lists of maps are.
    pub lists: Lists,
}

/// Edits that together take all steps of a change; nothing is left to decide.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The edits in the order of the steps.
    pub edits: Vec<SourceEdit>,
    /// The edited files' new text.
    pub files: BTreeMap<RepoPath, String>,
}

/// One edit, as answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceEdit {
    /// The file.
    pub file: RepoPath,
    /// The line of the file as it stands, from 1.
    pub line: usize,
    /// What was edited, for people.
    pub site: String,
    /// The bytes that go.
    pub before: String,
    /// The bytes that come.
    pub after: String,
}

/// All plans for a change, best first, each worked out when it is asked for and with what it edits, for people; at least one.
///
/// # Errors
/// A refusal where a step has no site at all. A plan that cannot be worded is itself a refusal.
pub fn plans<'c>(
    catalog: &'c Catalog<'_>,
    owned: &Owned,
    steps: &[Change],
    (wanted, aim): (&Value, &Aim),
) -> Result<impl Iterator<Item = (String, Result<Plan, Refusal>)> + use<'c>, Refusal> {
    if steps.len() > MAX_STEPS {
        return Err(Refusal::new(
            Code::NotExpressible,
            format!(
                "the live resource differs in {} places, more than the {MAX_STEPS} of one pull request",
                steps.len()
            ),
            "bring the source in line by hand, or report single fields",
        ));
    }
    let mut sites = carried::sites(catalog, owned.stack, owned.resource(), steps, (wanted, aim.lists))?;
    if let Some(file) = &aim.file {
        sites.iter_mut().for_each(|options| options.sort_by_key(|site| site.file != *file));
    }
    Ok(choices(&sites).into_iter().map(move |chosen| {
        let named: Vec<String> = chosen.iter().map(|site| format!("{}: {}", site.file, site.label)).collect();
        (named.join(", "), word(catalog, &chosen))
    }))
}

/// The combinations of one site a step, those nearest to the best ones first.
fn choices(sites: &[Vec<Site>]) -> Vec<Vec<Site>> {
    let mut combinations = vec![(0, Vec::new())];
    for options in sites {
        let extended = combinations.iter().flat_map(|(rank, chosen): &(usize, Vec<Site>)| {
            options.iter().enumerate().map(move |(more, site)| {
                let mut chosen = chosen.clone();
                chosen.push(site.clone());
                (rank + more, chosen)
            })
        });
        let mut next: Vec<_> = extended.collect();
        next.sort_by_key(|(rank, _)| *rank);
        next.truncate(MAX_PLANS);
        combinations = next;
    }
    combinations.into_iter().map(|(_, chosen)| chosen).collect()
}

fn word(catalog: &Catalog<'_>, sites: &[Site]) -> Result<Plan, Refusal> {
    let mut edits = Vec::new();
    let mut done: Vec<&Site> = Vec::new();
    let mut drafts: BTreeMap<RepoPath, (Draft, Vec<Moved>)> = BTreeMap::new();
    let mut worded = 0;
    for site in sites.iter().flat_map(|site| std::iter::once(site).chain(&site.also)) {
        if done.contains(&site) {
            // One place takes several steps at once.
            continue;
        }
        done.push(site);
        refuse_protected(&site.file)?;
        let (draft, earlier) = match drafts.entry(site.file.clone()) {
            Entry::Occupied(draft) => draft.into_mut(),
            Entry::Vacant(free) => free.insert((draft(catalog, site)?, Vec::new())),
        };
        worded += draft.text().len();
        if worded > MAX_WORDED_BYTES {
            return Err(Refusal::new(
                Code::NotExpressible,
                format!("the change takes {} edits, too many for a file as large as {}", sites.len(), site.file),
                "report single fields, or split the file",
            )
            .at(&site.file, None));
        }
        let text = draft.text().to_owned();
        let splice = site.word(draft)?;
        let before = text[splice.span.range()].to_owned();
        if splice.text == before {
            // An earlier step has done it already: one value may say several fields.
            continue;
        }
        let line = original_line(&text, splice.span.start, earlier);
        earlier.push(Moved::by(&splice, &before));
        edits.push(SourceEdit { file: site.file.clone(), line, site: site.label.clone(), before, after: splice.text });
    }
    Ok(Plan { edits, files: drafts.into_iter().map(|(path, (draft, _))| (path, draft.into_text())).collect() })
}

/// By how many lines an earlier splice moved what follows it.
struct Moved {
    start: usize,
    lines: isize,
}

impl Moved {
    fn by(splice: &Splice, before: &str) -> Self {
        let breaks = |text: &str| text.matches('\n').count() as isize;
        Self { start: splice.span.start, lines: breaks(&splice.text) - breaks(before) }
    }
}

fn original_line(text: &str, at: usize, earlier: &[Moved]) -> usize {
    let moved: isize = earlier.iter().filter(|splice| splice.start < at).map(|splice| splice.lines).sum();
    line_of(text, at).saturating_add_signed(-moved).max(1)
}

fn draft(catalog: &Catalog<'_>, site: &Site) -> Result<Draft, Refusal> {
    let path = &site.file;
    if matches!(site.wording, Wording::Create { .. }) {
        return match catalog.tree().read(path) {
            Err(TreeError::Missing(_)) => Ok(Draft::new(String::new(), None)),
            _ => {
                let why = format!("{path} is there already");
                Err(Refusal::new(Code::NotExpressible, why, "change the source by hand").at(path, None))
            }
        };
    }
    let unreadable =
        |why: String| Refusal::new(Code::FileUnreadable, why, "make it a regular UTF-8 text file").at(path, None);
    let bytes = catalog.tree().read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable(format!("{path} is not UTF-8 text")))?;
    Ok(Draft::new(text.to_owned(), catalog.parsed(path, text)))
}

/// Tells whether a file decides who may do what: it is for people alone, whatever a finding says. Who writes commits asks
/// this too.
pub fn is_protected(path: &RepoPath) -> bool {
    let inside_github = path.as_str().split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(".github"));
    let name = path.name().to_ascii_lowercase();
    inside_github || matches!(name.as_str(), "codeowners" | ".gitattributes" | ".gitmodules")
}

fn refuse_protected(path: &RepoPath) -> Result<(), Refusal> {
    if is_laid(path) || is_protected(path) {
        return Err(Refusal::new(
            Code::ProtectedPath,
            format!("{path} decides who may do what, and is never edited"),
            "change it by hand",
        )
        .at(path, None));
    }
    Ok(())
}
