//! Numbers as Go's `fmt` and `strconv` print them.

use super::Spec;
use crate::engine::go::printable;

/// More decimals than any `f64` has; behind them are zeros.
const MAX_DIGITS: usize = 1_100;

/// Go's `fmtInteger` without the padding. Nothing for a zero with precision zero.
pub(super) fn integer(spec: &Spec, value: i128, base: u32, verb: char) -> Vec<u8> {
    let (negative, mut rest) = (value < 0, value.unsigned_abs());
    let mut least = spec.precision.unwrap_or(0);
    if spec.precision == Some(0) && rest == 0 {
        return Vec::new();
    }
    if spec.precision.is_none() && spec.zero && !spec.minus {
        let sign = usize::from(negative || spec.plus || spec.space);
        least = spec.width.unwrap_or(0).saturating_sub(sign);
    }
    let table: &[u8; 16] = if verb == 'X' { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut digits = Vec::new();
    loop {
        digits.push(table[(rest % u128::from(base)) as usize]);
        rest /= u128::from(base);
        if rest == 0 {
            break;
        }
    }
    while digits.len() < least {
        digits.push(b'0');
    }
    if spec.sharp {
        match base {
            2 => digits.extend(b"b0"),
            8 if digits.last() != Some(&b'0') => digits.push(b'0'),
            16 => digits.extend([if verb == 'X' { b'X' } else { b'x' }, b'0']),
            _ => {}
        }
    }
    if verb == 'O' {
        digits.extend(b"o0");
    }
    match () {
        () if negative => digits.push(b'-'),
        () if spec.plus => digits.push(b'+'),
        () if spec.space => digits.push(b' '),
        () => {}
    }
    digits.reverse();
    digits
}

/// Go's `fmtUnicode`: `U+0078`, with `#` also the character.
pub(super) fn unicode(spec: &Spec, value: u64) -> Vec<u8> {
    let least = spec.precision.filter(|precision| *precision > 4).unwrap_or(4);
    let digits = format!("{value:X}");
    let zeros = "0".repeat(least.saturating_sub(digits.len()));
    let mut text = format!("U+{zeros}{digits}");
    let character = u32::try_from(value).ok().and_then(char::from_u32);
    if let Some(character) = character.filter(|character| spec.sharp && printable::is_printable(*character)) {
        text.push_str(&format!(" '{character}'"));
    }
    text.into_bytes()
}

/// Go's `fmtFloat` without the padding, and whether zeros may pad it.
pub(super) fn float(spec: &Spec, value: f64, verb: char, precision: Option<usize>) -> (Vec<u8>, bool) {
    let precision = spec.precision.or(precision);
    let mut number = format_float(value, verb, precision).into_bytes();
    if !matches!(number.first(), Some(b'-' | b'+')) {
        number.insert(0, b'+');
    }
    if spec.space && number[0] == b'+' && !spec.plus {
        number[0] = b' ';
    }
    if !value.is_finite() {
        if value.is_nan() && !spec.space && !spec.plus {
            number.remove(0);
        }
        return (number, false);
    }
    if spec.sharp && verb != 'b' {
        with_point(&mut number, verb, precision);
    }
    if !spec.plus && number[0] == b'+' {
        return (number.split_off(1), spec.zero);
    }
    if let Some(width) = spec.width
        && spec.zero
        && !spec.minus
        && width > number.len()
    {
        // The sign stands before the zeros.
        let zeros = vec![b'0'; width - number.len()];
        number.splice(1..1, zeros);
    }
    (number, spec.zero)
}

/// What `#` adds: a decimal point, and the zeros that `%g` drops.
fn with_point(number: &mut Vec<u8>, verb: char, precision: Option<usize>) {
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => precision.map_or(6, |precision| precision as i64),
        _ => 0,
    };
    let hex = matches!(verb, 'x' | 'X');
    let exponent = number.iter().skip(1).position(|byte| match byte {
        b'p' | b'P' => true,
        b'e' | b'E' => !hex,
        _ => false,
    });
    let tail = exponent.map(|at| number.split_off(at + 1)).unwrap_or_default();
    let (mut has_point, mut seen) = (false, false);
    for byte in &number[1..] {
        if *byte == b'.' {
            has_point = true;
            continue;
        }
        seen |= *byte != b'0';
        digits -= i64::from(seen);
    }
    if !has_point {
        if number.len() == 2 && number[1] == b'0' {
            digits -= 1;
        }
        number.push(b'.');
    }
    number.extend(std::iter::repeat_n(b'0', usize::try_from(digits).unwrap_or(0)));
    number.extend(tail);
}

/// Go's `strconv.FormatFloat`; the shortest digits that read back as the number without a precision.
pub fn format_float(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    match verb {
        'f' | 'F' => match precision {
            Some(precision) => {
                let zeros = "0".repeat(precision.saturating_sub(MAX_DIGITS));
                format!("{value:.0$}{zeros}", precision.min(MAX_DIGITS))
            }
            None => format!("{value}"),
        },
        'e' | 'E' => exponential(value, verb, precision),
        'b' => binary(value),
        'x' | 'X' => hexadecimal(value, verb == 'X', precision),
        _ => general(value, verb, precision),
    }
}

/// `%e`: at least two digits of exponent.
fn exponential(value: f64, verb: char, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{value:.0$e}", precision.min(MAX_DIGITS)),
        None => format!("{value:e}"),
    };
    let zeros = "0".repeat(precision.unwrap_or(0).saturating_sub(MAX_DIGITS));
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}{zeros}{verb}{sign}{exponent:0>2}")
}

/// `%g`: the exponent form below 10^-4 and from the precision, which is 6 for this where the digits are the shortest.
fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    let letter = if verb == 'G' { 'E' } else { 'e' };
    let scientific = match precision {
        Some(precision) => format!("{value:.0$e}", precision.clamp(1, MAX_DIGITS) - 1),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    let point = if value == 0.0 { 0 } else { exponent + 1 };
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            if precision > digits && digits >= point { digits } else { precision }
        }
    };
    if value != 0.0 && (exponent < -4 || exponent >= limit) {
        return exponential(value, letter, Some((digits - 1) as usize));
    }
    let decimals = (digits - point).max(0) as usize;
    format!("{value:.0$}", if value == 0.0 { 0 } else { decimals })
}

/// `%b`: the mantissa and the power of two.
fn binary(value: f64) -> String {
    let (negative, mantissa, exponent) = parts(value);
    let exponent = exponent - 52;
    format!("{}{mantissa}p{}{exponent}", if negative { "-" } else { "" }, if exponent >= 0 { "+" } else { "" })
}

/// `%x`: Go's `fmtX`.
fn hexadecimal(value: f64, upper: bool, precision: Option<usize>) -> String {
    let (negative, mantissa, mut exponent) = parts(value);
    let mut mantissa = mantissa << 8;
    if mantissa == 0 {
        exponent = 0;
    }
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = precision * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut text = format!("{}0x{}", if negative { "-" } else { "" }, (mantissa >> 60) & 1);
    mantissa <<= 4;
    if precision.is_none() && mantissa != 0 || precision.is_some_and(|precision| precision > 0) {
        text.push('.');
        let mut left = precision.unwrap_or(usize::MAX);
        while left > 0 && (mantissa != 0 || precision.is_some()) {
            text.push(char::from_digit((mantissa >> 60) as u32 & 15, 16).unwrap_or('0'));
            mantissa <<= 4;
            left -= 1;
        }
    }
    text.push_str(&format!("p{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()));
    if upper { text.to_uppercase() } else { text }
}

/// Sign, mantissa and exponent as Go takes a float apart.
fn parts(value: f64) -> (bool, u64, i32) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    match exponent {
        0 => (bits >> 63 != 0, fraction, 1 - 1023),
        _ => (bits >> 63 != 0, fraction | 1 << 52, exponent - 1023),
    }
}
