//! Conversions of any value to a number: spf13/cast 1.7.0 over Go's `strconv`.
//!
//! What is no number is 0. Texts are read with Go's base prefixes and underscores, and a fraction of zeros is cut off first.

use crate::engine::helm::{
    functions::{argument::object, dates::constant::Constant},
    template::value::{Datum, Value},
};

/// The type to convert to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `float64`.
    Float,
}

impl Cast {
    /// Converts.
    pub fn apply(self, value: &Value) -> Datum {
        match self {
            Self::Int => Datum::Int(int64(value)),
            Self::Int64 => Datum::Int64(int64(value)),
            Self::Float => Datum::Float(float(value)),
        }
    }
}

/// `cast.ToInt64`.
pub fn int64(value: &Value) -> i64 {
    match &value.datum {
        Datum::Bool(value) => i64::from(*value),
        Datum::Int(number) | Datum::Int64(number) => *number,
        Datum::Uint64(number) => *number as i64,
        Datum::Byte(number) => i64::from(*number),
        Datum::Rune(number) => i64::from(*number),
        Datum::Float(number) => truncated(*number),
        Datum::Text(text) => integer(without_zero_fraction(text.bytes()), 0).unwrap_or(0),
        Datum::Object(_) => object::<Constant>(value).map_or(0, |constant| constant.number),
        Datum::Nil | Datum::Bytes(_) | Datum::List(_) | Datum::Map(_) => 0,
    }
}

/// `cast.ToFloat64`.
pub fn float(value: &Value) -> f64 {
    match &value.datum {
        Datum::Float(number) => *number,
        Datum::Text(text) => real(text.bytes()).unwrap_or(0.0),
        Datum::Uint64(number) => *number as f64,
        _ => int64(value) as f64,
    }
}

/// Sprig's `toDecimal`: what the value prints, read as an octal number.
pub fn octal(value: &Value) -> i64 {
    let printed = match &value.datum {
        Datum::Text(text) => return integer(text.bytes(), 8).unwrap_or(0),
        Datum::Int(number) | Datum::Int64(number) => number.to_string(),
        Datum::Uint64(number) => number.to_string(),
        Datum::Byte(number) => number.to_string(),
        Datum::Rune(number) => number.to_string(),
        // From 1e+06 on floats print with an exponent, which is no octal number.
        Datum::Float(number) if number.fract() == 0.0 && number.abs() < 1e6 => (*number as i64).to_string(),
        _ => return 0,
    };
    integer(printed.as_bytes(), 8).unwrap_or(0)
}

/// Go's conversion of a float to an integer on amd64: what does not fit is the smallest one.
fn truncated(number: f64) -> i64 {
    // 2^63 is a float; every float below it fits.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) { number as i64 } else { i64::MIN }
}

/// Whether a float is just this integer.
pub fn is_exactly(float: f64, integer: i64) -> bool {
    truncated(float) == integer && integer as f64 == float
}

fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let digits = text.iter().rev().take_while(|byte| **byte == b'0').count();
    match text[..text.len() - digits].split_last() {
        Some((b'.', whole)) if digits > 0 => whole,
        _ => text,
    }
}

/// Why a text is no integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    Syntax,
    /// Too large; what Go returns beside the error.
    Range(i64),
}

/// `strconv.ParseInt` to 64 bits; base 0 goes by the prefix.
fn integer(text: &[u8], base: u32) -> Result<i64, Bad> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let magnitude = unsigned(digits, base).map_err(|bad| match bad {
        Bad::Range(_) => Bad::Range(if negative { i64::MIN } else { i64::MAX }),
        Bad::Syntax => Bad::Syntax,
    })?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(number)) => Ok(number),
        (true, Ok(number)) => Ok(-number),
        (true, Err(_)) if magnitude == i64::MIN.unsigned_abs() => Ok(i64::MIN),
        (true, Err(_)) => Err(Bad::Range(i64::MIN)),
        (false, Err(_)) => Err(Bad::Range(i64::MAX)),
    }
}

/// `strconv.ParseInt` with its error dropped: too large a number is the largest one, and anything else 0.
pub fn clamped(text: &[u8], base: u32) -> i64 {
    match integer(text, base) {
        Ok(number) | Err(Bad::Range(number)) => number,
        Err(Bad::Syntax) => 0,
    }
}

fn unsigned(text: &[u8], base: u32) -> Result<u64, Bad> {
    if text.is_empty() {
        return Err(Bad::Syntax);
    }
    let (radix, digits) = match (base, text) {
        (0, [b'0', b'b' | b'B', _, ..]) => (2, &text[2..]),
        (0, [b'0', b'o' | b'O', _, ..]) => (8, &text[2..]),
        (0, [b'0', b'x' | b'X', _, ..]) => (16, &text[2..]),
        (0, [b'0', rest @ ..]) => (8, rest),
        (0, _) => (10, text),
        (base, _) => (base, text),
    };
    let mut underscores = false;
    let mut number: u64 = 0;
    let mut overflow = false;
    for byte in digits {
        if *byte == b'_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = char::from(*byte).to_digit(radix).ok_or(Bad::Syntax)?;
        match number.checked_mul(u64::from(radix)).and_then(|number| number.checked_add(u64::from(digit))) {
            Some(next) => number = next,
            None => overflow = true,
        }
        if overflow {
            // Go stops here, before it would see what follows.
            return Err(Bad::Range(i64::MAX));
        }
    }
    if underscores && !underscores_are_fine(text) { Err(Bad::Syntax) } else { Ok(number) }
}

/// Underscores stand between digits, or between a base prefix and a digit.
fn underscores_are_fine(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (mut before, hexadecimal, digits) = match text {
        [b'0', b'b' | b'B' | b'o' | b'O', digits @ ..] => (b'0', false, digits),
        [b'0', b'x' | b'X', digits @ ..] => (b'0', true, digits),
        digits => (b'^', false, digits),
    };
    for byte in digits {
        let is_digit = byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit());
        match byte {
            _ if is_digit => before = b'0',
            b'_' if before != b'0' => return false,
            b'_' => before = b'_',
            _ if before == b'_' => return false,
            _ => before = b'!',
        }
    }
    before != b'_'
}

/// `strconv.ParseFloat`; nothing where it has an error, out of range included.
fn real(text: &[u8]) -> Option<f64> {
    if let Some(special) = infinity_or_nan(text) {
        return Some(special);
    }
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let hexadecimal = matches!(unsigned, [b'0', b'x' | b'X', ..]);
    if text.contains(&b'_') && !underscores_are_fine(text) {
        return None;
    }
    let digits: String = unsigned.iter().filter(|byte| **byte != b'_').map(|byte| char::from(*byte)).collect();
    let magnitude = if hexadecimal {
        hexadecimal_float(&digits[2..])?
    } else {
        // Rust would read names as well.
        let spelled = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        digits.parse().ok().filter(|_| spelled && !digits.starts_with(['+', '-']))?
    };
    let number: f64 = if text.first() == Some(&b'-') { -magnitude } else { magnitude };
    number.is_finite().then_some(number)
}

fn infinity_or_nan(text: &[u8]) -> Option<f64> {
    if text.eq_ignore_ascii_case(b"nan") {
        return Some(f64::NAN);
    }
    let (sign, name) = match text {
        [b'-', name @ ..] => (-1.0, name),
        [b'+', name @ ..] => (1.0, name),
        name => (1.0, name),
    };
    let is_infinity = name.eq_ignore_ascii_case(b"inf") || name.eq_ignore_ascii_case(b"infinity");
    is_infinity.then_some(sign * f64::INFINITY)
}

/// `1.8p1`: hexadecimal digits and a binary exponent, which Go wants.
fn hexadecimal_float(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let signless = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if signless.is_empty() || !signless.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut mantissa: u64 = 0;
    let mut shift: i64 = 0;
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        let after_point = index >= whole.len();
        if mantissa >> 58 == 0 {
            mantissa = mantissa << 4 | digit;
            shift -= if after_point { 4 } else { 0 };
        } else {
            // Beyond the mantissa only whether there is something at all counts.
            mantissa |= u64::from(digit != 0);
            shift += if after_point { 0 } else { 4 };
        }
    }
    let exponent = (exponent.clamp(-100_000, 100_000) + shift).clamp(-100_000, 100_000) as i32;
    Some(scaled(mantissa as f64, exponent))
}

/// A number times a power of two, in steps that stay within the exponents of floats.
fn scaled(mut number: f64, mut exponent: i32) -> f64 {
    while exponent > 1000 && number.is_finite() && number != 0.0 {
        number *= 2f64.powi(1000);
        exponent -= 1000;
    }
    while exponent < -1000 && number != 0.0 {
        number *= 2f64.powi(-1000);
        exponent += 1000;
    }
    number * 2f64.powi(exponent.clamp(-1000, 1000))
}

/// Go's `math.Pow(10, exponent)`, which multiplies squares where others look up the nearest float.
pub fn power_of_ten(exponent: i64) -> f64 {
    // 10 = 0.625 * 2^4
    let (mut square, mut square_exponent) = (0.625_f64, 4_i32);
    let (mut result, mut result_exponent) = (1.0_f64, 0_i32);
    let mut left = exponent.unsigned_abs();
    while left != 0 {
        if square_exponent.abs() > 1 << 12 {
            result_exponent += square_exponent;
            break;
        }
        if left & 1 == 1 {
            result *= square;
            result_exponent += square_exponent;
        }
        square *= square;
        square_exponent <<= 1;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left >>= 1;
    }
    if exponent < 0 {
        result = 1.0 / result;
        result_exponent = -result_exponent;
    }
    scaled(result, result_exponent)
}
