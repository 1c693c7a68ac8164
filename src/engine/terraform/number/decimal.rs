//! Numbers as decimal digits: reading them, and the shortest digits that say which number it is.

use num_bigint::BigUint;

use super::{Form, INTEGER, MAX_WIDTH, Number, WRITTEN};

/// The most digits of a text that is read.
const MAX_DIGITS: usize = 100_000;

/// The digits that 64 bits hold, whichever they are.
const SHORT: usize = 19;

/// The largest power of five that Go keeps in a table; it multiplies its way to the others, rounding as it goes.
const TABLED: u64 = 27;

/// Decimal digits `0.d₁d₂d₃… * 10^point` without zeros at the end; none for zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// The digits, as ASCII.
    pub digits: Vec<u8>,
    /// How many of them stand before the point.
    pub point: i64,
}

/// Reads a number of 512 bits the way Go does: digits exactly, powers of ten with 64 bits to spare.
pub fn parse(text: &str) -> Option<Number> {
    // What most numbers are.
    if text.len() <= SHORT && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let integer: u64 = text.parse().ok()?;
        return Some(Number::rounded(false, integer.into(), 0, WRITTEN));
    }
    let (is_negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(unsigned, "Inf" | "inf") {
        return Some(Number::infinity(is_negative).with_precision(WRITTEN));
    }
    // An exponent of two is read as well: `1p3` is 8.
    let (number, exponent, twos) = match unsigned.find(['e', 'E', 'p', 'P']) {
        Some(at) => {
            let exponent = read_exponent(&unsigned[at + 1..])?;
            let is_binary = matches!(unsigned.as_bytes()[at], b'p' | b'P');
            (&unsigned[..at], if is_binary { 0 } else { exponent }, if is_binary { exponent } else { 0 })
        }
        None => (unsigned, 0, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) || number.len() > MAX_DIGITS {
        return None;
    }
    let mantissa = BigUint::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?;
    let power = exponent - fraction.len() as i64;
    if mantissa == BigUint::ZERO {
        return Some(Number::rounded(is_negative, mantissa, 0, WRITTEN));
    }
    let top = mantissa.bits() as i64 + power + twos;
    if i32::try_from(top).is_err() {
        return None;
    }
    if power == 0 {
        return Some(Number::rounded(is_negative, mantissa, twos, WRITTEN));
    }
    let bits = mantissa.bits() as u32;
    let exact = Number::rounded(is_negative, mantissa, power + twos, bits.max(WRITTEN));
    let five = power_of_five(power.unsigned_abs(), WRITTEN + 64)?;
    if power < 0 { exact.divide_to(&five, WRITTEN) } else { exact.multiply_to(&five, WRITTEN) }
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let magnitude: i64 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    (magnitude <= 1 << 40).then_some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// A power of five in so many bits, with the roundings of Go's way to it.
fn power_of_five(power: u64, precision: u32) -> Option<Number> {
    let small = |power: u64| Number::rounded(false, BigUint::from(5u8).pow(power as u32), 0, precision);
    if power <= TABLED {
        return Some(small(power));
    }
    let mut result = small(TABLED);
    let mut rest = power - TABLED;
    let mut factor = Number::rounded(false, 5u8.into(), 0, precision + 64);
    while rest > 0 {
        if rest & 1 != 0 {
            result = result.multiply_to(&factor, precision)?;
        }
        factor = factor.multiply_to(&factor, precision + 64)?;
        rest >>= 1;
    }
    Some(result)
}

impl Number {
    /// All decimal digits; nothing for the infinities and where there are more than are spelled out.
    pub fn all_digits(&self) -> Option<Digits> {
        match &self.0.form {
            Form::Zero => Some(Digits { digits: Vec::new(), point: 0 }),
            Form::Finite { mantissa, exponent } => exact(mantissa, *exponent),
            Form::Infinite => None,
        }
    }

    /// The fewest decimal digits that no other number of its precision is nearer to; nothing as for
    /// [`Number::all_digits`].
    ///
    /// It follows Go's `roundShortest`, which compares digits of the neighbours place by place.
    pub fn shortest_digits(&self) -> Option<Digits> {
        let mut decimal = self.all_digits()?;
        let Form::Finite { mantissa, exponent } = &self.0.form else { return Some(decimal) };
        // Of an integer that its precision holds to the last one, fewer digits are another number.
        if *exponent >= 0 && mantissa.bits() as i64 + exponent <= i64::from(self.0.precision) {
            return Some(decimal);
        }
        // The last bit of this stands for half of the last bit that the precision has.
        let shift = i64::from(self.0.precision) + 1 - mantissa.bits() as i64;
        let (wide, low) = if shift >= 0 {
            (mantissa << shift as u64, exponent - shift)
        } else {
            (mantissa >> (-shift) as u64, exponent - shift)
        };
        let (lower, upper) = (exact(&(&wide - 1u8), low)?, exact(&(&wide + 1u8), low)?);
        let is_inclusive = !wide.bit(1);
        let at = |digits: &Digits, index: usize| digits.digits.get(index).copied().unwrap_or(b'0');
        for index in 0..decimal.digits.len() {
            let (below, here, above) = (at(&lower, index), decimal.digits[index], at(&upper, index));
            let may_go_down = below != here || is_inclusive && index + 1 == lower.digits.len();
            let may_go_up = here != above && (is_inclusive || here + 1 < above || index + 1 < upper.digits.len());
            match (may_go_down, may_go_up) {
                (true, true) => decimal.round(index + 1),
                (true, false) => decimal.cut(index + 1),
                (false, true) => decimal.round_up(index + 1),
                (false, false) => continue,
            }
            break;
        }
        Some(decimal)
    }
}

/// The digits of `mantissa * 2^exponent`.
fn exact(mantissa: &BigUint, exponent: i64) -> Option<Digits> {
    if exponent.abs() > MAX_WIDTH {
        return None;
    }
    let (whole, behind) = if exponent >= 0 {
        (mantissa << exponent as u64, 0)
    } else {
        let zeros = (mantissa.trailing_zeros().unwrap_or(0) as i64).min(-exponent);
        let behind = -exponent - zeros;
        ((mantissa >> zeros as u64) * BigUint::from(5u8).pow(behind as u32), behind)
    };
    let mut digits = whole.to_str_radix(10).into_bytes();
    let point = digits.len() as i64 - behind;
    let kept = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    digits.truncate(kept);
    Some(Digits { point: if digits.is_empty() { 0 } else { point }, digits })
}

impl Digits {
    /// Keeps so many digits, rounding half to even.
    pub fn round(&mut self, kept: usize) {
        if kept >= self.digits.len() {
            return;
        }
        let is_half = self.digits[kept] == b'5' && kept + 1 == self.digits.len();
        let up = if is_half {
            kept > 0 && !(self.digits[kept - 1] - b'0').is_multiple_of(2)
        } else {
            self.digits[kept] >= b'5'
        };
        if up { self.round_up(kept) } else { self.cut(kept) }
    }

    fn round_up(&mut self, mut kept: usize) {
        if kept >= self.digits.len() {
            return;
        }
        while kept > 0 && self.digits[kept - 1] >= b'9' {
            kept -= 1;
        }
        if kept == 0 {
            self.digits = vec![b'1'];
            self.point += 1;
            return;
        }
        self.digits[kept - 1] += 1;
        self.digits.truncate(kept);
    }

    fn cut(&mut self, kept: usize) {
        if kept >= self.digits.len() {
            return;
        }
        self.digits.truncate(kept);
        let kept = self.digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        self.digits.truncate(kept);
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    fn at(&self, index: i64) -> char {
        usize::try_from(index).ok().and_then(|index| self.digits.get(index)).map_or('0', |digit| char::from(*digit))
    }

    /// Spells the digits without an exponent, with so many behind the point (Go's `%f`).
    pub fn fixed(&self, behind: usize) -> String {
        let mut text = String::new();
        if self.point > 0 {
            text.extend((0..self.point).map(|index| self.at(index)));
        } else {
            text.push('0');
        }
        if behind > 0 {
            text.push('.');
            text.extend((0..behind as i64).map(|index| self.at(self.point + index)));
        }
        text
    }

    /// Spells the digits with an exponent, with so many behind the point (Go's `%e`).
    pub fn scientific(&self, behind: usize, letter: char) -> String {
        let mut text = String::from(self.at(0));
        if behind > 0 {
            text.push('.');
            text.extend((1..=behind as i64).map(|index| self.at(index)));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        text + &format!("{letter}{sign}{:02}", exponent.abs())
    }
}

impl Number {
    /// As Terraform turns a number into a string: the shortest digits, never with an exponent. Nothing where there are more
    /// digits than are spelled out.
    pub fn spelled(&self) -> Option<String> {
        if self.is_infinite() {
            return Some(if self.is_negative() { "-Inf" } else { "+Inf" }.to_owned());
        }
        if let Some(integer) = self.short_integer() {
            return Some(integer.to_string());
        }
        let digits = self.shortest_digits()?;
        let behind = (digits.digits.len() as i64 - digits.point).max(0);
        let sign = if self.is_negative() { "-" } else { "" };
        Some(format!("{sign}{}", digits.fixed(behind as usize)))
    }
}

impl Number {
    /// An integer above zero of 64 bits, all of which its precision holds, so that no shorter digits say the same.
    fn short_integer(&self) -> Option<u64> {
        let Form::Finite { mantissa, exponent } = &self.0.form else { return None };
        let is_short = (0..64).contains(exponent) && mantissa.bits() + exponent.unsigned_abs() <= 64;
        if !is_short || self.0.is_negative || self.0.precision < INTEGER {
            return None;
        }
        Some(u64::try_from(mantissa).ok()? << exponent)
    }

    /// Go's `%g`: so many digits, or the shortest, with an exponent where it is small or large.
    pub fn general(&self, precision: Option<usize>) -> String {
        let sign = if self.is_negative() { "-" } else { "" };
        if self.is_infinite() {
            return if self.is_negative() { "-Inf".to_owned() } else { "+Inf".to_owned() };
        }
        let digits = match precision {
            None => self.shortest_digits(),
            Some(precision) => self.all_digits().map(|mut digits| {
                digits.round(precision.max(1));
                digits
            }),
        };
        let Some(digits) = digits else { return self.exact_key() };
        let count = digits.digits.len() as i64;
        let mut precision_left = precision.map_or(count, |precision| precision.max(1) as i64);
        let mut limit = precision_left;
        if limit > count && count >= digits.point {
            limit = count;
        }
        if precision.is_none() {
            limit = 6;
        }
        let exponent = digits.point - 1;
        if exponent < -4 || exponent >= limit {
            let behind = precision_left.min(count) - 1;
            return format!("{sign}{}", digits.scientific(behind.max(0) as usize, 'e'));
        }
        if precision_left > digits.point {
            precision_left = count;
        }
        format!("{sign}{}", digits.fixed((precision_left - digits.point).max(0) as usize))
    }

    /// A text that is the same for equal numbers, and different for different ones.
    pub fn exact_key(&self) -> String {
        match &self.0.form {
            Form::Zero => "0".to_owned(),
            Form::Infinite => if self.is_negative() { "-∞" } else { "∞" }.to_owned(),
            Form::Finite { mantissa, exponent } => {
                format!("{}{}p{exponent}", if self.is_negative() { "-" } else { "" }, mantissa.to_str_radix(16))
            }
        }
    }
}
