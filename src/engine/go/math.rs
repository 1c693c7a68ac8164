//! Go's `math` on AMD64, to the last bit: other libraries round logarithms and powers elsewhere.

use std::f64::consts::SQRT_2;

/// `math.Log`.
pub fn log(x: f64) -> f64 {
    const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
    const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
    const L: [f64; 7] = [
        f64::from_bits(0x3fe5_5555_5555_5593),
        f64::from_bits(0x3fd9_9999_9997_fa04),
        f64::from_bits(0x3fd2_4924_9422_9359),
        f64::from_bits(0x3fcc_71c5_1d8e_78af),
        f64::from_bits(0x3fc7_4664_96cb_03de),
        f64::from_bits(0x3fc3_9a09_d078_c69f),
        f64::from_bits(0x3fc2_f112_df3e_5244),
    ];
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x <= 0.0 {
        return if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    let (mut fraction, mut exponent) = split(x);
    if fraction < SQRT_2 / 2.0 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (fraction - 1.0, exponent as f64);
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * (L[0] + s4 * (L[2] + s4 * (L[4] + s4 * L[6])));
    let t2 = s4 * (L[1] + s4 * (L[3] + s4 * L[5]));
    let half = 0.5 * f * f;
    k * LN2_HIGH - ((half - (s * (half + (t1 + t2)) + k * LN2_LOW)) - f)
}

/// `math.Pow`; nothing for exponents with a fraction other than a half, which go through an exponential function that is
/// not followed here.
pub fn pow(x: f64, y: f64) -> Option<f64> {
    let is_odd = |y: f64| y.abs() < 9_007_199_254_740_992.0 && y.fract() == 0.0 && (y as i64) & 1 == 1;
    if y == 0.0 || x == 1.0 {
        return Some(1.0);
    } else if y == 1.0 {
        return Some(x);
    } else if x.is_nan() || y.is_nan() {
        return Some(f64::NAN);
    } else if x == 0.0 {
        let sign = if x.is_sign_negative() && is_odd(y) { -1.0 } else { 1.0 };
        return Some(sign * if y < 0.0 { f64::INFINITY } else { 0.0 });
    } else if y.is_infinite() {
        return Some(far(x, y > 0.0));
    } else if x.is_infinite() {
        return if x < 0.0 { pow(1.0 / x, -y) } else { Some(if y < 0.0 { 0.0 } else { f64::INFINITY }) };
    } else if y == 0.5 {
        return Some(x.sqrt());
    } else if y == -0.5 {
        return Some(1.0 / x.sqrt());
    }
    let whole = y.abs().trunc();
    if whole != y.abs() {
        return if x < 0.0 { Some(f64::NAN) } else { None };
    }
    if whole >= 9_223_372_036_854_775_808.0 {
        return Some(far(x, y > 0.0));
    }
    let (mut answer, mut answer_exponent) = (1.0, 0_i64);
    let (mut fraction, mut exponent) = split(x);
    let mut rest = whole as i64;
    while rest != 0 {
        if exponent.abs() > 1 << 12 {
            answer_exponent += exponent;
            break;
        }
        if rest & 1 == 1 {
            answer *= fraction;
            answer_exponent += exponent;
        }
        fraction *= fraction;
        exponent <<= 1;
        if fraction < 0.5 {
            fraction += fraction;
            exponent -= 1;
        }
        rest >>= 1;
    }
    if y < 0.0 {
        answer = 1.0 / answer;
        answer_exponent = -answer_exponent;
    }
    Some(joined(answer, answer_exponent))
}

/// A power so large that only the size of the base counts.
fn far(x: f64, is_up: bool) -> f64 {
    if x == -1.0 {
        1.0
    } else if (x.abs() < 1.0) == is_up {
        0.0
    } else {
        f64::INFINITY
    }
}

/// `math.Frexp` of a finite number but zero: a fraction from a half to one, and a power of two.
fn split(x: f64) -> (f64, i64) {
    let (x, below) = if x.abs() < f64::MIN_POSITIVE { (x * 4_503_599_627_370_496.0, -52) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1_022 + below;
    (f64::from_bits(bits & !(0x7ff << 52) | 1_022 << 52), exponent)
}

/// `math.Ldexp`.
fn joined(fraction: f64, exponent: i64) -> f64 {
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    let (unit, own) = split(fraction);
    let mut exponent = exponent.saturating_add(own - 1);
    if exponent < -1_075 {
        return 0.0_f64.copysign(fraction);
    }
    if exponent > 1_023 {
        return f64::INFINITY.copysign(fraction);
    }
    let mut scale = 1.0;
    if exponent < -1_022 {
        exponent += 53;
        scale = 1.0 / 9_007_199_254_740_992.0;
    }
    let bits = unit.to_bits() & !(0x7ff << 52) | ((exponent + 1_023) as u64) << 52;
    scale * f64::from_bits(bits)
}
