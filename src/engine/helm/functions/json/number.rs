//! Numbers as Go prints them.

/// `strconv.FormatFloat(number, 'g', -1, 64)`: the shortest digits, with an exponent below 1e-4 and from 1e6.
pub(in crate::engine::helm) fn shortest(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    if (-4..6).contains(&exponent) { format!("{number}") } else { spelled(&scientific, 2) }
}

/// A number as `encoding/json` prints it: plain digits from 1e-6 to below 1e21. Infinity and NaN are no JSON.
pub(in crate::engine::helm) fn json(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let size = number.abs();
    Some(if size != 0.0 && !(1e-6..1e21).contains(&size) {
        spelled(&format!("{number:e}"), 1)
    } else {
        format!("{number}")
    })
}

/// What go-yaml v2 prints of a JSON number that it has read: integers of 64 bits as such, others in the shortest form.
pub(in crate::engine::helm) fn yaml(number: f64) -> Option<String> {
    let json = json(number)?;
    if json == "-0" {
        return Some("0".to_owned());
    }
    let is_integer = json.parse::<i64>().is_ok() || json.parse::<u64>().is_ok();
    Some(if is_integer { json } else { shortest(number) })
}

/// Rust's `1.5e-7` as Go spells it, with at least `digits` digits of exponent (JSON drops the zero of negative ones only).
fn spelled(scientific: &str, digits: usize) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{exponent:0>digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What helm 3.17 prints: `toString`, `toJson`, `toYaml`.
    #[test]
    fn floats_are_printed_as_go_prints_them() {
        for (number, expected) in [
            (1_000_000.0, ["1e+06", "1000000", "1000000"]),
            (999_999.0, ["999999", "999999", "999999"]),
            (123_456_789.5, ["1.234567895e+08", "123456789.5", "1.234567895e+08"]),
            (1e19, ["1e+19", "10000000000000000000", "10000000000000000000"]),
            (1e20, ["1e+20", "100000000000000000000", "1e+20"]),
            (1e21, ["1e+21", "1e+21", "1e+21"]),
            (
                18_446_744_073_709_551_615.0,
                ["1.8446744073709552e+19", "18446744073709552000", "1.8446744073709552e+19"],
            ),
            (0.00001, ["1e-05", "0.00001", "1e-05"]),
            (0.0001, ["0.0001", "0.0001", "0.0001"]),
            (1e-7, ["1e-07", "1e-7", "1e-07"]),
            (-0.0, ["-0", "-0", "0"]),
            (-1.5, ["-1.5", "-1.5", "-1.5"]),
        ] {
            let printed = [Some(shortest(number)), json(number), yaml(number)];
            assert_eq!(printed, expected.map(|text| Some(text.to_owned())), "{number}");
        }
        assert_eq!((json(f64::NAN), shortest(f64::NEG_INFINITY)), (None, "-Inf".to_owned()));
    }
}
