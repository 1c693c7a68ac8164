//! Number constants, by the rules of Go 1.23's `text/template/parse/node.go` and `strconv`.

use super::{super::ast::Number, quoted, unquote_character};

/// How the lexer saw a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `'x'`
    Character,
    /// `1+2i`
    Complex,
    /// Everything else; `2i` included.
    Plain,
}

/// The value of a constant in every type that it fits; in none where it has an imaginary part.
///
/// # Errors
/// Go's words for a constant that it refuses.
pub fn parse(text: &str, shape: Shape) -> Result<Number, String> {
    match shape {
        Shape::Character => {
            let code = unquote_character(text)?;
            Ok(Number { int: Some(code.into()), uint: Some(code.into()), float: Some(code.into()) })
        }
        Shape::Complex => complex(text).map(|(real, imaginary)| simplified(real, imaginary)),
        Shape::Plain => plain(text),
    }
}

fn plain(text: &str) -> Result<Number, String> {
    if let Some(imaginary) = text.strip_suffix('i').and_then(|text| float(text).ok()) {
        return Ok(simplified(0.0, imaginary));
    }
    let int = signed(text);
    let uint = unsigned(text, text).or((int == Some(0)).then_some(0));
    if int.is_some() || uint.is_some() {
        // Rounds as Go does: to the nearest even.
        let float = int.map(|int| int as f64).or(uint.map(|uint| uint as f64));
        return Ok(Number { int, uint, float });
    }
    let Ok(value) = float(text) else {
        return Err(format!("illegal number syntax: {}", quoted(text)));
    };
    if !text.contains(['.', 'e', 'E', 'p', 'P']) {
        return Err(format!("integer overflow: {}", quoted(text)));
    }
    Ok(real(value))
}

fn simplified(part: f64, imaginary: f64) -> Number {
    if imaginary == 0.0 { real(part) } else { Number { int: None, uint: None, float: None } }
}

/// A float and the integers that it equals.
fn real(value: f64) -> Number {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    let whole = value.fract() == 0.0;
    let int = (whole && (-TWO_63..TWO_63).contains(&value)).then_some(value as i64);
    let uint = (whole && (0.0..2.0 * TWO_63).contains(&value)).then_some(value as u64);
    Number { int, uint, float: Some(value) }
}

/// `strconv.ParseInt` with base 0.
fn signed(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = i128::from(unsigned(digits, text)?);
    i64::try_from(if negative { -value } else { value }).ok()
}

/// `strconv.ParseUint` with base 0, of the digits of a text.
fn unsigned(digits: &str, text: &str) -> Option<u64> {
    let prefix = digits.get(..2).filter(|_| digits.len() > 2).map(str::to_ascii_lowercase);
    let (base, number) = match prefix.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ if digits == "0" => (10, digits),
        _ if digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if number.is_empty() || number.contains('_') && !underscores_separate_digits(text) {
        return None;
    }
    number
        .chars()
        .filter(|digit| *digit != '_')
        .try_fold(0u64, |value, digit| value.checked_mul(base.into())?.checked_add(digit.to_digit(base)?.into()))
}

/// Go's `underscoreOK`: underscores stand between digits, or between a base prefix and digits.
fn underscores_separate_digits(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text).to_ascii_lowercase();
    let prefixed = ["0x", "0o", "0b"].iter().any(|prefix| text.starts_with(prefix));
    let hexadecimal = text.starts_with("0x");
    let mut last = if prefixed { '0' } else { '^' };
    for character in text[if prefixed { 2 } else { 0 }..].chars() {
        let seen = match character {
            '0'..='9' => '0',
            'a'..='f' if hexadecimal => '0',
            '_' if last == '0' => '_',
            '_' => return false,
            _ if last == '_' => return false,
            _ => '!',
        };
        last = seen;
    }
    last != '_'
}

/// `strconv.ParseFloat`.
///
/// # Errors
/// Go's words.
fn float(text: &str) -> Result<f64, String> {
    let refused = |why: &str| Err(format!("strconv.ParseFloat: parsing {}: {why}", quoted(text)));
    if text.contains('_') && !underscores_separate_digits(text) {
        return refused("invalid syntax");
    }
    let digits: String = text.chars().filter(|character| *character != '_').collect();
    let (sign, unsigned) = match digits.strip_prefix('-') {
        Some(unsigned) => (-1.0, unsigned),
        None => (1.0, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let value = if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        hexadecimal(&unsigned[2..])
    } else {
        // Rust's own grammar is Go's, but for a second sign, words, and a point without digits.
        let numeric = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        unsigned.parse::<f64>().ok().filter(|_| numeric)
    };
    match value {
        Some(value) if value.is_infinite() => refused("value out of range"),
        Some(value) => Ok(sign * value),
        None => refused("invalid syntax"),
    }
}

/// The value of `1.8p3` with hexadecimal digits, rounded to the nearest even; infinite where it is too large.
fn hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => (-1, exponent),
        None => (1, exponent.strip_prefix('+').unwrap_or(exponent)),
    };
    if exponent.is_empty() || !exponent.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut power = sign * exponent.parse::<i64>().map_or(100_000, |power| power.min(100_000));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // The lowest bit stands for all that no longer fits.
    let mut mantissa = 0u64;
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            power -= if at >= whole.len() { 4 } else { 0 };
        } else {
            mantissa |= u64::from(digit != 0);
            power += if at < whole.len() { 4 } else { 0 };
        }
    }
    if mantissa == 0 {
        return Some(0.0);
    }
    // Two bits below the last one that stays decide on rounding.
    while mantissa >> 54 == 0 {
        mantissa <<= 1;
        power -= 1;
    }
    while mantissa >> 55 != 0 || mantissa > 1 && power < -1076 {
        mantissa = mantissa >> 1 | mantissa & 1;
        power += 1;
    }
    let round = mantissa & 3 | mantissa >> 2 & 1;
    mantissa = (mantissa >> 2) + u64::from(round == 3);
    power += 2;
    // Exact, now that everything is rounded; in two steps, as the power alone may be too small for a float.
    let power = i32::try_from(power).ok()?.min(2_000);
    Some(mantissa as f64 * 2f64.powi(power / 2) * 2f64.powi(power - power / 2))
}

/// The parts of a complex constant, as `fmt.Sscan` reads it.
fn complex(text: &str) -> Result<(f64, f64), String> {
    let syntax = || "syntax error scanning complex number".to_owned();
    let (real, rest) = float_token(text);
    let sign = rest.get(..1).filter(|sign| matches!(*sign, "+" | "-")).ok_or_else(syntax)?;
    let (imaginary, rest) = float_token(&rest[1..]);
    if !rest.starts_with('i') {
        return Err(syntax());
    }
    Ok((float(real)?, float(&format!("{sign}{imaginary}"))?))
}

/// What `fmt` takes for a float at the start of a text, and the rest.
fn float_token(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let accept = |at: &mut usize, valid: &dyn Fn(u8) -> bool| {
        let accepted = bytes.get(*at).is_some_and(|byte| valid(*byte));
        *at += usize::from(accepted);
        accepted
    };
    let sign = |byte: u8| matches!(byte, b'+' | b'-');
    accept(&mut at, &sign);
    accept(&mut at, &|byte| matches!(byte, b'i' | b'I'));
    let hexadecimal = accept(&mut at, &|byte| byte == b'0') && accept(&mut at, &|byte| matches!(byte, b'x' | b'X'));
    let digit = |byte: u8| byte == b'_' || byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit();
    while accept(&mut at, &digit) {}
    if accept(&mut at, &|byte| byte == b'.') {
        while accept(&mut at, &digit) {}
    }
    let exponent: &[u8] = if hexadecimal { b"pP" } else { b"eEpP" };
    if accept(&mut at, &|byte| exponent.contains(&byte)) {
        accept(&mut at, &sign);
        while accept(&mut at, &|byte| byte == b'_' || byte.is_ascii_digit()) {}
    }
    text.split_at(at)
}
