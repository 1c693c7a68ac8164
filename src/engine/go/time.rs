//! A moment on the calendar: Go's `time.Time` without zones that have rules.
//!
//! What Go calls the local zone is UTC here: rendering must not depend on where it runs.

use std::rc::Rc;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The seconds from year 1 to 1970: Go's zero time lies so far before the epoch.
pub const ZERO: i64 = -62_135_596_800;

/// A moment and the zone that it is told in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
    /// The zone.
    pub zone: Zone,
}

/// A zone of one offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name; empty for a bare offset.
    pub name: Rc<str>,
    /// Seconds east of UTC.
    pub offset: i64,
}

/// The English month names.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The English names of the days, Sunday first.
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// The month, from 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// The day of the year, from 1.
    pub day_of_year: i64,
    /// The day of the week, from 0 for Sunday.
    pub weekday: i64,
    /// The hour.
    pub hour: i64,
    /// The minute.
    pub minute: i64,
    /// The second.
    pub second: i64,
}

impl Zone {
    /// UTC, which is also the local zone.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), offset: 0 }
    }
}

impl Moment {
    /// A moment in UTC.
    pub fn utc(seconds: i64, nanoseconds: u32) -> Self {
        Self { seconds, nanoseconds, zone: Zone::utc() }
    }

    /// The moment that a date and time name in a zone; months and days may lie outside of their range.
    pub fn of(year: i64, month: i64, day: i64, time_of_day: i64, nanoseconds: u32, zone: Zone) -> Self {
        let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
        let days = days_from_civil(year, month) + day - 1;
        Self { seconds: days * DAY + time_of_day - zone.offset, nanoseconds, zone }
    }

    /// The same moment in UTC.
    pub fn in_utc(&self) -> Self {
        Self { zone: Zone::utc(), ..self.clone() }
    }

    /// The date and time in the zone.
    pub fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.zone.offset);
        let (days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            day_of_year: days - days_from_civil(year, 1) + 1,
            // 1970 began on a Thursday.
            weekday: (days + 4).rem_euclid(7),
            hour: time / 3_600,
            minute: time / 60 % 60,
            second: time % 60,
        }
    }

    /// The moment so many nanoseconds later.
    pub fn plus(&self, nanoseconds: i64) -> Self {
        let sum = i64::from(self.nanoseconds) + nanoseconds % 1_000_000_000;
        let seconds = self.seconds.saturating_add(nanoseconds / 1_000_000_000 + sum.div_euclid(1_000_000_000));
        Self { seconds, nanoseconds: sum.rem_euclid(1_000_000_000) as u32, zone: self.zone.clone() }
    }

    /// The nanoseconds since another moment, as far as they fit.
    pub fn since(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanoseconds = seconds * 1_000_000_000 + i128::from(self.nanoseconds) - i128::from(other.nanoseconds);
        nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

/// Whether a year has a 29th of February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The days of a month.
pub fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970 to the first of a month, in the proleptic Gregorian calendar: years begin in March, so that the leap
/// day is the last one.
fn days_from_civil(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A text in quotes, as the messages of Go's `time` have it.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' | '\u{7f}' => quoted.push(character),
            _ => {
                let mut buffer = [0; 4];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    quoted.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    quoted.push('"');
    quoted
}
