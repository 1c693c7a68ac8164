//! Moments in the form of RFC 3339.

use super::{
    Function,
    Takes::String as AString,
    argument::{a_number, a_string, takes, text},
};
use crate::engine::{
    go::{
        duration,
        quote::quoted,
        time::{DAYS, MONTHS, Moment, Zone, days_in, quote},
    },
    terraform::{context::Context, problem::Problem, types::Type, value::Value},
};

/// The functions of moments.
pub const FUNCTIONS: &[Function] = &[
    Function::new("formatdate", &[takes("format", AString), takes("time", AString)], a_string, format_date),
    Function::new(
        "timeadd",
        &[takes("timestamp", AString), takes("duration", AString)],
        a_string,
        |_, arguments, _| {
            let moment = read(text(&arguments[0])).map_err(Problem::broken)?;
            let by = duration::parse(text(&arguments[1])).map_err(Problem::broken)?;
            Ok(Value::text(spelled(&moment.plus(by))))
        },
    ),
    Function::new(
        "timecmp",
        &[takes("timestamp_a", AString), takes("timestamp_b", AString)],
        a_number,
        |_, arguments, _| {
            let moment =
                |index: usize| read(text(&arguments[index])).map_err(|message| Problem::argument(index, message));
            let (a, b) = (moment(0)?, moment(1)?);
            let order = (a.seconds, a.nanoseconds).cmp(&(b.seconds, b.nanoseconds));
            Ok(Value::number(order as i64))
        },
    ),
];

/// What is read next of a moment.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Two or four digits of a part with this name, in this range.
    fn number(&mut self, what: &str, digits: usize, range: std::ops::RangeInclusive<i64>) -> Result<i64, String> {
        let found = self.rest.get(..digits).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(number) = found.and_then(|part| part.parse().ok()) else {
            return Err(if self.rest.is_empty() {
                format!("not a valid RFC3339 timestamp: end of string before {what}")
            } else {
                format!("not a valid RFC3339 timestamp: cannot use {} as {what}", quoted(self.rest))
            });
        };
        if !range.contains(&number) {
            let (least, most) = (range.start(), range.end());
            return Err(if what == "hour" {
                format!("not a valid RFC3339 timestamp: hour must be between {least} and {most} inclusive")
            } else {
                format!("not a valid RFC3339 timestamp: {what} out of range")
            });
        }
        self.rest = &self.rest[digits..];
        Ok(number)
    }

    fn mark(&mut self, mark: char) -> Result<(), String> {
        if let Some(rest) = self.rest.strip_prefix(mark) {
            self.rest = rest;
            return Ok(());
        }
        Err(match (mark, self.rest.is_empty()) {
            ('T', _) => "not a valid RFC3339 timestamp: missing required time introducer 'T'".to_owned(),
            (_, true) => {
                format!("not a valid RFC3339 timestamp: end of string where {:?} is expected", mark.to_string())
            }
            (_, false) => format!(
                "not a valid RFC3339 timestamp: found {} where {:?} is expected",
                quoted(self.rest),
                mark.to_string()
            ),
        })
    }
}

/// Reads a moment; the fraction of a second may have any number of digits.
fn read(given: &str) -> Result<Moment, String> {
    let mut reader = Reader { rest: given };
    let year = reader.number("year", 4, 0..=9_999)?;
    reader.mark('-')?;
    let month = reader.number("month", 2, 1..=12)?;
    reader.mark('-')?;
    let day = reader.number("day of month", 2, 1..=31)?;
    reader.mark('T')?;
    let hour = reader.number("hour", 2, 0..=23)?;
    reader.mark(':')?;
    let minute = reader.number("minute", 2, 0..=59)?;
    reader.mark(':')?;
    let second = reader.number("second", 2, 0..=59)?;
    if day > days_in(month, year) {
        return Err("not a valid RFC3339 timestamp: day out of range".to_owned());
    }
    let mut nanoseconds = 0_u32;
    if let Some(fraction) = reader.rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let kept = &fraction[..digits.min(9)];
            nanoseconds = format!("{kept:0<9}").parse().unwrap_or_default();
            reader.rest = &fraction[digits..];
        }
    }
    let zone = offset(reader.rest).ok_or_else(|| {
        if reader.rest.is_empty() {
            "not a valid RFC3339 timestamp: end of string before UTC offset".to_owned()
        } else {
            format!("not a valid RFC3339 timestamp: cannot use {} as UTC offset", quoted(reader.rest))
        }
    })?;
    Ok(Moment::of(year, month, day, hour * 3_600 + minute * 60 + second, nanoseconds, zone))
}

fn offset(text: &str) -> Option<Zone> {
    if text == "Z" {
        return Some(Zone::utc());
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse::<i64>().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then(|| Zone { name: "".into(), offset: sign * (hours * 60 + minutes) * 60 })
}

/// The form of RFC 3339, without fractions of a second.
fn spelled(moment: &Moment) -> String {
    let civil = moment.civil();
    let zone = if moment.zone.offset == 0 { "Z".to_owned() } else { spelled_offset(moment, ":") };
    let sign = if civil.year < 0 { "-" } else { "" };
    format!(
        "{sign}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}",
        civil.year.abs(),
        civil.month,
        civil.day,
        civil.hour,
        civil.minute,
        civil.second
    )
}

fn spelled_offset(moment: &Moment, between: &str) -> String {
    let offset = moment.zone.offset;
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.abs() / 60;
    format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
}

fn format_date(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let moment = read(text(&arguments[1])).map_err(|message| Problem::argument(1, message))?;
    let format = text(&arguments[0]);
    context.budget.text(format.len().saturating_mul(4))?;
    let mut spelled = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let end = if first == '\'' {
            literal_end(rest).ok_or_else(|| Problem::argument(0, "unterminated literal '"))?
        } else if first.is_ascii_alphabetic() {
            rest.find(|character| character != first).unwrap_or(rest.len())
        } else {
            rest.find(|character: char| character == '\'' || character.is_ascii_alphabetic()).unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        if token == "''" {
            spelled.push('\'');
        } else if first == '\'' {
            spelled.push_str(&token[1..token.len() - 1].replace("''", "'"));
        } else if first.is_ascii_alphabetic() {
            spelled.push_str(&verb(&moment, token).map_err(|message| Problem::argument(0, message))?);
        } else {
            spelled.push_str(token);
        }
    }
    Ok(Value::text(spelled))
}

/// Where a quoted literal ends that a text begins with, its quotes included.
fn literal_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.get(1) == Some(&b'\'') {
        return Some(2);
    }
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == b'\'' {
            if bytes.get(at + 1) != Some(&b'\'') {
                return Some(at + 1);
            }
            at += 1;
        }
        at += 1;
    }
    None
}

fn verb(moment: &Moment, token: &str) -> Result<String, String> {
    let civil = moment.civil();
    let wrong = |allowed: &str| Err(format!("invalid date format verb {}: {allowed}", quote(token)));
    let number = |number: i64, allowed: &str| match token.len() {
        1 => Ok(number.to_string()),
        2 => Ok(format!("{number:02}")),
        _ => wrong(allowed),
    };
    match &token[..1] {
        "Y" => match token.len() {
            2 => Ok(format!("{:02}", civil.year % 100)),
            4 => Ok(format!("{:04}", civil.year)),
            _ => wrong("year must either be \"YY\" or \"YYYY\""),
        },
        "M" => {
            let name = MONTHS[(civil.month - 1) as usize];
            match token.len() {
                1 => Ok(civil.month.to_string()),
                2 => Ok(format!("{:02}", civil.month)),
                3 => Ok(name[..3].to_owned()),
                4 => Ok(name.to_owned()),
                _ => wrong("month must be \"M\", \"MM\", \"MMM\", or \"MMMM\""),
            }
        }
        "D" => number(civil.day, "day of month must either be \"D\" or \"DD\""),
        "E" => {
            let name = DAYS[civil.weekday as usize];
            match token.len() {
                3 => Ok(name[..3].to_owned()),
                4 => Ok(name.to_owned()),
                _ => wrong("day of week must either be \"EEE\" or \"EEEE\""),
            }
        }
        "h" => number(civil.hour, "24-hour must either be \"h\" or \"hh\""),
        "H" => number((civil.hour + 11) % 12 + 1, "12-hour must either be \"H\" or \"HH\""),
        "A" | "a" if token.len() != 2 => wrong(&format!("must be \"{0}{0}\"", &token[..1])),
        "A" => Ok(if civil.hour < 12 { "AM" } else { "PM" }.to_owned()),
        "a" => Ok(if civil.hour < 12 { "am" } else { "pm" }.to_owned()),
        "m" => number(civil.minute, "minute must either be \"m\" or \"mm\""),
        "s" => number(civil.second, "second must either be \"s\" or \"ss\""),
        "Z" => match token.len() {
            1 if moment.zone.offset == 0 => Ok("Z".to_owned()),
            1 | 5 => Ok(spelled_offset(moment, ":")),
            3 if moment.zone.offset == 0 => Ok("UTC".to_owned()),
            3 | 4 => Ok(spelled_offset(moment, "")),
            _ => wrong("timezone must be Z, ZZZZ, or ZZZZZ"),
        },
        _ => Err(format!("invalid date format verb {}", quote(token))),
    }
}
