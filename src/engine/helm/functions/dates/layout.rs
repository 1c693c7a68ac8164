//! Go's layouts: the reference time `Mon Jan 2 15:04:05 -0700 MST 2006` written as the result shall look.

use crate::engine::go::time::{Civil, DAYS, MONTHS, Moment};

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `January` or `Jan`.
    MonthName { long: bool },
    /// `01` or `1`.
    Month { padded: bool },
    /// `Monday` or `Mon`.
    DayName { long: bool },
    /// `2`, `_2` or `02`.
    Day(Padding),
    /// `__2` or `002`.
    DayOfYear(Padding),
    /// `15`.
    Hour,
    /// `3` or `03`.
    Hour12 { padded: bool },
    /// `4` or `04`.
    Minute { padded: bool },
    /// `5` or `05`.
    Second { padded: bool },
    /// `2006` or `06`.
    Year { long: bool },
    /// `PM` or `pm`.
    HalfDay { upper: bool },
    /// `MST`.
    ZoneName,
    /// `-0700` and the like; with `Z` in place of the sign, UTC is `Z`.
    Offset { z: bool, form: OffsetForm },
    /// `.000`, which keeps zeros at its end, or `.999`, which does not.
    Fraction { separator: u8, digits: usize, exact: bool },
}

/// How a number is filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Not at all.
    None,
    /// With spaces.
    Space,
    /// With zeros.
    Zero,
}

/// The parts of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetForm {
    /// `07`
    Hours,
    /// `0700`
    Minutes,
    /// `07:00`
    ColonMinutes,
    /// `070000`
    Seconds,
    /// `07:00:00`
    ColonSeconds,
}

/// The first element of a layout, with what stands before and behind it.
pub fn next(layout: &[u8]) -> Option<(&[u8], Element, &[u8])> {
    for at in 0..layout.len() {
        let rest = &layout[at..];
        if let Some((element, len)) = element(rest) {
            // `_2006` is an underscore and a year.
            let at = at + usize::from(rest.starts_with(b"_2006"));
            return Some((&layout[..at], element, &layout[at + len..]));
        }
    }
    None
}

fn element(rest: &[u8]) -> Option<(Element, usize)> {
    use Element::{
        Day, DayName, DayOfYear, HalfDay, Hour, Hour12, Minute, Month, MonthName, Offset, Second, Year, ZoneName,
    };
    let lower_behind = |len: usize| rest.get(len).is_some_and(u8::is_ascii_lowercase);
    let offsets = |z: bool| {
        [
            ("070000", OffsetForm::Seconds),
            ("07:00:00", OffsetForm::ColonSeconds),
            ("0700", OffsetForm::Minutes),
            ("07:00", OffsetForm::ColonMinutes),
            ("07", OffsetForm::Hours),
        ]
        .into_iter()
        .find(|(text, _)| rest[1..].starts_with(text.as_bytes()))
        .map(|(text, form)| (Offset { z, form }, text.len() + 1))
    };
    match rest {
        [b'J', ..] if rest.starts_with(b"January") => Some((MonthName { long: true }, 7)),
        [b'J', ..] if rest.starts_with(b"Jan") && !lower_behind(3) => Some((MonthName { long: false }, 3)),
        [b'M', ..] if rest.starts_with(b"Monday") => Some((DayName { long: true }, 6)),
        [b'M', ..] if rest.starts_with(b"Mon") && !lower_behind(3) => Some((DayName { long: false }, 3)),
        [b'M', ..] if rest.starts_with(b"MST") => Some((ZoneName, 3)),
        [b'0', b'1', ..] => Some((Month { padded: true }, 2)),
        [b'0', b'2', ..] => Some((Day(Padding::Zero), 2)),
        [b'0', b'3', ..] => Some((Hour12 { padded: true }, 2)),
        [b'0', b'4', ..] => Some((Minute { padded: true }, 2)),
        [b'0', b'5', ..] => Some((Second { padded: true }, 2)),
        [b'0', b'6', ..] => Some((Year { long: false }, 2)),
        [b'0', b'0', b'2', ..] => Some((DayOfYear(Padding::Zero), 3)),
        [b'1', b'5', ..] => Some((Hour, 2)),
        [b'1', ..] => Some((Month { padded: false }, 1)),
        [b'2', ..] if rest.starts_with(b"2006") => Some((Year { long: true }, 4)),
        [b'2', ..] => Some((Day(Padding::None), 1)),
        [b'_', b'2', ..] if rest.starts_with(b"_2006") => Some((Year { long: true }, 4)),
        [b'_', b'2', ..] => Some((Day(Padding::Space), 2)),
        [b'_', b'_', b'2', ..] => Some((DayOfYear(Padding::Space), 3)),
        [b'3', ..] => Some((Hour12 { padded: false }, 1)),
        [b'4', ..] => Some((Minute { padded: false }, 1)),
        [b'5', ..] => Some((Second { padded: false }, 1)),
        [b'P', b'M', ..] => Some((HalfDay { upper: true }, 2)),
        [b'p', b'm', ..] => Some((HalfDay { upper: false }, 2)),
        [b'-', ..] => offsets(false),
        [b'Z', ..] => offsets(true),
        [separator @ (b'.' | b','), digit @ (b'0' | b'9'), ..] => {
            let digits = rest[1..].iter().take_while(|byte| *byte == digit).count();
            let ends = !rest.get(1 + digits).is_some_and(u8::is_ascii_digit);
            let fraction = Element::Fraction { separator: *separator, digits, exact: *digit == b'0' };
            ends.then_some((fraction, 1 + digits))
        }
        _ => None,
    }
}

/// A moment in its zone as a layout shows it. Layouts are bytes: what is no element stays as it is.
pub fn format(moment: &Moment, layout: &[u8]) -> Vec<u8> {
    let civil = moment.civil();
    let mut out = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while let Some((before, element, behind)) = next(rest) {
        out.extend_from_slice(before);
        out.extend_from_slice(shown(moment, civil, element).as_bytes());
        rest = behind;
    }
    out.extend_from_slice(rest);
    out
}

fn shown(moment: &Moment, civil: Civil, element: Element) -> String {
    let two = |number: i64, padded: bool| if padded { format!("{number:02}") } else { number.to_string() };
    match element {
        Element::MonthName { long } => name(&MONTHS, civil.month - 1, long),
        Element::Month { padded } => two(civil.month, padded),
        Element::DayName { long } => name(&DAYS, civil.weekday, long),
        Element::Day(padding) => padded(civil.day, padding, 2),
        Element::DayOfYear(padding) => padded(civil.day_of_year, padding, 3),
        Element::Hour => two(civil.hour, true),
        Element::Hour12 { padded } => two((civil.hour + 11) % 12 + 1, padded),
        Element::Minute { padded } => two(civil.minute, padded),
        Element::Second { padded } => two(civil.second, padded),
        Element::Year { long: true } if civil.year < 0 => format!("-{:04}", -civil.year),
        Element::Year { long: true } => format!("{:04}", civil.year),
        Element::Year { long: false } => format!("{:02}", civil.year.abs() % 100),
        Element::HalfDay { upper } => match (civil.hour >= 12, upper) {
            (true, true) => "PM",
            (false, true) => "AM",
            (true, false) => "pm",
            (false, false) => "am",
        }
        .to_owned(),
        Element::ZoneName if !moment.zone.name.is_empty() => moment.zone.name.to_string(),
        Element::ZoneName => offset(moment.zone.offset, OffsetForm::Minutes),
        Element::Offset { z: true, .. } if moment.zone.offset == 0 => "Z".to_owned(),
        Element::Offset { form, .. } => offset(moment.zone.offset, form),
        Element::Fraction { exact: false, .. } if moment.nanoseconds == 0 => String::new(),
        Element::Fraction { separator, digits, exact } => {
            // More places than nine are not printed.
            let nanoseconds = format!("{:09}", moment.nanoseconds);
            let shown = &nanoseconds[..digits.min(9)];
            let shown = if exact { shown } else { shown.trim_end_matches('0') };
            if shown.is_empty() { String::new() } else { format!("{}{shown}", char::from(separator)) }
        }
    }
}

fn name(names: &[&str], index: i64, long: bool) -> String {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
    if long { name.to_owned() } else { name.chars().take(3).collect() }
}

fn padded(number: i64, padding: Padding, width: usize) -> String {
    match padding {
        Padding::None => number.to_string(),
        Padding::Space => format!("{number:width$}"),
        Padding::Zero => format!("{number:0width$}"),
    }
}

fn offset(offset: i64, form: OffsetForm) -> String {
    // An offset of less than a minute counts as east, as Go has it.
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let (minutes, seconds) = ((offset / 60).abs(), offset.abs() % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match form {
        OffsetForm::Hours => format!("{sign}{hours:02}"),
        OffsetForm::Minutes => format!("{sign}{hours:02}{minutes:02}"),
        OffsetForm::ColonMinutes => format!("{sign}{hours:02}:{minutes:02}"),
        OffsetForm::Seconds => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
        OffsetForm::ColonSeconds => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}
