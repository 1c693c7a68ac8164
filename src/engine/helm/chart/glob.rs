//! Patterns of `.Files.Glob`, as the Go package `gobwas/glob` reads them with `/` as separator.
//!
//! `*` and `?` stop at a slash, `**` does not; `[abc]`, `[!a-z]` and `{one,two*}` may be anywhere. A pattern that cannot be
//! read matches everything, since helm then compiles `**` instead.

/// A compiled pattern.
#[derive(Debug)]
pub struct Glob(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(Vec<char>),
    One,
    Any,
    Everything,
    Set { negated: bool, chars: Vec<char> },
    Range { negated: bool, low: char, high: char },
    Either(Vec<Vec<Self>>),
}

/// The deepest nesting of `{}`.
const MAX_NESTING: usize = 32;

impl Glob {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Self {
        let mut reader = Reader { chars: pattern.chars().collect(), at: 0 };
        match reader.parts(0) {
            Some(parts) if reader.at == reader.chars.len() => Self(parts),
            _ => Self(vec![Part::Everything]),
        }
    }

    /// Tells whether a whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let mut starts = vec![false; name.len() + 1];
        starts[0] = true;
        ends(&self.0, &name, starts)[name.len()]
    }
}

/// Where parts may end that may start at some places of a name.
fn ends(parts: &[Part], name: &[char], mut starts: Vec<bool>) -> Vec<bool> {
    for part in parts {
        let mut next = vec![false; name.len() + 1];
        if let Part::Either(alternatives) = part {
            for alternative in alternatives {
                let ends = ends(alternative, name, starts.clone());
                next.iter_mut().zip(ends).for_each(|(next, end)| *next |= end);
            }
            starts = next;
            continue;
        }
        let mut reach = 0;
        for at in (0..=name.len()).filter(|at| starts[*at]) {
            let one = |fits: bool| if fits { Some(at + 1) } else { None };
            let end = match part {
                Part::Text(text) => name[at..].starts_with(text).then_some(at + text.len()),
                Part::One => one(name.get(at).is_some_and(|c| *c != '/')),
                Part::Set { negated, chars } => one(name.get(at).is_some_and(|c| chars.contains(c) != *negated)),
                Part::Range { negated, low, high } => {
                    one(name.get(at).is_some_and(|c| (low..=high).contains(&c) != *negated))
                }
                Part::Any | Part::Everything => {
                    let stop = |c: &char| *c == '/' && matches!(part, Part::Any);
                    let end = name[at..].iter().position(stop).map_or(name.len(), |slash| at + slash);
                    // What an earlier start has reached already need not be marked again.
                    next[at.max(reach)..=end.max(at)].fill(true);
                    reach = end;
                    None
                }
                Part::Either(_) => None,
            };
            if let Some(end) = end {
                next[end] = true;
            }
        }
        starts = next;
    }
    starts
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    /// Parts up to the end, or up to `,` or `}` inside of braces, which is not taken.
    fn parts(&mut self, depth: usize) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        while let Some(c) = self.chars.get(self.at).copied() {
            match c {
                ',' | '}' if depth > 0 => break,
                '{' => {
                    self.at += 1;
                    if depth >= MAX_NESTING {
                        return None;
                    }
                    let mut alternatives = vec![self.parts(depth + 1)?];
                    // What is not closed is closed at the end.
                    while self.next() == Some(',') {
                        alternatives.push(self.parts(depth + 1)?);
                    }
                    parts.push(Part::Either(alternatives));
                }
                '[' => {
                    self.at += 1;
                    parts.push(self.set()?);
                }
                '?' => {
                    self.at += 1;
                    parts.push(Part::One);
                }
                '*' => {
                    self.at += 1;
                    let two = self.chars.get(self.at) == Some(&'*');
                    self.at += usize::from(two);
                    parts.push(if two { Part::Everything } else { Part::Any });
                }
                _ => parts.push(Part::Text(self.text(if depth > 0 { "?*[{}," } else { "?*[{" }))),
            }
        }
        Some(parts)
    }

    /// Text up to a breaker; a backslash takes the next character as it is.
    fn text(&mut self, breakers: &str) -> Vec<char> {
        let mut text = Vec::new();
        while let Some(c) = self.chars.get(self.at).copied().filter(|c| !breakers.contains(*c)) {
            self.at += 1;
            text.extend(if c == '\\' { self.next() } else { Some(c) });
        }
        text
    }

    /// Behind `[`: `!` and either `a-z` or characters, then `]`.
    fn set(&mut self) -> Option<Part> {
        let negated = self.chars.get(self.at) == Some(&'!');
        self.at += usize::from(negated);
        let part = if self.chars.get(self.at + 1) == Some(&'-') {
            let low = self.next()?;
            self.at += 1;
            let high = self.next()?;
            if high < low {
                return None;
            }
            Part::Range { negated, low, high }
        } else {
            let chars = self.text("]");
            if chars.is_empty() {
                return None;
            }
            Part::Set { negated, chars }
        };
        (self.next()? == ']').then_some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_helm() {
        let names = ["a-b.txt", "f/a,b", "f/a.txt", "f/b.json", "f/g/c.txt", "x.md"];
        let cases: &[(&str, &[&str])] = &[
            ("*", &["a-b.txt", "x.md"]),
            ("**", &names),
            ("***", &names),
            ("f/*", &["f/a,b", "f/a.txt", "f/b.json"]),
            ("f/**", &["f/a,b", "f/a.txt", "f/b.json", "f/g/c.txt"]),
            ("f**", &["f/a,b", "f/a.txt", "f/b.json", "f/g/c.txt"]),
            ("f/*.txt", &["f/a.txt"]),
            ("**.txt", &["a-b.txt", "f/a.txt", "f/g/c.txt"]),
            ("**/*.txt", &["f/a.txt", "f/g/c.txt"]),
            ("*/*.txt", &["f/a.txt"]),
            ("f/[ab].*", &["f/a.txt", "f/b.json"]),
            ("f/[!a].*", &["f/b.json"]),
            ("f/[a-b].*", &["f/a.txt", "f/b.json"]),
            ("f/[!a-b]*", &[]),
            ("{x,f/a}*", &["f/a,b", "f/a.txt", "x.md"]),
            ("f/{a,b}.{txt,json}", &["f/a.txt", "f/b.json"]),
            ("f/?.txt", &["f/a.txt"]),
            ("f?a.txt", &[]),
            ("f/[", &names),
            ("f/[]", &names),
            ("f/[b-a]*", &names),
            ("{x.md", &["x.md"]),
            ("a-b.txt", &["a-b.txt"]),
            ("", &[]),
            ("f/g", &[]),
            ("f/a\\,b", &["f/a,b"]),
            ("f/a,b", &["f/a,b"]),
            ("f/{a\\,b,c}", &["f/a,b"]),
            ("*.md}", &[]),
            ("f/**c.txt", &["f/g/c.txt"]),
            ("f[/]a.txt", &["f/a.txt"]),
            ("[a-b]-b.txt", &["a-b.txt"]),
            ("{f/g/c,}*", &["a-b.txt", "f/g/c.txt", "x.md"]),
            ("{f/{a,g/c}.txt,x.md}", &["f/a.txt", "f/g/c.txt", "x.md"]),
            ("a[-]b.txt", &["a-b.txt"]),
            ("*c.txt", &[]),
        ];
        for (pattern, expected) in cases {
            let glob = Glob::new(pattern);
            let found: Vec<_> = names.into_iter().filter(|name| glob.matches(name)).collect();
            assert_eq!(found, *expected, "{pattern:?}");
        }
    }

    #[test]
    fn hostile_patterns_are_not_slow() {
        assert!(!Glob::new(&"{*a,**a}".repeat(200)).matches(&"a".repeat(100)));
        assert!(Glob::new(&"{".repeat(10_000)).matches("x"));
    }
}
