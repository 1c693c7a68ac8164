//! Go's `time.Duration`: read, printed, and as an object with its methods.

use crate::engine::go::duration::{HOUR, MINUTE, SECOND, print};
use crate::{
    engine::helm::{
        functions::semver::wrong_number,
        template::{
            context::Context,
            fault::Fault,
            value::{Datum, Object, Value},
        },
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
};

/// A span of time.
#[derive(Clone, Debug)]
pub struct Duration {
    /// The nanoseconds.
    pub nanoseconds: i64,
    /// What it is computed from.
    pub data: SetId,
}

/// Sprig's `durationRound`: the largest unit that there is more than one of.
pub fn rounded(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let day = 24 * HOUR as u64;
    let units = [
        (365 * day, "y"),
        (30 * day, "mo"),
        (day, "d"),
        (HOUR as u64, "h"),
        (MINUTE as u64, "m"),
        (SECOND as u64, "s"),
    ];
    units
        .iter()
        .find(|(unit, _)| magnitude > *unit)
        .map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", magnitude / unit))
}

impl Object for Duration {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn kind(&self) -> &'static str {
        "int64"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, arguments: &[Value], _: &mut Context) -> Option<Result<Value, Fault>> {
        let number = self.nanoseconds;
        // Go adds the whole and the fraction up, so that long spans lose as little as they can.
        let parts = |unit: i64| Datum::Float((number / unit) as f64 + (number % unit) as f64 / unit as f64);
        let datum = match name {
            "Hours" => parts(HOUR),
            "Minutes" => parts(MINUTE),
            "Seconds" => parts(SECOND),
            "Milliseconds" => Datum::Int64(number / 1_000_000),
            "Microseconds" => Datum::Int64(number / 1_000),
            "Nanoseconds" => Datum::Int64(number),
            "String" => Datum::Text(Text::new(print(number).as_bytes(), MadeOf::Derived(self.data))),
            "Abs" | "Round" | "Truncate" => {
                return Some(Err(Fault::unsupported(format!("the method {name} of durations"))));
            }
            _ => return None,
        };
        Some(if arguments.is_empty() {
            Ok(Value::new(datum, MadeOf::Derived(self.data)))
        } else {
            Err(wrong_number(name, 0, arguments.len()))
        })
    }

    fn is_true(&self) -> bool {
        self.nanoseconds != 0
    }

    fn print(&self, _: &mut Context) -> Result<Text, Fault> {
        Ok(Text::new(print(self.nanoseconds).as_bytes(), MadeOf::Derived(self.data)))
    }

    fn json(&self, _: &mut Context) -> Result<Value, Fault> {
        Ok(Value::new(Datum::Int64(self.nanoseconds), MadeOf::Derived(self.data)))
    }
}
