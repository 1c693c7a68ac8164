//! Whose turn it is: how many pull requests a repository and an installation bear at once and in an hour.
//!
//! Limits hold back what is new. What is open is updated and closed whatever they say, else it would go stale.

use crate::stack::config::quiet::{Window, quiet_until};

/// One hour in milliseconds: the time over which openings are counted.
pub const HOUR: i64 = 60 * 60 * 1000;

/// How long a case waits for a free place when nothing tells when there will be one. A closing or a merge tells earlier.
const LOOK_AGAIN: i64 = HOUR;

/// How many pull requests people want to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open ones of a repository.
    pub open: usize,
    /// Openings in a repository within an hour.
    pub hourly: usize,
    /// Openings in all repositories of an installation within an hour.
    pub hourly_of_all: usize,
    /// When nothing is opened.
    pub quiet: Vec<Window>,
}

/// What there is already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Pull requests of ours that are open in the repository.
    pub open: usize,
    /// When those of the last hour were opened there, in unix milliseconds.
    pub opened: Vec<i64>,
    /// The same of all repositories of the installation.
    pub opened_of_all: Vec<i64>,
}

/// Whether a new pull request may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may. It counts from now on.
    Now,
    /// Not before a time, in unix milliseconds: the case waits, is shown on the dashboard, and is tried by itself then.
    Later(i64, Why),
}

/// What a case waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is quiet.
    Quiet,
    /// Others have to be merged or closed first.
    Open,
    /// The repository had its pull requests of this hour.
    Hourly,
    /// The installation had its pull requests of this hour.
    HourlyOfAll,
}

impl Why {
    /// What is waited for, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet hours",
            Self::Open => "as many pull requests are open as the limit allows: merge or close one",
            Self::Hourly => "as many pull requests were opened in this hour as the limit allows",
            Self::HourlyOfAll => {
                "as many pull requests were opened in all repositories in this hour as the limit allows"
            }
        }
    }
}

impl Standing {
    /// Decides about the next one; one that may be opened is counted.
    pub fn next(&mut self, limits: &Limits, now: i64) -> Turn {
        if let Some(until) = quiet_until(&limits.quiet, now) {
            return Turn::Later(until, Why::Quiet);
        }
        if self.open >= limits.open {
            return Turn::Later(now + LOOK_AGAIN, Why::Open);
        }
        for (opened, limit, why) in
            [(&self.opened, limits.hourly, Why::Hourly), (&self.opened_of_all, limits.hourly_of_all, Why::HourlyOfAll)]
        {
            if let Some(free) = free_at(opened, limit, now) {
                return Turn::Later(free, why);
            }
        }
        self.open += 1;
        self.opened.push(now);
        self.opened_of_all.push(now);
        Turn::Now
    }
}

/// When fewer than `limit` of these times are within the hour; absent where they are.
fn free_at(times: &[i64], limit: usize, now: i64) -> Option<i64> {
    let mut recent: Vec<i64> = times.iter().copied().filter(|at| *at > now - HOUR).collect();
    recent.sort_unstable();
    let over = (recent.len() + 1).checked_sub(limit.max(1)).filter(|over| *over > 0)?;
    recent.get(over - 1).map(|at| at + HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_limit_that_is_reached_says_when() {
        let limits =
            Limits { open: 3, hourly: 2, hourly_of_all: 3, quiet: vec!["00:00-01:00".parse().expect("hours")] };
        let noon = 12 * HOUR;
        let of = |open: usize, opened: &[i64], all: &[i64]| Standing {
            open,
            opened: opened.to_vec(),
            opened_of_all: all.to_vec(),
        };
        for (standing, now, expected) in [
            (of(0, &[], &[]), noon, Turn::Now),
            (of(0, &[], &[]), HOUR / 2, Turn::Later(HOUR, Why::Quiet)),
            (of(3, &[], &[]), noon, Turn::Later(noon + HOUR, Why::Open)),
            (of(2, &[noon - 5, noon - 3], &[]), noon, Turn::Later(noon - 5 + HOUR, Why::Hourly)),
            (of(2, &[noon - HOUR, noon - 3], &[]), noon, Turn::Now),
            (of(0, &[], &[noon - 9, noon - 8, noon - 7]), noon, Turn::Later(noon - 9 + HOUR, Why::HourlyOfAll)),
        ] {
            assert_eq!(standing.clone().next(&limits, now), expected, "{standing:?}");
        }
        let mut standing = of(0, &[], &[]);
        let turns: Vec<bool> = (0..4).map(|_| standing.next(&limits, noon) == Turn::Now).collect();
        assert_eq!(turns, [true, true, false, false], "what is opened counts");
    }
}
