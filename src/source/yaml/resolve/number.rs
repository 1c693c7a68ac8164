//! Numbers as Go's `strconv` and go-yaml's resolver read them.

use super::{Reader, scalar::Scalar};

/// Reads a text that begins with a digit or a sign: underscores do not count; prefixes `0x`, `0o`, `0b` and a leading `0` set
/// the base; what is no integer (`08`) may still be a float.
pub(super) fn number(text: &str, reader: Reader) -> Option<Scalar> {
    let plain = text.replace('_', "");
    integer(&plain)
        .or_else(|| is_yaml_float(&plain).then(|| float(&plain)).flatten().map(Scalar::Float))
        .or_else(|| prefixed(&plain, "0b", "-0b", 2))
        .or_else(|| if reader == Reader::Kustomize { prefixed(&plain, "0o", "-0o", 8) } else { None })
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`.
fn integer(text: &str) -> Option<Scalar> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let signed = digits.len() < text.len();
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match lower.as_deref() {
        Some("0b") if digits.len() > 2 => (2, &digits[2..]),
        Some("0o") if digits.len() > 2 => (8, &digits[2..]),
        Some("0x") if digits.len() > 2 => (16, &digits[2..]),
        Some(_) if digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    let magnitude = unsigned(digits, base)?;
    let int = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    int.map(Scalar::Int).or(if signed { None } else { Some(Scalar::Unsigned(magnitude)) })
}

/// go-yaml strips the prefix and hands the rest, even with a sign of its own (`0b-101`), to `strconv.ParseInt`.
fn prefixed(text: &str, prefix: &str, negative_prefix: &str, base: u32) -> Option<Scalar> {
    if let Some(rest) = text.strip_prefix(prefix) {
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let magnitude = unsigned(digits, base)?;
        return if rest.starts_with('-') {
            0_i64.checked_sub_unsigned(magnitude).map(Scalar::Int)
        } else {
            i64::try_from(magnitude).ok().map(Scalar::Int)
        };
    }
    let magnitude = unsigned(text.strip_prefix(negative_prefix)?, base)?;
    0_i64.checked_sub_unsigned(magnitude).map(Scalar::Int)
}

/// Digits without a sign.
fn unsigned(digits: &str, base: u32) -> Option<u64> {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, all of it.
fn is_yaml_float(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match number.find(['e', 'E']) {
        Some(at) => (&number[..at], Some(&number[at + 1..])),
        None => (number, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

/// A float that is not too large.
fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `strconv.ParseFloat` on a text that begins with a dot: underscores may stand between digits.
pub(super) fn go_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let separated = |at: usize| digit(at.checked_sub(1)) && digit(Some(at + 1));
    let underscores = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| separated(at));
    let plain = text.replace('_', "");
    if underscores && is_yaml_float(&plain) { float(&plain) } else { None }
}

/// A key's number as `strconv.FormatFloat(number, 'g', -1, 32)` prints it.
pub(super) fn float_key(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    let number = number as f32;
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: a number in base 60 to YAML 1.1, which Go quotes.
pub(super) fn is_base_60(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    let sixtieth = |part: &str| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|c: char| c.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && !rest.is_empty()
        && rest.iter().all(|part| sixtieth(part))
}
