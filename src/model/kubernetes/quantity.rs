//! Quantities by value: `1000m`, `1.0` and `1` are the same amount.
//!
//! The grammar is that of `k8s.io/apimachinery/pkg/api/resource/quantity.go`: a signed decimal number and a suffix, which
//! is binary (`Ki` … `Ei`), decimal (`n` … `E`) or an exponent (`e3`). The API server keeps nothing finer than a nano
//! and rounds up, and in limits and requests nothing finer than a milli (`SetDefaults_ResourceList`).

use serde_json::Value;

const NANO: i128 = 1_000_000_000;
const MILLI: i128 = 1_000_000;

/// Tells whether two values are the same amount. `rounded` allows for the API server's rounding up to a milli.
pub(super) fn same(declared: &Value, live: &Value, rounded: bool) -> bool {
    match (nanos(declared), nanos(live)) {
        (Some(declared), Some(live)) => {
            declared == live || rounded && declared.div_euclid(MILLI) * MILLI + MILLI == live && declared % MILLI != 0
        }
        _ => declared == live,
    }
}

fn nanos(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

/// The amount in nanos, rounded up; absent for what is no quantity or does not fit.
fn parse(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || number.len() > 30 {
        return None;
    }
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let (factor, power) = scale(suffix)?;
    let amount = digits.checked_mul(factor)?.checked_mul(NANO)?;
    let amount = shifted(amount, power - i32::try_from(fraction.len()).ok()?)?;
    Some(if negative { -amount } else { amount })
}

/// What a suffix multiplies by: a factor and a power of ten.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(at) = BINARY.iter().position(|name| *name == suffix) {
        return Some((1 << (10 * (at + 1)), 0));
    }
    let power = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        _ => suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok().filter(|power| power.abs() <= 30)?,
    };
    Some((1, power))
}

/// The amount times a power of ten, away from zero where it does not divide, as the Go library rounds.
fn shifted(amount: i128, power: i32) -> Option<i128> {
    let ten = 10_i128.checked_pow(power.unsigned_abs())?;
    if power >= 0 {
        return amount.checked_mul(ten);
    }
    Some(amount / ten + i128::from(amount % ten != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_compared_by_value() {
        for (a, b) in [
            (json!("1000m"), json!("1")),
            (json!(1), json!("1")),
            (json!(0.5), json!("500m")),
            (json!("0.5"), json!("500m")),
            (json!(".5"), json!("500m")),
            (json!("1."), json!("1")),
            (json!("1Gi"), json!("1024Mi")),
            (json!("1.5Gi"), json!("1536Mi")),
            (json!("1e3"), json!("1k")),
            (json!("1E3"), json!("1000")),
            (json!("1E"), json!("1000P")),
            (json!("-1"), json!("-1000m")),
            (json!("+1"), json!("1")),
            (json!("0"), json!("0Mi")),
            (json!("1e-3"), json!("1m")),
            (json!("7Ei"), json!("7168Pi")),
            (json!("0.1n"), json!("1n")),
        ] {
            assert!(same(&a, &b, false), "{a} {b}");
        }
    }

    #[test]
    fn different_amounts_and_other_texts_differ() {
        for (a, b) in [
            (json!("1G"), json!("1Gi")),
            (json!("100m"), json!("100M")),
            (json!("1"), json!("2")),
            (json!("1ki"), json!("1024")),
            (json!(""), json!("0")),
            (json!("1.2.3"), json!("1.23")),
            (json!("."), json!("0")),
            (json!("1 "), json!("1")),
            (json!(null), json!("0")),
            (json!("1e99"), json!("1e98")),
        ] {
            assert!(!same(&a, &b, false), "{a} {b}");
        }
    }

    #[test]
    fn resource_lists_are_rounded_up_to_a_milli() {
        assert!(same(&json!("0.0001"), &json!("1m"), true));
        assert!(same(&json!("1100u"), &json!("2m"), true));
        assert!(!same(&json!("1100u"), &json!("2m"), false));
        assert!(!same(&json!("1m"), &json!("2m"), true));
    }
}
