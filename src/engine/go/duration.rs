//! Go's `time.Duration`: read and printed.

use super::time::quote;

/// Nanoseconds of a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds of a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;

/// `time.ParseDuration`: `1h30m10.5s`, in nanoseconds.
///
/// # Errors
/// In Go's words.
pub fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, unit_on) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_end =
            unit_on.find(|character: char| character == '.' || character.is_ascii_digit()).unwrap_or(unit_on.len());
        let unit = match &unit_on[..unit_end] {
            "" => return Err(format!("time: missing unit in duration {}", quote(text))),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND as u64,
            "m" => MINUTE as u64,
            "h" => HOUR as u64,
            unknown => {
                let (unknown, whole) = (quote(unknown), quote(text));
                return Err(format!("time: unknown unit {unknown} in duration {whole}"));
            }
        };
        rest = &unit_on[unit_end..];
        let whole = if whole.is_empty() { Some(0) } else { whole.parse::<u64>().ok() };
        let part = whole
            .filter(|whole| *whole <= 1 << 63)
            .and_then(|whole| whole.checked_mul(unit))
            .and_then(|part| part.checked_add(fraction_of(fraction, unit)))
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= 1 << 63);
        total = part.ok_or_else(invalid)?;
    }
    match (negative, i64::try_from(total)) {
        (true, _) => Ok((total as i64).wrapping_neg()),
        (false, Ok(total)) => Ok(total),
        (false, Err(_)) => Err(invalid()),
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()))
}

/// Go reads as many digits of a fraction as fit and goes through a float.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (mut number, mut scale): (u64, f64) = (0, 1.0);
    for digit in digits.bytes() {
        if number > (i64::MAX as u64) / 10 {
            break;
        }
        let next = number * 10 + u64::from(digit - b'0');
        if next > 1 << 63 {
            break;
        }
        number = next;
        scale *= 10.0;
    }
    if number == 0 { 0 } else { (number as f64 * (unit as f64 / scale)) as u64 }
}

/// `Duration.String`: `1h0m5.5s`.
pub fn print(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if magnitude < SECOND as u64 {
        return match magnitude {
            0 => "0s".to_owned(),
            1..1_000 => format!("{sign}{magnitude}ns"),
            1_000..1_000_000 => format!("{sign}{}µs", decimal(magnitude, 3)),
            _ => format!("{sign}{}ms", decimal(magnitude, 6)),
        };
    }
    let (seconds, minutes) = (magnitude % MINUTE as u64, magnitude / MINUTE as u64);
    let seconds = decimal(seconds, 9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// A number with so many decimal places, without the zeros at its end.
fn decimal(number: u64, places: u32) -> String {
    let unit = 10_u64.pow(places);
    let (whole, fraction) = (number / unit, number % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0width$}", width = places as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}
