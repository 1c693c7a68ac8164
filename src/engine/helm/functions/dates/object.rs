//! Go's `time.Time` as templates see it, with the methods that they may call.

use std::rc::Rc;

use super::{constant::Constant, duration::Duration, layout::format};
use crate::{
    engine::{
        go::time::{DAYS, MONTHS, Moment, ZERO},
        helm::{
            functions::{
                argument::{int, object, text, wrong_type},
                semver::wrong_number,
            },
            template::{
                context::Context,
                fault::Fault,
                value::{Datum, Object, Value},
            },
        },
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
};

/// Go's name of the type.
pub const TYPE_NAME: &str = "time.Time";

/// A moment with its origins.
#[derive(Clone, Debug)]
pub struct Time {
    /// The moment.
    pub moment: Moment,
    /// What it is computed from.
    pub data: SetId,
}

/// What `%v` prints, and what JSON holds.
const PRINTED: &[u8] = b"2006-01-02 15:04:05.999999999 -0700 MST";
const RFC3339_NANO: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

impl Time {
    fn text(&self, layout: &[u8]) -> Datum {
        Datum::Text(Text::new(&format(&self.moment, layout), MadeOf::Derived(self.data)))
    }

    fn constant(&self, type_name: &'static str, names: &[&'static str], index: i64, number: i64) -> Datum {
        let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
        Datum::Object(Rc::new(Constant { type_name, name, number, data: self.data }))
    }

    fn at(&self, moment: Moment, data: SetId) -> Datum {
        Datum::Object(Rc::new(Self { moment, data }))
    }

    /// A method that takes nothing.
    fn part(&self, name: &str) -> Option<Datum> {
        let moment = &self.moment;
        let civil = moment.civil();
        let nanoseconds = i64::from(moment.nanoseconds);
        let since_epoch = |per_second: i64| {
            moment.seconds.wrapping_mul(per_second).wrapping_add(nanoseconds / (1_000_000_000 / per_second))
        };
        Some(match name {
            "Year" => Datum::Int(civil.year),
            "Month" => self.constant("time.Month", &MONTHS, civil.month - 1, civil.month),
            "Day" => Datum::Int(civil.day),
            "Weekday" => self.constant("time.Weekday", &DAYS, civil.weekday, civil.weekday),
            "YearDay" => Datum::Int(civil.day_of_year),
            "Hour" => Datum::Int(civil.hour),
            "Minute" => Datum::Int(civil.minute),
            "Second" => Datum::Int(civil.second),
            "Nanosecond" => Datum::Int(nanoseconds),
            "Unix" => Datum::Int64(moment.seconds),
            "UnixMilli" => Datum::Int64(since_epoch(1_000)),
            "UnixMicro" => Datum::Int64(since_epoch(1_000_000)),
            "UnixNano" => Datum::Int64(since_epoch(1_000_000_000)),
            "String" => self.text(PRINTED),
            "UTC" | "Local" => self.at(moment.in_utc(), self.data),
            "IsZero" => Datum::Bool(moment.seconds == ZERO && moment.nanoseconds == 0),
            "IsDST" => Datum::Bool(false),
            _ => return None,
        })
    }

    /// A method that takes another time.
    fn compared(&self, name: &str, other: &Self, data: SetId) -> Option<Datum> {
        let ordering =
            (self.moment.seconds, self.moment.nanoseconds).cmp(&(other.moment.seconds, other.moment.nanoseconds));
        Some(match name {
            "After" => Datum::Bool(ordering.is_gt()),
            "Before" => Datum::Bool(ordering.is_lt()),
            "Equal" => Datum::Bool(ordering.is_eq()),
            "Compare" => Datum::Int(ordering as i64),
            "Sub" => {
                let nanoseconds = self.moment.since(&other.moment);
                Datum::Object(Rc::new(Duration { nanoseconds, data }))
            }
            _ => return None,
        })
    }

    fn with_arguments(&self, name: &str, arguments: &[Value], data: SetId) -> Option<Result<Datum, Fault>> {
        let wanted = if name == "AddDate" { 3 } else { 1 };
        let known = matches!(
            name,
            "After"
                | "Before"
                | "Equal"
                | "Compare"
                | "Sub"
                | "Add"
                | "AddDate"
                | "Format"
                | "Round"
                | "Truncate"
                | "In"
        );
        if !known {
            return matches!(name, "Zone" | "Date" | "Clock" | "ISOWeek" | "ZoneBounds")
                .then(|| {
                    Err(Fault::failed(format!("invalid function signature for {name}: {}", why_not_callable(name))))
                })
                .or_else(|| {
                    matches!(name, "Location" | "GoString" | "AppendFormat" | "MarshalJSON" | "MarshalText")
                        .then(|| Err(Fault::unsupported(format!("the method {name} of times"))))
                });
        }
        if arguments.len() != wanted {
            return Some(Err(wrong_number(name, wanted, arguments.len())));
        }
        Some(match name {
            "Format" => text(&arguments[0])
                .map(|layout| Datum::Text(Text::new(&format(&self.moment, layout.bytes()), MadeOf::Derived(data)))),
            "AddDate" => self.add_date(arguments).map(|moment| self.at(moment, data)),
            "Add" => match (object::<Duration>(&arguments[0]), &arguments[0].datum) {
                (Some(duration), _) => Ok(self.at(self.moment.plus(duration.nanoseconds), data)),
                // A constant takes the type that is wanted of it.
                (None, Datum::Int(nanoseconds)) => Ok(self.at(self.moment.plus(*nanoseconds), data)),
                _ => Err(wrong_type("time.Duration", &arguments[0])),
            },
            "Round" | "Truncate" | "In" => Err(Fault::unsupported(format!("the method {name} of times"))),
            _ => match object::<Self>(&arguments[0]) {
                Some(other) => self
                    .compared(name, other, data)
                    .ok_or_else(|| Fault::unsupported(format!("the method {name} of times"))),
                None => Err(wrong_type(TYPE_NAME, &arguments[0])),
            },
        })
    }

    fn add_date(&self, arguments: &[Value]) -> Result<Moment, Fault> {
        let civil = self.moment.civil();
        let time_of_day = (civil.hour * 60 + civil.minute) * 60 + civil.second;
        let [years, months, days] = [int(&arguments[0])?, int(&arguments[1])?, int(&arguments[2])?];
        // Beyond a million years nothing is a date any more, and Go's arithmetic wraps.
        if [years, months, days].iter().any(|number| number.abs() > 1_000_000_000) {
            return Err(Fault::limit("a date is moved by more than a thousand million days, months or years"));
        }
        Ok(Moment::of(
            civil.year + years,
            civil.month + months,
            civil.day + days,
            time_of_day,
            self.moment.nanoseconds,
            self.moment.zone.clone(),
        ))
    }
}

/// Go's complaint about methods with results that templates cannot take.
fn why_not_callable(method: &str) -> &'static str {
    match method {
        "Zone" => "second return value should be error; is int",
        _ => "it returns more than a value and an error",
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, arguments: &[Value], context: &mut Context) -> Option<Result<Value, Fault>> {
        if let Some(datum) = self.part(name) {
            return Some(if arguments.is_empty() {
                Ok(Value::new(datum, MadeOf::Derived(self.data)))
            } else {
                Err(wrong_number(name, 0, arguments.len()))
            });
        }
        let flow = super::super::argument::shallow(context, arguments);
        let data = context.sets.union(self.data, flow.data);
        let result = self.with_arguments(name, arguments, data)?;
        Some(result.map(|datum| Value { datum, made_of: MadeOf::Derived(data), control: flow.control }))
    }

    fn is_true(&self) -> bool {
        true
    }

    fn print(&self, _: &mut Context) -> Result<Text, Fault> {
        Ok(Text::new(&format(&self.moment, PRINTED), MadeOf::Derived(self.data)))
    }

    fn json(&self, _: &mut Context) -> Result<Value, Fault> {
        Ok(Value::new(self.text(RFC3339_NANO), MadeOf::Derived(self.data)))
    }
}
