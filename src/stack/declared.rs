//! What is declared in some lines of a file: the way from a scanner of sources to the resources of stacks.
//!
//! A scanner reads files and names a file and lines. One declaration may be rendered many times, by each overlay of a base,
//! each call of a module and each instance of a `count`; all of them are the one resource that the scanner means.

use crate::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
        resource::ResourceId,
    },
    source::{hcl::parse, path::RepoPath, span::line_of, tree::SourceTree},
};

use super::catalog::Catalog;

/// Lines of a file as a sender names them.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'f> {
    path: &'f str,
    first: usize,
    last: usize,
}

/// Where a resource is declared: the stack's position in the catalog, and the resource's in what the stack renders.
pub type Position = (usize, usize);

impl<'f> Lines<'f> {
    /// The lines that a finding names, as its resource or beside it.
    pub fn of(finding: &'f Finding) -> Option<Self> {
        let hints = &finding.hints;
        let (path, first, last) = match &finding.resource {
            ResourceId::File(id) => (id.path.as_str(), id.line, id.end_line),
            _ => (hints.file.as_deref()?, hints.line, hints.end_line),
        };
        let number = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
        let from = first.map_or(1, number);
        let to = last.or(first).map_or(usize::MAX, number);
        Some(Self { path: path.trim_start_matches("./").trim_start_matches('/'), first: from, last: to.max(from) })
    }

    /// How well a file of the repository fits the sender's path, which may begin elsewhere than at the repository's root.
    fn fits(&self, file: &RepoPath) -> Option<usize> {
        let (ours, theirs) = (file.as_str(), self.path);
        let ends = |long: &str, short: &str| {
            !short.is_empty() && long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        match (ours == theirs, ends(ours, theirs) || ends(theirs, ours)) {
            (true, _) => Some(usize::MAX),
            (false, true) => Some(ours.len().min(theirs.len())),
            (false, false) => None,
        }
    }

    /// Those of some resources that are declared in the lines, which are all the same declaration; none where there is none.
    ///
    /// # Errors
    /// `owner-ambiguous` where the lines hold several declarations.
    pub fn among(
        &self,
        catalog: &Catalog<'_>,
        candidates: impl IntoIterator<Item = Position>,
    ) -> Result<Vec<Position>, Refusal> {
        let (mut best, mut found): (usize, Vec<(RepoPath, usize, Position)>) = (0, Vec::new());
        for (stack, index) in candidates {
            let Ok(contents) = catalog.contents(stack) else { continue };
            let Some(declared) = contents.resources.get(index) else { continue };
            let Some(fit) = self.fits(&declared.file).filter(|fit| *fit >= best) else { continue };
            let (first, last) = extent(catalog.tree(), &declared.file, declared.line);
            if last < self.first || first > self.last {
                continue;
            }
            if fit > best {
                (best, found) = (fit, Vec::new());
            }
            found.push((declared.file.clone(), declared.line, (stack, index)));
        }
        let Some((file, line, _)) = found.first().cloned() else { return Ok(Vec::new()) };
        if let Some((other, at, _)) = found.iter().find(|(other, at, _)| *other != file || *at != line) {
            let message = format!("these lines hold several declarations: {file}:{line} and {other}:{at}");
            let hint = "report the lines of one resource, or name the resource";
            return Err(Refusal::new(Code::OwnerAmbiguous, message, hint).at(&file, Some(line)));
        }
        Ok(found.into_iter().map(|(_, _, position)| position).collect())
    }

    /// Every resource of the catalog.
    pub fn everything(catalog: &Catalog<'_>) -> Vec<Position> {
        let of_stack = |stack: usize| {
            let len = catalog.contents(stack).map_or(0, |contents| contents.resources.len());
            (0..len).map(move |index| (stack, index))
        };
        let stacks = 0..catalog.stacks().len();
        catalog.look_through(stacks.clone());
        stacks.flat_map(of_stack).collect()
    }
}

/// The first and last line of the document or block that begins at a line.
fn extent(tree: &dyn SourceTree, file: &RepoPath, line: usize) -> (usize, usize) {
    let Some(text) = tree.read(file).ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) else {
        return (line, line);
    };
    if file.as_str().ends_with(".tf") {
        let Ok(parsed) = parse(&text) else { return (line, line) };
        let blocks =
            parsed.body.blocks().map(|block| (line_of(&text, block.span.start), line_of(&text, block.span.end)));
        return blocks.into_iter().find(|(first, last)| (*first..=*last).contains(&line)).unwrap_or((line, line));
    }
    let is_border = |text: &str| text == "---" || text.starts_with("--- ") || text == "---\r";
    let (mut first, mut last, mut seen) = (1, usize::MAX, false);
    for (number, content) in (1..).zip(text.lines()) {
        match (is_border(content), number <= line) {
            (true, true) => first = number,
            (true, false) if !seen => (last, seen) = (number - 1, true),
            _ => {}
        }
    }
    (first, last)
}
