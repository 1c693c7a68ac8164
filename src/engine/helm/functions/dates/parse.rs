//! Go's `time.ParseInLocation` with the local zone, which is UTC here.

use super::layout::{self, Element, OffsetForm, Padding};
use crate::engine::go::time::{DAYS, MONTHS, Moment, Zone, days_in, is_leap, quote};

/// What a text does not fit: the value is no such element, or is one that cannot be.
enum Misfit {
    Bad,
    Range(&'static str),
}

type Read<'a, T> = Result<(T, &'a [u8]), Misfit>;

/// What has been read so far.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: i64,
    /// Whether the hour is in the second half of the day.
    afternoon: Option<bool>,
    is_utc: bool,
    offset: Option<i64>,
    zone: Option<String>,
}

/// Reads a time by its layout.
///
/// # Errors
/// In Go's words.
pub fn parse(layout: &[u8], text: &[u8]) -> Result<Moment, String> {
    let mut parts = Parts::default();
    let (mut rest_of_layout, mut value) = (layout, text);
    let cannot = |value: &[u8], element: &[u8]| {
        let [text, layout, value, element] =
            [text, layout, value, element].map(|bytes| quote(&String::from_utf8_lossy(bytes)));
        format!("parsing time {text} as {layout}: cannot parse {value} as {element}")
    };
    let wrong = |message: String| format!("parsing time {}{message}", quote(&String::from_utf8_lossy(text)));
    loop {
        let found = layout::next(rest_of_layout);
        let prefix = found.map_or(rest_of_layout, |(prefix, _, _)| prefix);
        value = skipped(value, prefix).map_err(|left| cannot(left, prefix))?;
        let Some((_, element, behind)) = found else { break };
        let spelled = &rest_of_layout[prefix.len()..rest_of_layout.len() - behind.len()];
        rest_of_layout = behind;
        value = parts.read(element, value, rest_of_layout).map_err(|misfit| match misfit {
            Misfit::Bad => cannot(value, spelled),
            Misfit::Range(what) => wrong(format!(": {what} out of range")),
        })?;
    }
    if !value.is_empty() {
        return Err(wrong(format!(": extra text: {}", quote(&String::from_utf8_lossy(value)))));
    }
    parts.moment().map_err(wrong)
}

/// The value behind a part of the layout that is no element; runs of spaces are equal.
fn skipped<'a>(mut value: &'a [u8], mut prefix: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    while let Some((first, rest)) = prefix.split_first() {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            prefix = without_spaces(prefix);
            value = without_spaces(value);
        } else {
            value = value.strip_prefix(std::slice::from_ref(first)).ok_or(value)?;
            prefix = rest;
        }
    }
    Ok(value)
}

fn without_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

impl Parts {
    fn read<'a>(&mut self, element: Element, value: &'a [u8], layout: &[u8]) -> Result<&'a [u8], Misfit> {
        let in_range = |(number, rest): (i64, &'a [u8]), fits: bool, what: &'static str| {
            if fits { Ok((number, rest)) } else { Err(Misfit::Range(what)) }
        };
        let rest;
        match element {
            Element::Year { long: false } => {
                let (digits, behind) = value.split_at_checked(2).ok_or(Misfit::Bad)?;
                let year = signed(digits).ok_or(Misfit::Bad)?;
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
                rest = behind;
            }
            Element::Year { long: true } => {
                let (digits, behind) =
                    value.split_at_checked(4).filter(|_| value[0].is_ascii_digit()).ok_or(Misfit::Bad)?;
                self.year = signed(digits).ok_or(Misfit::Bad)?;
                rest = behind;
            }
            Element::MonthName { long } => {
                let (month, behind) = named(&MONTHS, value, long)?;
                self.month = Some(month + 1);
                rest = behind;
            }
            Element::Month { padded } => {
                let read = number(value, padded)?;
                let (month, behind) = in_range(read, (1..=12).contains(&read.0), "month")?;
                self.month = Some(month);
                rest = behind;
            }
            Element::DayName { long } => (_, rest) = named(&DAYS, value, long)?,
            Element::Day(padding) => {
                let value = if padding == Padding::Space { value.strip_prefix(b" ").unwrap_or(value) } else { value };
                let (day, behind) = number(value, padding == Padding::Zero)?;
                self.day = Some(day);
                rest = behind;
            }
            Element::DayOfYear(padding) => {
                let spaces = value.iter().take(2).take_while(|byte| **byte == b' ').count();
                let value = if padding == Padding::Space { &value[spaces..] } else { value };
                let digits = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
                if digits == 0 || (padding == Padding::Zero && digits != 3) {
                    return Err(Misfit::Bad);
                }
                self.day_of_year = signed(&value[..digits]);
                rest = &value[digits..];
            }
            Element::Hour => {
                let read = number(value, false)?;
                (self.hour, rest) = in_range(read, read.0 < 24, "hour")?;
            }
            Element::Hour12 { padded } => {
                let read = number(value, padded)?;
                (self.hour, rest) = in_range(read, read.0 <= 12, "hour")?;
            }
            Element::Minute { padded } => {
                let read = number(value, padded)?;
                (self.minute, rest) = in_range(read, read.0 < 60, "minute")?;
            }
            Element::Second { padded } => {
                let read = number(value, padded)?;
                let (second, behind) = in_range(read, read.0 < 60, "second")?;
                self.second = second;
                let follows = matches!(layout::next(layout), Some((_, Element::Fraction { .. }, _)));
                // A fraction that the layout does not have is taken all the same.
                rest = match behind {
                    [b'.' | b',', digit, ..] if digit.is_ascii_digit() && !follows => {
                        self.fraction(behind, fraction_len(behind))?
                    }
                    _ => behind,
                };
            }
            Element::HalfDay { upper } => {
                let (mark, behind) = value.split_at_checked(2).ok_or(Misfit::Bad)?;
                self.afternoon = Some(match (mark, upper) {
                    (b"PM", true) | (b"pm", false) => true,
                    (b"AM", true) | (b"am", false) => self.afternoon == Some(true),
                    _ => return Err(Misfit::Bad),
                });
                rest = behind;
            }
            Element::Offset { z: true, .. } if value.starts_with(b"Z") => {
                self.is_utc = true;
                rest = &value[1..];
            }
            Element::Offset { form, .. } => rest = self.offset(form, value)?,
            Element::ZoneName => match value.strip_prefix(b"UTC") {
                Some(behind) => {
                    self.is_utc = true;
                    rest = behind;
                }
                None => {
                    let len = zone_len(value).ok_or(Misfit::Bad)?;
                    self.zone = Some(String::from_utf8_lossy(&value[..len]).into_owned());
                    rest = &value[len..];
                }
            },
            Element::Fraction { digits, exact: true, .. } => {
                if value.len() < 1 + digits {
                    return Err(Misfit::Bad);
                }
                rest = self.fraction(value, 1 + digits)?;
            }
            Element::Fraction { .. } => {
                rest = match value {
                    [b'.' | b',', digit, ..] if digit.is_ascii_digit() => self.fraction(value, fraction_len(value))?,
                    _ => value,
                };
            }
        }
        Ok(rest)
    }

    /// A fraction of so many bytes with its separator; more than nine digits are cut off.
    fn fraction<'a>(&mut self, value: &'a [u8], len: usize) -> Result<&'a [u8], Misfit> {
        if !matches!(value.first(), Some(b'.' | b',')) {
            return Err(Misfit::Bad);
        }
        let digits = &value[1..len.min(10)];
        let number = signed(digits).ok_or(Misfit::Bad)?;
        if number < 0 {
            return Err(Misfit::Range("fractional second"));
        }
        self.nanoseconds = number * 10_i64.pow(9 - digits.len() as u32);
        Ok(&value[len..])
    }

    fn offset<'a>(&mut self, form: OffsetForm, value: &'a [u8]) -> Result<&'a [u8], Misfit> {
        let (minutes, seconds, len) = match form {
            OffsetForm::Hours => (None, None, 3),
            OffsetForm::Minutes => (Some(3), None, 5),
            OffsetForm::ColonMinutes => (Some(4), None, 6),
            OffsetForm::Seconds => (Some(3), Some(5), 7),
            OffsetForm::ColonSeconds => (Some(4), Some(7), 9),
        };
        let colons: &[usize] = match form {
            OffsetForm::ColonMinutes => &[3],
            OffsetForm::ColonSeconds => &[3, 6],
            _ => &[],
        };
        if value.len() < len || colons.iter().any(|at| value[*at] != b':') {
            return Err(Misfit::Bad);
        }
        let two = |at: Option<usize>| at.map_or(Ok(0), |at| number(&value[at..at + 2], true).map(|(number, _)| number));
        let (hours, minutes, seconds) = (two(Some(1))?, two(minutes)?, two(seconds)?);
        for (number, most, what) in [
            (hours, 24, "time zone offset hour"),
            (minutes, 60, "time zone offset minute"),
            (seconds, 60, "time zone offset second"),
        ] {
            if number > most {
                return Err(Misfit::Range(what));
            }
        }
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match value[0] {
            b'+' => offset,
            b'-' => -offset,
            _ => return Err(Misfit::Bad),
        });
        Ok(&value[len..])
    }

    fn moment(self) -> Result<Moment, String> {
        let hour = match (self.afternoon, self.hour) {
            (Some(true), 0..12) => self.hour + 12,
            (Some(false), 12) => 0,
            _ => self.hour,
        };
        let (month, day) = match self.day_of_year {
            Some(day_of_year) => self.month_and_day(day_of_year)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(month, self.year) {
            return Err(": day out of range".to_owned());
        }
        let zone = match (self.is_utc, self.offset, &self.zone) {
            (true, ..) | (false, None, None) => Zone::utc(),
            (false, Some(0), None) => Zone::utc(),
            (false, Some(offset), name) => Zone { name: name.as_deref().unwrap_or_default().into(), offset },
            (false, None, Some(name)) => {
                let hours = name.strip_prefix("GMT").and_then(|hours| hours.parse::<i64>().ok());
                Zone { name: name.as_str().into(), offset: hours.unwrap_or(0) * 3_600 }
            }
        };
        let time_of_day = (hour * 60 + self.minute) * 60 + self.second;
        // A name alone says nothing of its offset, so the time is taken for one in UTC.
        let names_only = !self.is_utc && self.offset.is_none() && self.zone.is_some();
        let read_in = if names_only { Zone::utc() } else { zone.clone() };
        let moment = Moment::of(self.year, month, day, time_of_day, self.nanoseconds as u32, read_in);
        Ok(Moment { zone, ..moment })
    }

    fn month_and_day(&self, day_of_year: i64) -> Result<(i64, i64), String> {
        let days = if is_leap(self.year) { 366 } else { 365 };
        if !(1..=days).contains(&day_of_year) {
            return Err(": day-of-year out of range".to_owned());
        }
        let (mut month, mut day) = (1, day_of_year);
        while day > days_in(month, self.year) {
            day -= days_in(month, self.year);
            month += 1;
        }
        if self.month.is_some_and(|given| given != month) {
            return Err(": day-of-year does not match month".to_owned());
        }
        if self.day.is_some_and(|given| given != day) {
            return Err(": day-of-year does not match day".to_owned());
        }
        Ok((month, day))
    }
}

fn fraction_len(value: &[u8]) -> usize {
    1 + value[1..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// All bytes as a number with a sign.
fn signed(digits: &[u8]) -> Option<i64> {
    let (sign, digits) = match digits {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    let number = digits
        .iter()
        .try_fold(0_i64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))?;
    Some(sign * number)
}

/// One or two digits, or just two.
fn number(value: &[u8], two: bool) -> Read<'_, i64> {
    match value {
        [a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit() => {
            Ok((i64::from(a - b'0') * 10 + i64::from(b - b'0'), &value[2..]))
        }
        [a, ..] if a.is_ascii_digit() && !two => Ok((i64::from(a - b'0'), &value[1..])),
        _ => Err(Misfit::Bad),
    }
}

/// A name in any case, by its place in the list.
fn named<'a>(names: &[&str], value: &'a [u8], long: bool) -> Read<'a, i64> {
    for (index, name) in names.iter().enumerate() {
        let name = if long { name } else { &name[..3] };
        if let Some((start, rest)) = value.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name.as_bytes())
        {
            return Ok((index as i64, rest));
        }
    }
    Err(Misfit::Bad)
}

/// The length of what looks like the name of a zone: three capitals, four or five that end in `T`, and some exceptions.
fn zone_len(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + offset_len(rest));
    }
    if matches!(value[0], b'+' | b'-') {
        return Some(offset_len(value)).filter(|len| *len > 0);
    }
    let capitals = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match capitals {
        3 => Some(3),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        5 if value[4] == b'T' => Some(5),
        _ => None,
    }
}

/// The length of `+3` or `-11`; 0 where there is none.
fn offset_len(value: &[u8]) -> usize {
    let Some((b'+' | b'-', rest)) = value.split_first() else { return 0 };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match signed(&rest[..digits.min(18)]) {
        Some(0..=23) if (1..=18).contains(&digits) => 1 + digits,
        _ => 0,
    }
}
