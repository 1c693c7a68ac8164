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
    Either(Vec<Vec<Part>>),
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
                    while self.next()? == ',' {
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
