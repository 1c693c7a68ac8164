//! What people can tell sourceward in a comment.
//!
//! A command is a line that begins with `/sourceward`. Nothing else of a comment is read: neither quoted lines, which begin
//! with `>`, nor what stands in a fenced block, where examples stand.

use std::fmt;

/// How a line begins that is meant for us.
pub const START: &str = "/sourceward";

/// The most commands of one comment that are heard.
const MAX_COMMANDS: usize = 5;

/// The bytes of a line that are read.
const MAX_LINE: usize = 120;

/// The longest that something can be ignored for by a number: two years. For good needs no number.
const MAX_DAYS: i64 = 730;

const MINUTE: i64 = 60 * 1000;

/// Something that a person wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make the branch anew on the present base, with the edit proved there. A person's commits stay: then it is refused.
    Rebase,
    /// Make branch and text anew whatever people did to them, and open the pull request again if it was closed.
    Recreate,
    /// Close the pull request and hear no more of the finding, for so many milliseconds or for good.
    Ignore(Option<i64>),
    /// Say why this edit and no other.
    Explain,
    /// Take the running value over into the source after all: takes back `revert`, `ignore` and a closing.
    Adopt,
    /// The source is right: close, and propose the running value no more until it changes.
    Revert,
    /// Judge the finding again now.
    Retry,
}

/// Why a line that is meant for us is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such word.
    #[error("I do not know that command. I know: {}", WORDS.join(", "))]
    Unknown,
    /// The time cannot be read.
    #[error(
        "I do not understand for how long: expected for example `ignore for 7d`, `for 12h` or `for 2w`, at most 730d"
    )]
    Time,
    /// More follows than the command takes.
    #[error("{0} takes nothing more on its line")]
    Excess(&'static str),
}

const WORDS: [&str; 7] = ["rebase", "recreate", "ignore [for 7d]", "explain", "adopt", "revert", "retry"];

impl Command {
    /// Reads one line, which begins with [`START`].
    pub fn read(line: &str) -> Result<Self, CommandError> {
        let mut words = line.split_ascii_whitespace().skip(1);
        let word = words.next().unwrap_or_default().to_ascii_lowercase();
        let rest: Vec<&str> = words.collect();
        let alone = |command: Self, name: &'static str| {
            if rest.is_empty() { Ok(command) } else { Err(CommandError::Excess(name)) }
        };
        match word.as_str() {
            "rebase" => alone(Self::Rebase, "rebase"),
            "recreate" => alone(Self::Recreate, "recreate"),
            "explain" => alone(Self::Explain, "explain"),
            "adopt" => alone(Self::Adopt, "adopt"),
            "revert" => alone(Self::Revert, "revert"),
            "retry" => alone(Self::Retry, "retry"),
            "ignore" => match rest.as_slice() {
                [] => Ok(Self::Ignore(None)),
                ["for", time] | [time] => duration(time).map(|time| Self::Ignore(Some(time))).ok_or(CommandError::Time),
                _ => Err(CommandError::Time),
            },
            _ => Err(CommandError::Unknown),
        }
    }
}

/// The lines of a comment that are meant for us, at most five.
pub fn lines(comment: &str) -> Vec<String> {
    let mut fence: Option<&str> = None;
    let mut found = Vec::new();
    for line in comment.lines() {
        let trimmed = line.trim_start_matches(' ');
        let indent = line.len() - trimmed.len();
        let ticks = ["```", "~~~"].into_iter().find(|ticks| indent < 4 && trimmed.starts_with(ticks));
        match (fence, ticks) {
            (Some(open), Some(close)) if open == close => fence = None,
            (None, Some(open)) => fence = Some(open),
            (None, None) if is_ours(line) && found.len() < MAX_COMMANDS => {
                let end =
                    line.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_LINE).last();
                found.push(line[..end.unwrap_or(0)].trim_end().to_owned());
            }
            _ => {}
        }
    }
    found
}

fn is_ours(line: &str) -> bool {
    line.strip_prefix(START).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn duration(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let minutes = match unit {
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return None,
    };
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let minutes = number.checked_mul(minutes)?;
    (number > 0 && minutes <= MAX_DAYS * 24 * 60).then_some(minutes * MINUTE)
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rebase => "rebase",
            Self::Recreate => "recreate",
            Self::Ignore(_) => "ignore",
            Self::Explain => "explain",
            Self::Adopt => "adopt",
            Self::Revert => "revert",
            Self::Retry => "retry",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_say_why_not() {
        let day = 24 * 60 * MINUTE;
        for (line, expected) in [
            ("/sourceward rebase", Ok(Command::Rebase)),
            ("/sourceward  Recreate ", Ok(Command::Recreate)),
            ("/sourceward ignore", Ok(Command::Ignore(None))),
            ("/sourceward ignore for 7d", Ok(Command::Ignore(Some(7 * day)))),
            ("/sourceward ignore 12h", Ok(Command::Ignore(Some(day / 2)))),
            ("/sourceward ignore for 2w", Ok(Command::Ignore(Some(14 * day)))),
            ("/sourceward ignore for 731d", Err(CommandError::Time)),
            ("/sourceward ignore for 9223372036854775807w", Err(CommandError::Time)),
            ("/sourceward ignore for 0d", Err(CommandError::Time)),
            ("/sourceward ignore for ever", Err(CommandError::Time)),
            ("/sourceward ignore for 7é", Err(CommandError::Time)),
            ("/sourceward explain", Ok(Command::Explain)),
            ("/sourceward adopt", Ok(Command::Adopt)),
            ("/sourceward revert", Ok(Command::Revert)),
            ("/sourceward retry", Ok(Command::Retry)),
            ("/sourceward retry please", Err(CommandError::Excess("retry"))),
            ("/sourceward merge", Err(CommandError::Unknown)),
            ("/sourceward", Err(CommandError::Unknown)),
        ] {
            assert_eq!(Command::read(line), expected, "{line}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_line_counts() {
        for (comment, expected) in [
            ("/sourceward rebase", vec!["/sourceward rebase"]),
            ("Please:\r\n/sourceward retry\r\nThanks", vec!["/sourceward retry"]),
            ("I'd say /sourceward rebase", vec![]),
            ("> /sourceward rebase", vec![]),
            (" /sourceward rebase", vec![]),
            ("/sourcewards rebase", vec![]),
            ("```\n/sourceward rebase\n```\n/sourceward retry", vec!["/sourceward retry"]),
            ("~~~\n```\n/sourceward rebase", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(lines(comment), expected, "{comment:?}");
        }
        assert_eq!(lines(&"/sourceward retry\n".repeat(90)).len(), MAX_COMMANDS);
        assert!(lines(&format!("/sourceward {}", "é".repeat(999)))[0].len() <= MAX_LINE);
    }
}
