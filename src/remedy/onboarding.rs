//! The pull request by which sourceward introduces itself to a repository, before it proposes anything there.
//!
//! It adds one file, the repository's configuration, and shows as a dry run what would be proposed: merging it is a yes,
//! closing it a no. It is the one exception from the rule that nothing of ours changes `.github`: an [`Introduction`] is made
//! for repositories without a configuration only, its path is no argument, and who writes commits takes that path from nobody
//! else (`docs/decisions/0007-an-introduction-is-the-one-edit-of-github.md`).

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    confidential::redacted_text,
    markdown::{cell, visible},
    pull_request::{MAX_BODY, marker::Digest, title::Titles},
    report::{
        Answered, Counts,
        summary::{TABLE, refusal, row},
    },
};
use crate::{
    model::repository::BranchName,
    source::{path::RepoPath, tree::entry},
    stack::{catalog::Catalog, config},
};

/// The findings that are judged for the report.
pub const MAX_JUDGED: usize = 100;

/// The rows of a table, and the characters of a name.
const MAX_ROWS: usize = 40;
const MAX_NAME: usize = 120;

/// How the branch ends.
const BRANCH: &str = "onboarding";

/// By which our commit is known again.
const TRAILER: &str = "Sourceward-Onboarding: ";

/// How the hidden line of the body begins and ends; between is the digest of the text.
const START: &str = "<!-- sourceward-onboarding:";
const END: &str = " -->";

/// Whether a repository is asked before anything is proposed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Onboarding {
    /// It is asked by a pull request, and until that is merged its findings are recorded and nothing else.
    Required,
    /// It is asked by a pull request, and worked on meanwhile.
    Offered,
    /// It is not asked.
    Off,
}

/// Why the findings of a repository are recorded and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The introduction waits for an answer.
    Pending,
    /// It was closed: nothing is said there any more until the configuration is there.
    Declined,
}

/// What is to be shown and written to introduce sourceward. [`introduction`] alone makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    branch: BranchName,
    title: String,
    body: String,
    commit_message: String,
    file: String,
}

/// Whose the text of an introduction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// As sourceward wrote it.
    Ours,
    /// A person has edited it: it is left alone.
    Edited,
    /// It is no introduction.
    Other,
}

impl Recorded {
    /// All reasons.
    pub const ALL: [Self; 2] = [Self::Pending, Self::Declined];

    /// The reason in words, by which the store finds what was recorded.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "recorded only: the onboarding pull request is not merged",
            Self::Declined => {
                "recorded only: the onboarding pull request was closed; add .github/sourceward.yaml to take part after all"
            }
        }
    }
}

impl Introduction {
    /// The branch.
    pub fn branch(&self) -> &BranchName {
        &self.branch
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The body, which ends with the hidden line.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The body that goes with another title.
    pub fn body_under(&self, title: &str) -> String {
        let text: Vec<&str> = self.body.lines().filter(|line| !line.starts_with(START)).collect();
        marked(title, text.join("\n").trim_end())
    }

    /// The message of its one commit.
    pub fn commit_message(&self) -> &str {
        &self.commit_message
    }

    /// The one file that it adds.
    pub fn path(&self) -> RepoPath {
        path()
    }

    /// What is in the file.
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// How introductions are made in a repository.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'c> {
    /// How branches begin.
    pub prefix: &'c str,
    /// How titles are worded.
    pub titles: Titles,
    /// Who signs the commit off, as `name <mail>`.
    pub sign_off: Option<&'c str>,
    /// Whether findings are worked on before it is merged.
    pub onboarding: Onboarding,
}

/// The branch of introductions.
pub fn branch(prefix: &str) -> BranchName {
    let usual = || format!("sourceward/{BRANCH}").parse().expect("it is a branch's name");
    format!("{prefix}{BRANCH}").parse().unwrap_or_else(|_| usual())
}

/// Whether a repository has a configuration, be it a wrong one.
pub fn is_configured(catalog: &Catalog<'_>) -> bool {
    entry(catalog.tree(), &path()).is_some()
}

/// Words the introduction to a repository: its stacks, and what became of the findings that were judged; `others` were not.
/// `None` where it has a configuration, which is never written over.
pub fn introduction(
    catalog: &Catalog<'_>,
    judged: &[Answered],
    others: usize,
    around: Circumstances<'_>,
) -> Option<Introduction> {
    if is_configured(catalog) {
        return None;
    }
    let subject = format!("add {}", config::PATH);
    let title = match around.titles {
        Titles::Plain => format!("Add {}", config::PATH),
        Titles::Conventional => format!("chore: {subject}"),
    };
    let stacks: Vec<[String; 3]> = (0..catalog.stacks().len().min(MAX_ROWS)).map(|at| described(catalog, at)).collect();
    let text = [MAX_ROWS, 20, 8, 0].map(|rows| text(catalog, &stacks, (judged, others), around.onboarding, rows));
    let text = text.iter().find(|text| text.chars().count() <= MAX_BODY).unwrap_or(&text[3]);
    let mut commit_message = format!("{title}\n\nSourceward works here as this file says.\n\n{TRAILER}1\n");
    if let Some(who) = around.sign_off {
        let _ = writeln!(commit_message, "Signed-off-by: {who}");
    }
    Some(Introduction {
        branch: branch(around.prefix),
        body: marked(&title, text.trim_end()),
        title,
        commit_message,
        file: file(catalog, &stacks),
    })
}

/// Tells whether a commit's message is that of an introduction.
pub fn is_introducing(commit_message: &str) -> bool {
    commit_message.lines().any(|line| line.starts_with(TRAILER))
}

/// Whose the text of a pull request is.
pub fn text_of(title: &str, body: &str) -> Text {
    let mut said = body.lines().filter_map(|line| line.trim_end().strip_prefix(START)?.strip_suffix(END));
    let (Some(said), None) = (said.next(), said.next()) else { return Text::Other };
    let text: Vec<&str> = body.lines().filter(|line| !line.starts_with(START)).collect();
    if digest(title, &text.join("\n")).as_str() == said { Text::Ours } else { Text::Edited }
}

/// The comment that goes before the closing of an introduction that nobody needs any more.
pub const NEEDLESS: &str = "The configuration has come another way, so this pull request is needless. I close it.";

fn path() -> RepoPath {
    config::PATH.parse().expect("the configuration's path is a path")
}

fn marked(title: &str, text: &str) -> String {
    format!("{text}\n\n{START}{}{END}\n", digest(title, text).as_str())
}

/// Equal for what a browser makes of the same text.
fn digest(title: &str, text: &str) -> Digest {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Digest::of(format!("{}\n{}", title.trim(), lines.join("\n").trim()).as_bytes())
}

/// A stack's name, language, and what it holds or why it is passed over.
fn described(catalog: &Catalog<'_>, position: usize) -> [String; 3] {
    let stack = catalog.stack(position);
    let holds = match catalog.rendered(position) {
        Ok(rendered) => {
            let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            let broken = rendered.skipped.iter().filter(|skipped| skipped.broken).count();
            let mut holds = many(rendered.resources.len(), "resource");
            if broken > 0 {
                let first = rendered.skipped.iter().find(|skipped| skipped.broken);
                let first = first.map_or_else(String::new, |skipped| format!(": {} ({})", skipped.file, skipped.why));
                let _ = write!(holds, ", {} passed over{first}", many(broken, "place"));
            }
            if let Some(missing) = rendered.missing.first() {
                let _ = write!(holds, ", without those below {}: {}", missing.below, missing.why.message);
            }
            if let Some(why) = rendered.broken.first() {
                let _ = write!(holds, ", in part: {}", why.message);
            }
            holds
        }
        Err(refusal) => format!("skipped, {}: {}", refusal.code, refusal.message),
    };
    [&stack.name, &stack.declaration.language().to_string(), &holds].map(|text| redacted_text(text))
}

fn text(
    catalog: &Catalog<'_>,
    stacks: &[[String; 3]],
    (judged, others): (&[Answered], usize),
    onboarding: Onboarding,
    rows: usize,
) -> String {
    let meanwhile = match onboarding {
        Onboarding::Required => "Until then I only record what is reported.",
        Onboarding::Offered | Onboarding::Off => "Meanwhile I work here with my defaults.",
    };
    let closed = match onboarding {
        Onboarding::Required => "close it and I stay away, without another word",
        Onboarding::Offered | Onboarding::Off => "close it and I go on with my defaults, without another word of this",
    };
    let mut text = format!(
        "sourceward moves live fixes back into the source: when something that runs differs from what this repository \
         declares, or breaks a rule, I look for the bytes that declare it, prove by rendering that an edit changes this field \
         and nothing else, and propose that edit as a pull request. I merge nothing.\n\n\
         **Merge this** to have that here; {closed}. {meanwhile} It adds `{}`, which you may edit on this branch first.\n\n\
         ### What is deployed from here\n\n",
        config::PATH
    );
    let count = catalog.stacks().len();
    if count == 0 {
        text.push_str("No manifest, chart, kustomization or root module was found, so nothing could be edited here.\n");
    } else {
        text.push_str("| Stack | | |\n|---|---|---|\n");
        for [name, language, holds] in stacks.iter().take(rows) {
            let (name, holds) = (cell(name, MAX_NAME), cell(holds, 2 * MAX_NAME));
            let _ = writeln!(text, "| {name} | {language} | {holds} |");
        }
        more(&mut text, count, rows.min(stacks.len()));
    }
    text.push_str("\n### What I would propose now\n\n");
    let Counts { total, patched, in_sync, refused } = Counts::of(judged);
    if total + others == 0 {
        text.push_str("Nothing is reported yet.\n");
        return text;
    }
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let of = |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
    let _ = writeln!(
        text,
        "{} finding{}: {patched} would be proposed{}{}{}.\n",
        total + others,
        s(total + others),
        of(in_sync, "settled by the source already"),
        of(refused, "refused"),
        of(others, "not judged yet"),
    );
    if total > 0 && rows > 0 {
        text.push_str(TABLE);
        judged.iter().take(rows).for_each(|answer| text.push_str(&row(answer)));
        let refusals: Vec<String> = judged.iter().take(rows).filter_map(refusal).collect();
        if !refusals.is_empty() {
            let _ = write!(text, "\n{}", refusals.concat());
        }
    }
    more(&mut text, total, rows);
    text
}

fn more(text: &mut String, count: usize, shown: usize) {
    if let Some(more) = count.checked_sub(shown).filter(|more| *more > 0) {
        let _ = writeln!(text, "\n*and {more} more*");
    }
}

/// The configuration: nothing but its version, so that stacks go on being discovered, with what was found as a comment.
fn file(catalog: &Catalog<'_>, stacks: &[[String; 3]]) -> String {
    let mut text = "# How sourceward works in this repository; it is read from the default branch alone.\n\
                    # `sourceward config schema` says what may stand here.\n\
                    version: 1\n"
        .to_owned();
    if stacks.is_empty() {
        return text;
    }
    text.push_str("\n# No stacks are named, so they are discovered. These were found when this file was proposed:\n");
    for [name, language, _] in stacks {
        let name: String = visible(name, false).chars().take(MAX_NAME).collect();
        let _ = writeln!(text, "#   {name} ({language})");
    }
    if let Some(more) = catalog.stacks().len().checked_sub(stacks.len()).filter(|more| *more > 0) {
        let _ = writeln!(text, "#   and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source::tree::MemoryTree, stack::config::Config};

    const AROUND: Circumstances<'_> = Circumstances {
        prefix: "sourceward/",
        titles: Titles::Plain,
        sign_off: None,
        onboarding: Onboarding::Required,
    };

    fn of(files: &[(&str, &str)]) -> Option<Introduction> {
        let path = |path: &str| path.parse::<RepoPath>().expect(path);
        let tree = MemoryTree::of(files.iter().map(|(name, text)| (path(name), text.as_bytes())));
        introduction(&Catalog::of(&tree).expect("a catalog"), &[], 0, AROUND)
    }

    #[test]
    fn the_file_is_a_configuration_whatever_the_stacks_are_called() {
        let object = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n";
        for folder in ["k8s", "a: b\u{2028}c", "x #y", "- z", "`@all` <b>"] {
            let made = of(&[(&format!("{folder}/x.yaml"), object)]).expect("an introduction");
            let config = Config::read(made.file()).expect("a configuration");
            assert_eq!((config.version, config.stacks.len()), (1, 0), "{}", made.file());
            assert_eq!(made.file().lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count(), 1);
            assert!(!made.body().contains("<b>") || made.body().contains("`` `@all` <b> ``"), "{}", made.body());
        }
    }

    #[test]
    fn where_a_configuration_is_there_is_no_introduction() {
        assert_eq!(of(&[(config::PATH, "version: 1\n")]), None);
        let made = of(&[]).expect("an introduction");
        assert_eq!((made.branch().as_str(), made.path().as_str()), ("sourceward/onboarding", config::PATH));
        assert!(made.body().contains("Nothing is reported yet"), "{}", made.body());
    }

    #[test]
    fn a_persons_edit_of_the_text_is_noticed() {
        let made = of(&[]).expect("an introduction");
        let (title, body) = (made.title(), made.body());
        let by_browser = body.replace('\n', "\r\n");
        for (title, body, expected) in [
            (title, body, Text::Ours),
            (title, &by_browser, Text::Ours),
            ("Another", body, Text::Edited),
            (title, &body.replace("I merge nothing", "I merge all"), Text::Edited),
            (title, "hello", Text::Other),
            (title, &format!("{body}{body}"), Text::Other),
        ] {
            assert_eq!(text_of(title, body), expected, "{body}");
        }
    }

    #[test]
    fn a_large_repository_has_an_introduction_that_fits() {
        let object = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n";
        let files: Vec<(String, &str)> =
            (0..300).map(|at| (format!("{}{at}/x.yaml", "long".repeat(60)), object)).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let made = of(&files).expect("an introduction");
        assert!(made.body().chars().count() <= MAX_BODY + 200, "{}", made.body().len());
        assert!(made.body().contains("more*") && made.file().contains("more\n"));
    }
}
