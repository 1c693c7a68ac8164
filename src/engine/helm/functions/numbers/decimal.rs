//! Decimal numbers without a limit, as far as sprig's `addf`, `subf`, `mulf` and `divf` need them.
//!
//! They follow shopspring/decimal 1.4.0: a float becomes the shortest decimal that reads back as it, sums and products are
//! exact, quotients are rounded half away from zero at 16 decimal places, and the result is the nearest float.

use std::cmp::Ordering;

/// The decimal places of a quotient.
const DIVISION_PLACES: i32 = 16;

/// `digits` times ten to the `exponent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Decimal digits, the first one not 0; none for 0.
    digits: Vec<u8>,
    exponent: i32,
}

impl Decimal {
    /// The shortest decimal that reads back as a float; nothing for infinities and NaN.
    pub fn new(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let printed = format!("{value:e}");
        let (mantissa, exponent) = printed.split_once('e')?;
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len()) as i32;
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        let exponent = exponent.parse::<i32>().ok()? - places;
        Some(Self { negative: value < 0.0, digits, exponent }.trimmed())
    }

    /// The number of digits: what computing with it costs.
    pub fn len(&self) -> usize {
        self.digits.len()
    }

    /// Tells whether it is 0.
    pub fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// The sum.
    pub fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.scaled_to(exponent), other.scaled_to(exponent));
        let (negative, digits) = if self.negative == other.negative {
            (self.negative, sum(&a, &b))
        } else if compare(&a, &b) == Ordering::Less {
            (other.negative, difference(&b, &a))
        } else {
            (self.negative, difference(&a, &b))
        };
        Self { negative, digits, exponent }.trimmed()
    }

    /// The difference.
    pub fn subtract(&self, other: &Self) -> Self {
        self.add(&Self { negative: !other.negative, ..other.clone() })
    }

    /// The product.
    pub fn multiply(&self, other: &Self) -> Self {
        let digits = product(&self.digits, &other.digits);
        let exponent = self.exponent.saturating_add(other.exponent);
        Self { negative: self.negative != other.negative, digits, exponent }.trimmed()
    }

    /// The quotient; nothing for a division by 0.
    pub fn divide(&self, other: &Self) -> Option<Self> {
        if other.is_empty() {
            return None;
        }
        let shift = self.exponent - other.exponent + DIVISION_PLACES;
        let (mut dividend, mut divisor) = (self.digits.clone(), other.digits.clone());
        if dividend.is_empty() {
            return Some(self.clone());
        }
        let grown = if shift >= 0 { &mut dividend } else { &mut divisor };
        grown.extend(std::iter::repeat_n(0, shift.unsigned_abs() as usize));
        let (mut quotient, rest) = quotient(&dividend, &divisor);
        if compare(&sum(&rest, &rest), &divisor) != Ordering::Less {
            quotient = sum(&quotient, &[1]);
        }
        let negative = self.negative != other.negative;
        Some(Self { negative, digits: quotient, exponent: -DIVISION_PLACES }.trimmed())
    }

    /// The nearest float.
    pub fn to_float(&self) -> f64 {
        if self.digits.is_empty() {
            return 0.0;
        }
        let digits: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{digits}e{}", self.exponent).parse().expect("digits and an exponent are a float")
    }

    fn scaled_to(&self, exponent: i32) -> Vec<u8> {
        let mut digits = self.digits.clone();
        if !digits.is_empty() {
            digits.extend(std::iter::repeat_n(0, (self.exponent - exponent) as usize));
        }
        digits
    }

    fn trimmed(mut self) -> Self {
        let leading = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..leading);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        if self.digits.is_empty() {
            return Self { negative: false, digits: Vec::new(), exponent: 0 };
        }
        self
    }
}

/// Both without leading zeros.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (significant(a), significant(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn significant(digits: &[u8]) -> &[u8] {
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    &digits[leading..]
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(a.len().max(b.len()) + 1);
    let (mut a, mut b) = (a.iter().rev(), b.iter().rev());
    let mut carry = 0;
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            break;
        }
        let digit = x.copied().unwrap_or(0) + y.copied().unwrap_or(0) + carry;
        digits.push(digit % 10);
        carry = digit / 10;
    }
    digits.push(carry);
    digits.reverse();
    digits
}

/// `a - b`, where `a` is not smaller.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (a, b) = (significant(a), significant(b));
    let mut digits = Vec::with_capacity(a.len());
    let mut b = b.iter().rev();
    let mut borrow = 0;
    for x in a.iter().rev() {
        let y = b.next().copied().unwrap_or(0) + borrow;
        borrow = u8::from(*x < y);
        digits.push(x + 10 * borrow - y);
    }
    digits.reverse();
    digits
}

fn product(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut columns = vec![0_u64; a.len() + b.len()];
    for (i, x) in a.iter().rev().enumerate() {
        for (j, y) in b.iter().rev().enumerate() {
            columns[i + j] += u64::from(*x) * u64::from(*y);
        }
    }
    let mut carry = 0;
    let mut digits: Vec<u8> = columns
        .into_iter()
        .map(|column| {
            let value = column + carry;
            carry = value / 10;
            (value % 10) as u8
        })
        .collect();
    digits.reverse();
    digits
}

/// Long division: the quotient and what is left.
fn quotient(dividend: &[u8], divisor: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut digits = Vec::with_capacity(dividend.len());
    let mut rest: Vec<u8> = Vec::new();
    for digit in dividend {
        rest.push(*digit);
        let mut times = 0;
        while compare(&rest, divisor) != Ordering::Less {
            rest = difference(&rest, divisor);
            times += 1;
        }
        digits.push(times);
    }
    (digits, rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decimals_compute_as_integers_do(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_000_i64..1_000_000_000) {
            let [x, y] = [a, b].map(|number| Decimal::new(number as f64).unwrap());
            prop_assert_eq!(x.add(&y).to_float(), (a + b) as f64);
            prop_assert_eq!(x.subtract(&y).to_float(), (a - b) as f64);
            prop_assert_eq!(x.multiply(&y).to_float(), (i128::from(a) * i128::from(b)) as f64);
            if b != 0 {
                prop_assert_eq!(x.multiply(&y).divide(&y).unwrap(), x);
            }
        }

        #[test]
        fn every_float_is_its_decimal(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
            prop_assert_eq!(Decimal::new(value).unwrap().to_float(), value);
        }
    }
}
