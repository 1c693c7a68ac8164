//! The verbs of a format: `%-10s`, `%05.2f`, `%[2]d`.

use std::ops::Range;

use num_bigint::BigInt;

use crate::engine::{go::quote::quoted, terraform::number::Number};

/// A part of a format.
pub enum Part {
    /// Text that stays.
    Text(Range<usize>),
    /// A verb.
    Verb(Verb),
}

/// A verb.
pub struct Verb {
    /// As it is written.
    pub raw: String,
    /// Where it is written, in bytes.
    pub offset: usize,
    /// Which argument it takes, from 1.
    pub argument: usize,
    /// Its letter.
    pub mode: char,
    /// `0`.
    pub zero: bool,
    /// `#`.
    pub sharp: bool,
    /// `+`.
    pub plus: bool,
    /// `-`.
    pub minus: bool,
    /// A space.
    pub space: bool,
    /// The least width.
    pub width: Option<usize>,
    /// What stands behind the point.
    pub precision: Option<usize>,
}

/// Reads the part that begins at a place, and where it ends; `next` is the argument whose turn it is.
///
/// # Errors
/// Terraform's words for a verb that is none.
pub fn read(format: &str, start: usize, next: usize) -> Result<(Part, usize), String> {
    let bytes = format.as_bytes();
    if bytes[start] != b'%' {
        let end = format[start..].find('%').map_or(format.len(), |found| start + found);
        return Ok((Part::Text(start..end), end));
    }
    if bytes.get(start + 1) == Some(&b'%') {
        return Ok((Part::Text(start + 1..start + 2), start + 2));
    }
    let mut verb = Verb {
        raw: String::new(),
        offset: start,
        argument: next,
        mode: ' ',
        zero: false,
        sharp: false,
        plus: false,
        minus: false,
        space: false,
        width: None,
        precision: None,
    };
    let mut at = start + 1;
    while let Some(flag) = bytes.get(at) {
        match flag {
            b'0' => verb.zero = true,
            b'#' => verb.sharp = true,
            b'-' => verb.minus = true,
            b'+' => verb.plus = true,
            b' ' => verb.space = true,
            _ => break,
        }
        at += 1;
    }
    if bytes.get(at).is_some_and(|byte| (b'1'..=b'9').contains(byte)) {
        verb.width = Some(number(bytes, &mut at));
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        verb.precision = Some(number(bytes, &mut at));
    }
    if bytes.get(at) == Some(&b'[') {
        at += 1;
        if bytes.get(at).is_some_and(|byte| (b'1'..=b'9').contains(byte)) {
            verb.argument = number(bytes, &mut at);
        } else {
            return Err(wrong(format, at));
        }
        if bytes.get(at) != Some(&b']') {
            return Err(wrong(format, at));
        }
        at += 1;
    }
    match bytes.get(at) {
        Some(mode) if mode.is_ascii_alphabetic() => verb.mode = char::from(*mode),
        _ => return Err(wrong(format, at)),
    }
    format[start..=at].clone_into(&mut verb.raw);
    Ok((Part::Verb(verb), at + 1))
}

fn wrong(format: &str, at: usize) -> String {
    match format[at..].chars().next() {
        Some(character) => {
            let shown = quoted(character.to_string());
            let inner = match character {
                '\'' => "\\'",
                '"' => "\"",
                _ => &shown[1..shown.len() - 1],
            };
            format!("unrecognized format character '{inner}' at offset {at}")
        }
        None => format!("invalid format string starting at offset {at}"),
    }
}

fn number(bytes: &[u8], at: &mut usize) -> usize {
    let mut number = 0_usize;
    while let Some(digit) = bytes.get(*at).filter(|byte| byte.is_ascii_digit()) {
        number = number.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
        *at += 1;
    }
    number
}

impl Verb {
    /// A whole number as Go's `big.Int` prints it.
    pub fn integer(&self, integer: &BigInt) -> String {
        let (radix, prefix) = match self.mode {
            'b' => (2, "0b"),
            'o' => (8, "0"),
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            _ => (10, ""),
        };
        let prefix = if self.sharp { prefix } else { "" };
        let mut digits = integer.magnitude().to_str_radix(radix);
        if self.mode == 'X' {
            digits.make_ascii_uppercase();
        }
        let sign = self.sign(integer.sign() == num_bigint::Sign::Minus);
        let mut zeros = 0;
        if let Some(precision) = self.precision {
            if precision == 0 && digits == "0" {
                return String::new();
            }
            zeros = precision.saturating_sub(digits.len());
        }
        let length = sign.len() + prefix.len() + zeros + digits.len();
        let missing = self.width.unwrap_or(0).saturating_sub(length);
        let (mut left, mut right) = (0, 0);
        if self.minus {
            right = missing;
        } else if self.zero && self.precision.is_none() {
            zeros = missing;
        } else {
            left = missing;
        }
        format!("{}{sign}{prefix}{}{digits}{}", " ".repeat(left), "0".repeat(zeros), " ".repeat(right))
    }

    /// A number as Go's `big.Float` prints it; nothing where it has too many digits.
    pub fn float(&self, number: &Number) -> Option<String> {
        let (mut sign, digits) = if number.is_infinite() {
            (if number.is_negative() { "-" } else { "+" }, "Inf".to_owned())
        } else {
            (self.sign(number.is_negative()), self.digits(number)?)
        };
        if number.is_infinite() && !number.is_negative() && self.space {
            sign = " ";
        }
        let missing = self.width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
        Some(if self.zero && !self.minus && !number.is_infinite() {
            format!("{sign}{}{digits}", "0".repeat(missing))
        } else if self.minus {
            format!("{sign}{digits}{}", " ".repeat(missing))
        } else {
            format!("{}{sign}{digits}", " ".repeat(missing))
        })
    }

    fn digits(&self, number: &Number) -> Option<String> {
        let magnitude = number.absolute();
        match self.mode {
            'g' | 'G' => {
                magnitude.all_digits()?;
                let text = magnitude.general(self.precision);
                Some(if self.mode == 'G' { text.replace('e', "E") } else { text })
            }
            'f' => {
                let behind = self.precision.unwrap_or(6);
                let mut digits = magnitude.all_digits()?;
                if let Ok(kept) = usize::try_from(digits.point + behind as i64) {
                    digits.round(kept);
                }
                Some(digits.fixed(behind))
            }
            letter => {
                let behind = self.precision.unwrap_or(6);
                let mut digits = magnitude.all_digits()?;
                digits.round(behind + 1);
                Some(digits.scientific(behind, letter))
            }
        }
    }

    fn sign(&self, is_negative: bool) -> &'static str {
        if is_negative {
            "-"
        } else if self.plus {
            "+"
        } else if self.space {
            " "
        } else {
            ""
        }
    }
}
