//! `.helmignore`: which files of a chart's folder Helm does not load.
//!
//! Only the file at the root of the chart that is loaded counts, never one of a subchart's folder. The rules look like git's
//! but are helm's own: `!` ignores everything that does not match, and `**` is an error.

use crate::engine::helm::template::fault::Fault;

/// The rules of one file.
#[derive(Debug)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    folders_only: bool,
    /// Whether the pattern is held against the whole path, not the last part only.
    whole: bool,
}

impl Rules {
    /// Reads a file's rules; dot files in `templates/` are ignored always.
    ///
    /// # Errors
    /// Where helm refuses a pattern: the line, from 1, and why.
    pub fn parse(text: &str) -> Result<Self, (usize, Fault)> {
        let mut rules = Vec::new();
        for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().chain(["templates/.?*"]).enumerate()
        {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.contains("**") {
                return Err((index + 1, Fault::failed("double-star (**) syntax is not supported")));
            }
            if !is_pattern(line) {
                return Err((index + 1, Fault::failed("syntax error in pattern")));
            }
            let (negated, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
            let (folders_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
            let (rooted, line) = line.strip_prefix('/').map_or((false, line), |rest| (true, rest));
            rules.push(Rule {
                pattern: Pattern::new(line),
                negated,
                folders_only,
                whole: rooted || line.contains('/'),
            });
        }
        Ok(Self(rules))
    }

    /// Tells whether a path relative to the chart is ignored.
    pub fn ignore(&self, path: &str, is_folder: bool) -> bool {
        let last = path.rsplit('/').next().unwrap_or_default();
        self.0.iter().any(|rule| {
            let name = if rule.whole { path } else { last };
            if rule.negated {
                (rule.folders_only && !is_folder) || !rule.pattern.matches(name)
            } else {
                (!rule.folders_only || is_folder) && rule.pattern.matches(name)
            }
        })
    }
}

/// A step of Go's `path.Match`.
#[derive(Debug)]
enum Step {
    Star,
    One,
    Set { negated: bool, ranges: Vec<(char, char)> },
    Exactly(char),
}

/// A pattern of Go's `path.Match`.
#[derive(Debug)]
struct Pattern {
    /// Absent for a malformed one, which matches nothing.
    steps: Option<Vec<Step>>,
    /// What every name begins with.
    head: String,
    /// What every name ends with.
    tail: String,
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let steps = steps(pattern);
        let exactly = |step: &Step| match step {
            Step::Exactly(c) => Some(*c),
            _ => None,
        };
        let all = steps.as_deref().unwrap_or_default();
        let head = all.iter().map_while(exactly).collect();
        let mut tail: Vec<char> = all.iter().rev().map_while(exactly).collect();
        tail.reverse();
        Self { head, tail: tail.into_iter().collect(), steps }
    }

    fn matches(&self, name: &str) -> bool {
        let Some(steps) = &self.steps else { return false };
        if !name.starts_with(&self.head) || !name.ends_with(&self.tail) {
            return false;
        }
        let name: Vec<char> = name.chars().collect();
        // Where in the name the steps so far may end.
        let mut ends = vec![false; name.len() + 1];
        ends[0] = true;
        for step in steps {
            let mut next = vec![false; name.len() + 1];
            for at in (0..=name.len()).filter(|at| ends[*at]) {
                match step {
                    Step::Star => {
                        let end = name[at..].iter().position(|c| *c == '/').map_or(name.len(), |slash| at + slash);
                        next[at..=end].fill(true);
                    }
                    step => {
                        if name.get(at).is_some_and(|c| step.takes(*c)) {
                            next[at + 1] = true;
                        }
                    }
                }
            }
            ends = next;
        }
        ends[name.len()]
    }
}

fn is_pattern(pattern: &str) -> bool {
    steps(pattern).is_some()
}

fn steps(pattern: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        steps.push(match c {
            '*' => Step::Star,
            '?' => Step::One,
            '\\' => Step::Exactly(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.peek() != Some(&']') {
                    let mut one = || match chars.next()? {
                        '-' | ']' => None,
                        '\\' => chars.next(),
                        c => Some(c),
                    };
                    let low = one()?;
                    let high = if chars.next_if_eq(&'-').is_some() {
                        match chars.next()? {
                            '-' | ']' => return None,
                            '\\' => chars.next()?,
                            c => c,
                        }
                    } else {
                        low
                    };
                    ranges.push((low, high));
                }
                chars.next();
                Step::Set { negated, ranges }
            }
            c => Step::Exactly(c),
        });
    }
    Some(steps)
}

impl Step {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star => false,
            Self::One => c != '/',
            Self::Set { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
            Self::Exactly(own) => *own == c,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_ignore_as_in_helm() {
        for (rule, path, is_folder, expected) in [
            ("helm.txt", "helm.txt", false, true),
            ("helm.*", "helm.txt", false, true),
            ("helm.*", "rudder.txt", false, false),
            ("*.txt", "cargo/a.txt", false, true),
            ("cargo/*.txt", "cargo/a.txt", false, true),
            ("cargo/*.*", "cargo/a.txt", false, true),
            ("cargo/*.txt", "mast/a.txt", false, false),
            ("ru[c-e]?er.txt", "rudder.txt", false, true),
            ("templates/.?*", "templates/.dotfile", false, true),
            ("", "templates/.dotfile", false, true),
            ("", "templates/a.yaml", false, false),
            (".*", ".joonix", false, true),
            (".*", "helm.txt", false, false),
            ("cargo/", "cargo", true, true),
            ("cargo/", "cargo", false, false),
            ("cargo/", "mast", true, false),
            ("helm.txt/", "helm.txt", false, false),
            ("!helm.txt", "helm.txt", false, false),
            ("!helm.txt", "tiller.txt", false, true),
            ("!*.txt", "cargo", true, true),
            ("!cargo/", "mast", true, true),
            ("!cargo/", "cargo", false, true),
            ("/a.txt", "a.txt", false, true),
            ("/a.txt", "cargo/a.txt", false, false),
            ("/cargo/a.txt", "cargo/a.txt", false, true),
            ("# a.txt", "a.txt", false, false),
            ("  a.txt  ", "a.txt", false, true),
            ("\u{feff}a.txt", "a.txt", false, true),
            ("b\r\na.txt\r\n", "a.txt", false, true),
            ("\\*.txt", "a.txt", false, false),
            ("[^b].txt", "a.txt", false, true),
        ] {
            let rules = Rules::parse(rule).expect(rule);
            assert_eq!(rules.ignore(path, is_folder), expected, "{rule:?} {path:?}");
        }
    }

    #[test]
    fn what_helm_refuses_is_refused() {
        for rule in ["foo/**/bar", "[z-", "a[", "a[]b]", "b\\"] {
            assert_eq!(Rules::parse(&format!("x\n{rule}")).expect_err(rule).0, 2, "{rule:?}");
        }
    }
}
