//! Terraform's numbers: binary floating point of a precision that each number carries.
//!
//! A literal has 512 bits, the length of a list 64, the answer of a logarithm 53, and what is computed from two numbers
//! has the larger precision of both: that is how Go's `math/big.Float` counts and so does Terraform (go-cty), down to the
//! last printed digit. A 64-bit float would say something else about `1/3`, about `0.1 + 0.2` and about every long integer.

mod decimal;

use std::{cmp::Ordering, rc::Rc};

use num_bigint::{BigInt, BigUint, Sign};

/// The bits of a number that is written down.
pub const WRITTEN: u32 = 512;

/// The bits of a number that a 64-bit integer becomes.
pub const INTEGER: u32 = 64;

/// The bits of a number that a 64-bit float becomes.
pub const FLOAT: u32 = 53;

/// The most bits before or behind the binary point that are spelled out; 12,000 decimal digits.
const MAX_WIDTH: i64 = 40_000;

/// A number, or an infinity. Cheap to clone.
///
/// Equal numbers may have different precisions: compare them with `==` or [`Number::cmp`], which look at the value alone.
#[derive(Clone, Debug)]
pub struct Number(Rc<Float>);

#[derive(Debug)]
struct Float {
    /// The bits that a result of this number is rounded to.
    precision: u32,
    is_negative: bool,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Zero,
    /// `mantissa * 2^exponent`; the mantissa is odd.
    Finite {
        mantissa: BigUint,
        exponent: i64,
    },
    Infinite,
}

impl Number {
    /// Reads decimal digits with an optional sign, point and exponent, as literals, strings and JSON have them. Nothing
    /// where the text is no such number, or one whose exponent no number has.
    pub fn parse(text: &str) -> Option<Self> {
        decimal::parse(text)
    }

    /// Zero, with the precision of an integer.
    pub fn zero() -> Self {
        Self::from(0_i64)
    }

    /// One of the infinities.
    pub fn infinity(is_negative: bool) -> Self {
        Self(Rc::new(Float { precision: INTEGER, is_negative, form: Form::Infinite }))
    }

    /// The number that a 64-bit float is; nothing where it is none.
    pub fn of_float(float: f64) -> Option<Self> {
        if float.is_nan() {
            return None;
        }
        let is_negative = float.is_sign_negative();
        if float.is_infinite() || float == 0.0 {
            let form = if float == 0.0 { Form::Zero } else { Form::Infinite };
            return Some(Self(Rc::new(Float { precision: FLOAT, is_negative, form })));
        }
        let bits = float.to_bits();
        let (biased, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
        let (mantissa, exponent) = if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
        Some(Self::rounded(is_negative, mantissa.into(), exponent, FLOAT))
    }

    /// The number that an integer is: exact, with at least 64 bits.
    pub fn of_integer(integer: &BigInt) -> Self {
        let (sign, mantissa) = (integer.sign(), integer.magnitude().clone());
        let precision = u32::try_from(mantissa.bits()).unwrap_or(u32::MAX).max(INTEGER);
        Self::rounded(sign == Sign::Minus, mantissa, 0, precision)
    }

    /// The bits that results of this number are rounded to.
    pub fn precision(&self) -> u32 {
        self.0.precision
    }

    /// What spelling it out or cutting it to an integer costs, in steps of a budget: it grows with the square of its digits.
    pub fn cost(&self) -> usize {
        match &self.0.form {
            Form::Finite { mantissa, exponent } if exponent.abs() <= MAX_WIDTH => {
                let words = (mantissa.bits() + exponent.unsigned_abs()) as usize / 64;
                1 + words * words / 100
            }
            _ => 1,
        }
    }

    /// The least bits that hold it exactly.
    pub fn least_precision(&self) -> u32 {
        match &self.0.form {
            Form::Finite { mantissa, .. } => mantissa.bits() as u32,
            _ => 0,
        }
    }

    /// The same number, rounded to so many bits.
    pub fn with_precision(&self, precision: u32) -> Self {
        match &self.0.form {
            Form::Finite { mantissa, exponent } => {
                Self::rounded(self.0.is_negative, mantissa.clone(), *exponent, precision)
            }
            form => Self(Rc::new(Float { precision, is_negative: self.0.is_negative, form: form.clone() })),
        }
    }

    /// Tells whether it stands below zero; a zero may be negative, too.
    pub fn is_negative(&self) -> bool {
        self.0.is_negative
    }

    /// Tells whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.0.form == Form::Zero
    }

    /// Tells whether it is one of the infinities.
    pub fn is_infinite(&self) -> bool {
        self.0.form == Form::Infinite
    }

    /// Tells whether nothing is behind its point. The infinities are no integers.
    pub fn is_integer(&self) -> bool {
        match &self.0.form {
            Form::Zero => true,
            Form::Finite { exponent, .. } => *exponent >= 0,
            Form::Infinite => false,
        }
    }

    /// The integer that it is without what is behind its point. Nothing for the infinities and for numbers that are too
    /// long to be spelled out.
    pub fn truncated(&self) -> Option<BigInt> {
        let magnitude = match &self.0.form {
            Form::Zero => BigUint::ZERO,
            Form::Infinite => return None,
            Form::Finite { exponent, .. } if *exponent > MAX_WIDTH => return None,
            Form::Finite { mantissa, exponent } if *exponent >= 0 => mantissa << *exponent as u64,
            Form::Finite { mantissa, exponent } => {
                let drop = exponent.unsigned_abs();
                if drop >= mantissa.bits() { BigUint::ZERO } else { mantissa >> drop }
            }
        };
        Some(BigInt::from_biguint(if self.0.is_negative { Sign::Minus } else { Sign::Plus }, magnitude))
    }

    /// The integer that it is exactly, where it is one of 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        if !self.is_integer() || self.top() > 64 {
            return None;
        }
        self.truncated()?.try_into().ok()
    }

    /// The nearest 64-bit float.
    pub fn to_f64(&self) -> f64 {
        let magnitude = match &self.0.form {
            Form::Zero => 0.0,
            Form::Infinite => f64::INFINITY,
            Form::Finite { .. } if self.top() > 1024 => f64::INFINITY,
            Form::Finite { .. } if self.top() < -1080 => 0.0,
            Form::Finite { mantissa, exponent } => nearest_float(mantissa, *exponent),
        };
        if self.0.is_negative { -magnitude } else { magnitude }
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        let Float { precision, is_negative, form } = &*self.0;
        Self(Rc::new(Float { precision: *precision, is_negative: !is_negative, form: form.clone() }))
    }

    /// The number without its sign.
    #[must_use]
    pub fn absolute(&self) -> Self {
        if self.0.is_negative { self.negated() } else { self.clone() }
    }

    /// The sum; nothing for infinities of different signs.
    pub fn add(&self, other: &Self) -> Option<Self> {
        self.add_to(other, self.0.precision.max(other.0.precision))
    }

    fn add_to(&self, other: &Self, precision: u32) -> Option<Self> {
        let form = |number: &Self| Self(Rc::new(Float { precision, ..number.0.copied() }));
        match (&self.0.form, &other.0.form) {
            (Form::Infinite, Form::Infinite) if self.0.is_negative != other.0.is_negative => None,
            (Form::Infinite, _) => Some(form(self)),
            (_, Form::Infinite) => Some(form(other)),
            (Form::Zero, Form::Zero) => {
                let is_negative = self.0.is_negative && other.0.is_negative;
                Some(Self(Rc::new(Float { precision, is_negative, form: Form::Zero })))
            }
            (_, Form::Zero) => Some(self.with_precision(precision)),
            (Form::Zero, _) => Some(other.with_precision(precision)),
            (Form::Finite { .. }, Form::Finite { .. }) => Some(self.added(other, precision)),
        }
    }

    /// The difference; nothing for infinities of one sign.
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        self.add(&other.negated())
    }

    /// The product, exact where 512 bits hold it; nothing for zero times infinity.
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        let wide = self.multiply_to(other, WRITTEN)?;
        let precision = self.0.precision.max(other.0.precision).max(wide.least_precision());
        Some(wide.with_precision(precision))
    }

    fn multiply_to(&self, other: &Self, precision: u32) -> Option<Self> {
        let is_negative = self.0.is_negative != other.0.is_negative;
        let of = |form| Some(Self(Rc::new(Float { precision, is_negative, form })));
        match (&self.0.form, &other.0.form) {
            (Form::Zero, Form::Infinite) | (Form::Infinite, Form::Zero) => None,
            (Form::Infinite, _) | (_, Form::Infinite) => of(Form::Infinite),
            (Form::Zero, _) | (_, Form::Zero) => of(Form::Zero),
            (Form::Finite { mantissa: a, exponent: x }, Form::Finite { mantissa: b, exponent: y }) => {
                Some(Self::rounded(is_negative, a * b, x + y, precision))
            }
        }
    }

    /// The quotient, an infinity where the divisor is zero; nothing for zero by zero and infinity by infinity.
    pub fn divide(&self, other: &Self) -> Option<Self> {
        self.divide_to(other, self.0.precision.max(other.0.precision))
    }

    fn divide_to(&self, other: &Self, precision: u32) -> Option<Self> {
        let is_negative = self.0.is_negative != other.0.is_negative;
        let of = |form| Some(Self(Rc::new(Float { precision, is_negative, form })));
        match (&self.0.form, &other.0.form) {
            (Form::Zero, Form::Zero) | (Form::Infinite, Form::Infinite) => None,
            (Form::Zero, _) | (_, Form::Infinite) => of(Form::Zero),
            (Form::Infinite, _) | (_, Form::Zero) => of(Form::Infinite),
            (Form::Finite { mantissa: a, exponent: x }, Form::Finite { mantissa: b, exponent: y }) => {
                // Enough bits for the precision, one to round by, and what is left over as one more.
                let shift = (u64::from(precision) + 2 + b.bits()).saturating_sub(a.bits());
                let (dividend, divisor) = (a << shift, b);
                let quotient = &dividend / divisor;
                let is_exact = &quotient * divisor == dividend;
                let sticky: BigUint = (quotient << 1u8) | BigUint::from(u8::from(!is_exact));
                Some(Self::rounded(is_negative, sticky, x - y - shift as i64 - 1, precision))
            }
        }
    }

    /// What is left over of a division whose quotient is cut to an integer: it has the sign of the dividend, and is the
    /// dividend itself where the divisor is zero. Nothing for infinities and quotients that are too long.
    pub fn remainder(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return Some(self.clone());
        }
        let quotient = Self::of_integer(&self.divide(other)?.truncated()?).with_precision(self.0.precision);
        let whole = other.multiply_to(&quotient, self.0.precision)?;
        self.add_to(&whole.negated(), self.0.precision)
    }

    /// The place of its highest bit: it is less than `2^top`.
    fn top(&self) -> i64 {
        match &self.0.form {
            Form::Finite { mantissa, exponent } => exponent + mantissa.bits() as i64,
            _ => 0,
        }
    }

    fn added(&self, other: &Self, precision: u32) -> Self {
        let (large, small) = if self.top() >= other.top() { (self, other) } else { (other, self) };
        let (Form::Finite { mantissa: a, exponent: x }, Form::Finite { mantissa: b, exponent: y }) =
            (&large.0.form, &small.0.form)
        else {
            unreachable!("only finite numbers are added")
        };
        // A small number far below the last bit that counts only says in which direction to round.
        let floor = (x - i64::from(precision) - 64).min(large.top() - i64::from(precision) - 64);
        let (b, y) = if small.top() < floor { (&BigUint::from(1u8), &floor) } else { (b, y) };
        let low = *x.min(y);
        let signed = |number: &Self, mantissa: &BigUint, exponent: i64| {
            let sign = if number.0.is_negative { Sign::Minus } else { Sign::Plus };
            BigInt::from_biguint(sign, mantissa << (exponent - low) as u64)
        };
        let sum = signed(large, a, *x) + signed(small, b, *y);
        Self::rounded(sum.sign() == Sign::Minus, sum.magnitude().clone(), low, precision)
    }

    /// Rounds `mantissa * 2^exponent` to so many bits, a tie to the even neighbour.
    fn rounded(is_negative: bool, mut mantissa: BigUint, mut exponent: i64, precision: u32) -> Self {
        let of = |form| Self(Rc::new(Float { precision, is_negative, form }));
        if mantissa == BigUint::ZERO {
            return of(Form::Zero);
        }
        let over = mantissa.bits().saturating_sub(u64::from(precision));
        if over > 0 {
            let half_set = mantissa.bit(over - 1);
            let below_half = mantissa.trailing_zeros().unwrap_or(0) < over - 1;
            mantissa >>= over;
            exponent += over as i64;
            if half_set && (below_half || mantissa.bit(0)) {
                mantissa += 1u8;
            }
        }
        let zeros = mantissa.trailing_zeros().unwrap_or(0);
        mantissa >>= zeros;
        exponent += zeros as i64;
        let top = exponent + mantissa.bits() as i64;
        if top > i64::from(i32::MAX) {
            return of(Form::Infinite);
        }
        if top < i64::from(i32::MIN) {
            return of(Form::Zero);
        }
        of(Form::Finite { mantissa, exponent })
    }
}

impl Float {
    fn copied(&self) -> Self {
        Self { precision: self.precision, is_negative: self.is_negative, form: self.form.clone() }
    }
}

/// Rounds to the nearest float, a tie to the even neighbour; subnormal floats have fewer bits.
fn nearest_float(mantissa: &BigUint, exponent: i64) -> f64 {
    let top = exponent + mantissa.bits() as i64;
    let bits = if top < -1021 { (53 - (-1021 - top)).max(0) } else { 53 } as u64;
    let over = mantissa.bits().saturating_sub(bits);
    let (mut kept, mut exponent) = (mantissa >> over, exponent + over as i64);
    if over > 0 {
        let half_set = mantissa.bit(over - 1);
        let below_half = mantissa.trailing_zeros().unwrap_or(0) < over - 1;
        if half_set && (below_half || kept.bit(0)) {
            kept += 1u8;
        }
    }
    let mut float = u64::try_from(&kept).unwrap_or(u64::MAX) as f64;
    // In two steps, since the power alone may lie beyond the floats.
    while exponent != 0 {
        let step = exponent.clamp(-1000, 1000);
        float *= 2f64.powi(step as i32);
        exponent -= step;
    }
    float
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self::rounded(integer < 0, integer.unsigned_abs().into(), 0, INTEGER)
    }
}

impl From<usize> for Number {
    fn from(integer: usize) -> Self {
        Self::rounded(false, integer.into(), 0, INTEGER)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// By value: zeros are equal whatever their sign.
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |number: &Self| match (&number.0.form, number.0.is_negative) {
            (Form::Infinite, true) => -2,
            (Form::Finite { .. }, true) => -1,
            (Form::Zero, _) => 0,
            (Form::Finite { .. }, false) => 1,
            (Form::Infinite, false) => 2,
        };
        let by_magnitude = || match (&self.0.form, &other.0.form) {
            (Form::Finite { mantissa: a, exponent: x }, Form::Finite { mantissa: b, exponent: y }) => {
                self.top().cmp(&other.top()).then_with(|| {
                    // Their highest bits stand at one place, so that the shift is no longer than a mantissa.
                    let low = *x.min(y);
                    (a << (x - low) as u64).cmp(&(b << (y - low) as u64))
                })
            }
            _ => Ordering::Equal,
        };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| if self.0.is_negative { by_magnitude().reverse() } else { by_magnitude() })
    }
}
