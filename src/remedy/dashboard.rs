//! The drift dashboard: one issue of a repository that says all that the pull requests do not.
//!
//! What is written depends on nothing but the cases, so that the same cases give the same text and nothing is sent when
//! nothing changed. People act by ticking boxes: we write every box empty, so a ticked one in an edited text is theirs.

use std::{collections::BTreeMap, fmt::Write};

use super::markdown::code;
use crate::model::fingerprint::Fingerprint;

/// The title of the issue.
pub const TITLE: &str = "Drift dashboard";

/// By which the issue is known again.
pub const MARKER: &str = "<!-- sourceward-dashboard -->";

/// The bytes of the text. GitHub takes 65,536.
pub const MAX_BODY: usize = 65_536;

/// The room for the tail of a text that was too long.
const TAIL: usize = 600;

/// The characters of a name, and of a reason.
const MAX_NAME: usize = 120;
const MAX_REASON: usize = 240;

/// How a box begins that names what it is for.
const BOX: &str = "<!-- sourceward-box:";

/// One line of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// In which section.
    pub section: Section,
    /// What it is about: a resource and its field, or a cause; foreign text.
    pub what: String,
    /// Why it stands there, in our words or a refusal's; may quote foreign text.
    pub why: Option<String>,
    /// Its pull request.
    pub number: Option<u64>,
    /// What a person can do about it.
    pub act: Option<Act>,
}

/// A section, in their order on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// It has an open pull request.
    Open,
    /// Many of one kind, which are not opened by themselves.
    Storm,
    /// It waits for its turn, or for another try.
    Waiting,
    /// Nothing can be proposed.
    Refused,
    /// It has failed too often.
    GivenUp,
    /// A person wants to hear no more of it, closed its pull request or took it over.
    Ignored,
}

/// What ticking a box does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Judges it again.
    Retry(Fingerprint),
    /// Opens it now, before its turn.
    OpenNow(Fingerprint),
    /// Hears no more of it.
    Ignore(Fingerprint),
    /// Hears of it again.
    Unignore(Fingerprint),
    /// Opens all of one cause, as far as the limits allow, by the digits of the cause's digest.
    OpenStorm(String),
}

impl Section {
    fn heading(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Storm => "Many of one kind",
            Self::Waiting => "Waiting",
            Self::Refused => "Refused",
            Self::GivenUp => "Given up",
            Self::Ignored => "Ignored",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Open => "These have a pull request. Tick a box to close it and hear no more of the finding.",
            Self::Storm => {
                "Too many findings have this cause to open a pull request for each. Tick a box to have them \
                            opened all the same, as the limits allow."
            }
            Self::Waiting => "These will be proposed by themselves. Tick a box to have one opened now.",
            Self::Refused => "For these nothing can be proposed. Tick a box to have one judged again.",
            Self::GivenUp => "These failed too often to be tried again by themselves. Tick a box to try again.",
            Self::Ignored => "These are left alone. Tick a box to take one up again.",
        }
    }
}

impl Act {
    fn words(&self) -> &'static str {
        match self {
            Self::Retry(_) => "retry",
            Self::OpenNow(_) | Self::OpenStorm(_) => "open now",
            Self::Ignore(_) => "ignore",
            Self::Unignore(_) => "take up again",
        }
    }

    fn key(&self) -> String {
        match self {
            Self::Retry(case) => format!("retry {case}"),
            Self::OpenNow(case) => format!("open {case}"),
            Self::Ignore(case) => format!("ignore {case}"),
            Self::Unignore(case) => format!("unignore {case}"),
            Self::OpenStorm(cause) => format!("storm {cause}"),
        }
    }

    fn read(key: &str) -> Option<Self> {
        let (word, of) = key.split_once(' ')?;
        let case = || Fingerprint::parse(of);
        match word {
            "retry" => case().map(Self::Retry),
            "open" => case().map(Self::OpenNow),
            "ignore" => case().map(Self::Ignore),
            "unignore" => case().map(Self::Unignore),
            "storm" => Fingerprint::parse(of).map(|cause| Self::OpenStorm(cause.to_string())),
            _ => None,
        }
    }
}

/// The text of the dashboard; `totals` says how many there are of a section where more are known than are given.
pub fn body(entries: &[Entry], totals: &BTreeMap<Section, usize>) -> String {
    let head = format!(
        "{MARKER}\nsourceward moves live fixes back into the source of this repository. This issue says where it stands; \
         the boxes work for everybody who may write here. Closing it does no harm, and it is rewritten when something \
         changes.\n"
    );
    let mut sections: BTreeMap<Section, Vec<String>> = BTreeMap::new();
    for entry in entries {
        sections.entry(entry.section).or_default().push(line(entry));
    }
    let total = |section: Section, shown: usize| totals.get(&section).copied().unwrap_or(0).max(shown);
    let mut text = head;
    if sections.is_empty() {
        text.push_str("\nNothing is open, waiting, refused or ignored: the source is what runs.\n");
    }
    // Every section gets its share, so that a thousand refusals do not hide what waits.
    let count = sections.len().max(1);
    let headings: usize = sections.keys().map(|one| one.heading().len() + one.about().len() + 40).sum();
    let share = MAX_BODY.saturating_sub(text.len() + headings + TAIL) / count;
    let mut left_out = 0;
    for (section, lines) in &sections {
        let all = total(*section, lines.len());
        let _ = write!(text, "\n## {} ({all})\n\n{}\n\n", section.heading(), section.about());
        let (mut used, mut shown) = (0, 0);
        for line in lines {
            if used + line.len() > share {
                break;
            }
            used += line.len();
            shown += 1;
            text.push_str(line);
        }
        if all > shown {
            left_out += all - shown;
            let _ = write!(text, "\n*and {} more*\n", all - shown);
        }
    }
    if left_out > 0 {
        let _ = write!(
            text,
            "\n---\n\n{left_out} findings are not listed, because an issue holds no more text. `sourceward findings list` \
             on the server lists all of them.\n"
        );
    }
    debug_assert!(text.len() <= MAX_BODY);
    text
}

fn line(entry: &Entry) -> String {
    let what = code(&entry.what, MAX_NAME);
    let number = entry.number.map(|number| format!(" in #{number}")).unwrap_or_default();
    let why = entry.why.as_ref().map(|why| format!(": {}", code(why, MAX_REASON))).unwrap_or_default();
    match &entry.act {
        Some(act) => format!("- [ ] {BOX}{} -->**{}** {what}{number}{why}\n", act.key(), act.words()),
        None => format!("- {what}{number}{why}\n"),
    }
}

/// What people ticked in a text of the dashboard, each once.
pub fn ticked(body: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    for line in body.lines() {
        let Some(rest) = ["- [x] ", "- [X] "].into_iter().find_map(|tick| line.strip_prefix(tick)) else { continue };
        let key = rest.strip_prefix(BOX).and_then(|rest| rest.split_once(" -->")).map(|(key, _)| key);
        if let Some(act) = key.and_then(Act::read).filter(|act| !acts.contains(act)) {
            acts.push(act);
        }
    }
    acts
}

/// Tells whether a text is that of a dashboard.
pub fn is_dashboard(body: &str) -> bool {
    body.starts_with(MARKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(digit: char) -> Fingerprint {
        Fingerprint::parse(&digit.to_string().repeat(64)).expect("digits")
    }

    fn entry(section: Section, what: &str, act: Option<Act>) -> Entry {
        Entry { section, what: what.to_owned(), why: None, number: None, act }
    }

    #[test]
    fn ticks_of_people_are_read_and_nothing_else() {
        let entries = [
            entry(Section::Open, "a", Some(Act::Ignore(case('a')))),
            entry(Section::Waiting, "b", Some(Act::OpenNow(case('b')))),
            entry(Section::Refused, "c", Some(Act::Retry(case('c')))),
            entry(Section::Ignored, "d", Some(Act::Unignore(case('d')))),
            entry(Section::Storm, "e", Some(Act::OpenStorm("e".repeat(64)))),
        ];
        let text = body(&entries, &BTreeMap::new());
        assert!(is_dashboard(&text));
        assert_eq!(ticked(&text), []);
        let all = ticked(&text.replace("- [ ] ", "- [x] ").replace('\n', "\r\n"));
        let expected: Vec<Act> = [0, 4, 1, 2, 3].iter().filter_map(|at| entries[*at].act.clone()).collect();
        assert_eq!(all, expected);
        for strange in
            ["- [x] words", "- [x] <!-- sourceward-box:delete all -->", "- [x] <!-- sourceward-box:retry x -->"]
        {
            assert_eq!(ticked(strange), [], "{strange}");
        }
    }

    #[test]
    fn it_fits_however_much_there_is() {
        let hostile = "@all [x](y) <b> `` ` -->\n- [x] <!-- sourceward-box:retry";
        let mut entries: Vec<Entry> =
            (0..3_000).map(|_| entry(Section::Refused, hostile, Some(Act::Retry(case('c'))))).collect();
        entries.push(entry(Section::Waiting, "the only one", Some(Act::OpenNow(case('b')))));
        let text = body(&entries, &BTreeMap::from([(Section::Refused, 10_000)]));
        assert!(text.len() <= MAX_BODY && text.len() > MAX_BODY / 3, "{}", text.len());
        assert!(
            text.contains("## Refused (10000)") && text.contains("the only one") && text.contains("are not listed")
        );
        assert_eq!(ticked(&text), [], "foreign text ticks no box");
        assert_eq!(body(&[], &BTreeMap::new()).lines().count(), 4);
    }
}
