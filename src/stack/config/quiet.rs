//! Quiet hours: windows of the week in which nothing new is opened, so that nobody finds ten pull requests at midnight.
//!
//! They are in UTC and nothing else: a time zone changes its offset twice a year, and with it the meaning of a window that
//! nobody has touched.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;

/// The names of days, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A window of the week in UTC: `22:00-06:00` every day, `fri 18:00-23:59`, `sat-sun` the whole day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Window {
    /// The days on which it begins, from 0 for Monday, both included; the first may be behind the last.
    days: (usize, usize),
    /// When it begins and ends, in minutes of the day; an end that is not behind the beginning is of the next day.
    from: i64,
    to: i64,
}

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no window of quiet hours: expected \"22:00-06:00\", \"fri 18:00-24:00\" or \"sat-sun\", in UTC")]
pub struct WindowError(String);

impl Window {
    /// When the window that holds a time (unix milliseconds) ends; absent where the time lies outside.
    pub fn ends(&self, now: i64) -> Option<i64> {
        // 1970-01-01 was a Thursday.
        let minutes = now.div_euclid(MINUTE) + 3 * DAY;
        let (week, minute) = (minutes.div_euclid(WEEK), minutes.rem_euclid(WEEK));
        let length = if self.to > self.from { self.to - self.from } else { self.to + DAY - self.from };
        let days = (0..7).filter(|day| self.on(*day));
        // A window of the week's last evening reaches into the next one.
        let begins = days.flat_map(|day| [day as i64 * DAY + self.from, day as i64 * DAY + self.from - WEEK]);
        let ends =
            begins.filter(|begin| (*begin..begin + length).contains(&minute)).map(|begin| begin + length).max()?;
        Some((week * WEEK + ends - 3 * DAY) * MINUTE)
    }

    fn on(&self, day: usize) -> bool {
        let (first, last) = self.days;
        if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
    }
}

/// When quiet hours that hold a time (unix milliseconds) end, windows that follow one another taken together; absent where
/// it is not quiet.
pub fn quiet_until(windows: &[Window], now: i64) -> Option<i64> {
    let mut until = None;
    // Windows that cover the whole week would follow each other for ever.
    for _ in 0..=2 * windows.len() {
        let at = until.unwrap_or(now);
        match windows.iter().filter_map(|window| window.ends(at)).max() {
            Some(end) => until = Some(end),
            None => break,
        }
    }
    until
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let window = || {
            let lower = text.trim().to_ascii_lowercase();
            let (days, hours) = match lower.split_once(' ') {
                Some((days, hours)) => (Some(days), Some(hours.trim())),
                None if lower.starts_with(|c: char| c.is_ascii_digit()) => (None, Some(lower.as_str())),
                None => (Some(lower.as_str()), None),
            };
            let day = |name: &str| DAYS.iter().position(|day| *day == name);
            let days = match days.map(|days| days.split_once('-').unwrap_or((days, days))) {
                Some((first, last)) => (day(first)?, day(last)?),
                None => (0, 6),
            };
            let (from, to) = match hours {
                Some(hours) => hours.split_once('-').map(|(from, to)| Some((minute(from)?, minute(to)?)))??,
                None => (0, DAY),
            };
            (from < DAY && from != to).then_some(Self { days, from, to })
        };
        window().ok_or_else(|| WindowError(text.chars().take(60).collect()))
    }
}

/// `06:30` in minutes; `24:00` is the end of the day.
fn minute(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten().map(i64::from);
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.days;
        let time = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{}-{} {}-{}", DAYS[first], DAYS[last], time(self.from), time(self.to))
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes since Monday 2026-11-16 00:00 UTC, in unix milliseconds.
    fn at(day: i64, hour: i64, minute: i64) -> i64 {
        1_794_787_200_000 + (day * DAY + hour * 60 + minute) * MINUTE
    }

    #[test]
    fn windows_hold_what_they_say() {
        let cases: &[(&[&str], i64, Option<i64>)] = &[
            (&["22:00-06:00"], at(2, 23, 0), Some(at(3, 6, 0))),
            (&["22:00-06:00"], at(2, 5, 59), Some(at(2, 6, 0))),
            (&["22:00-06:00"], at(2, 6, 0), None),
            (&["22:00-06:00"], at(0, 1, 0), Some(at(0, 6, 0))),
            (&["fri 18:00-24:00"], at(4, 18, 0), Some(at(5, 0, 0))),
            (&["fri 18:00-24:00"], at(3, 18, 0), None),
            (&["sat-sun"], at(6, 23, 59), Some(at(7, 0, 0))),
            (&["sat-sun"], at(5, 0, 0), Some(at(6, 0, 0)).map(|_| at(7, 0, 0))),
            (&["sat-mon 20:00-08:00"], at(7, 21, 0), Some(at(8, 8, 0))),
            (&["mon 00:00-24:00", "tue 00:00-08:00"], at(0, 3, 0), Some(at(1, 8, 0))),
            (&[], at(0, 3, 0), None),
        ];
        for (windows, now, expected) in cases {
            let parsed: Vec<Window> = windows.iter().map(|text| text.parse().expect("a window")).collect();
            assert_eq!(quiet_until(&parsed, *now), *expected, "{windows:?} at {now}");
            for window in parsed {
                assert_eq!(window.to_string().parse(), Ok(window));
            }
        }
        let always: Window = "mon-sun".parse().expect("a window");
        assert!(quiet_until(&[always], at(0, 0, 0)).is_some_and(|until| until > at(1, 0, 0)), "it ends all the same");
        for bad in [
            "",
            "22-06",
            "22:00",
            "25:00-06:00",
            "noon",
            "fri 6:00-7:00",
            "06:00-06:00",
            "22:00-06:00 CET",
            "24:00-01:00",
        ] {
            assert!(bad.parse::<Window>().is_err(), "{bad}");
        }
    }
}
