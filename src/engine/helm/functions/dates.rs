//! Dates and durations: sprig's `date.go` over Go's `time`.
//!
//! `now` is a moment like any other but volatile, and so is everything that is computed from it or falls back to it: what is
//! no `int`, `int64` or time is now for `date`, numbers of a values file included. The local zone is UTC, since a render must
//! not depend on where it runs; other zones have rules that this version does not know.

pub mod constant;
mod duration;
mod layout;
mod object;
mod parse;

use std::rc::Rc;

use self::object::Time;
use super::{
    argument::{deep, derived, derived_text, lossy, object, own, text, volatile, volatile_origin, wrong_type},
    numbers::cast,
};
use crate::engine::go::{
    self,
    time::{Moment, ZERO},
};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{
            Function,
            Parameter::{self, Any, Object, Text as Spelled},
        },
        value::{Datum, Value},
    },
    source::lineage::text::{MadeOf, Text},
};

const TIME: Parameter = Object(object::TYPE_NAME);

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    own("now", &[], None, now),
    own("date", &[Spelled, Any], None, |context, arguments| shown(context, arguments, Some(&arguments[0]), 1, None)),
    own("dateInZone", &[Spelled, Any, Spelled], None, in_zone),
    own("date_in_zone", &[Spelled, Any, Spelled], None, in_zone),
    own("htmlDate", &[Any], None, |context, arguments| shown(context, arguments, None, 0, None)),
    own("htmlDateInZone", &[Any, Spelled], None, |context, arguments| {
        shown(context, arguments, None, 0, Some(&arguments[1]))
    }),
    own("dateModify", &[Spelled, TIME], None, modified),
    own("date_modify", &[Spelled, TIME], None, modified),
    own("mustDateModify", &[Spelled, TIME], None, must_modify),
    own("must_date_modify", &[Spelled, TIME], None, must_modify),
    own("toDate", &[Spelled, Spelled], None, to_date),
    own("mustToDate", &[Spelled, Spelled], None, must_to_date),
    derived("unixEpoch", &[TIME], None, unix_epoch),
    derived("duration", &[Any], None, duration),
    own("durationRound", &[Any], None, duration_round),
    own("ago", &[Any], None, |context, arguments| volatile(context, "ago", b"1h0m0s", arguments)),
];

/// What stands for now: the second that Go's layouts name.
const NOW: i64 = 1_136_239_445;

fn now(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let made_of = volatile_origin(context, "now", crate::source::lineage::sets::SetId::EMPTY);
    time(context, Moment::utc(NOW, 0), made_of, arguments)
}

/// A time object of an origin, under the arguments' control.
fn time(context: &mut Context, moment: Moment, made_of: MadeOf, arguments: &[Value]) -> Result<Value, Fault> {
    let control = deep(context, arguments)?.control;
    let datum = Datum::Object(Rc::new(Time { moment, data: made_of.set() }));
    Ok(Value { datum, made_of, control })
}

fn in_zone(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    shown(context, arguments, Some(&arguments[0]), 1, Some(&arguments[2]))
}

/// `date` and its relatives: the layout or that of a date, the place of the time, the zone or the local one.
fn shown(
    context: &mut Context,
    arguments: &[Value],
    layout: Option<&Value>,
    date: usize,
    zone: Option<&Value>,
) -> Result<Value, Fault> {
    let moment = match &arguments[date].datum {
        Datum::Int(seconds) | Datum::Int64(seconds) => Some(Moment::utc(*seconds, 0)),
        Datum::Rune(seconds) => Some(Moment::utc(i64::from(*seconds), 0)),
        _ => object::<Time>(&arguments[date]).map(|time| time.moment.in_utc()),
    };
    let zone = zone.map(lossy).transpose()?.unwrap_or_default();
    // Names that lead out of the zones' directory are errors, for which sprig takes UTC.
    let leads_out = zone.contains("..") || zone.starts_with(['/', '\\']);
    if !matches!(&*zone, "" | "UTC" | "Local" | "Etc/UTC") && !leads_out {
        return Err(Fault::unsupported(format!("the time zone {zone:?}")));
    }
    let layout = layout.map(text).transpose()?.map_or(&b"2006-01-02"[..], Text::bytes);
    match moment {
        Some(moment) => {
            let shown = layout::format(&moment, layout);
            let flow = deep(context, arguments)?;
            let made_of = MadeOf::Derived(flow.data);
            let text = derived_text(context, &shown, flow.data)?;
            Ok(Value { datum: Datum::Text(text), made_of, control: flow.control })
        }
        None => {
            let shown = layout::format(&Moment::utc(NOW, 0), layout);
            volatile(context, "now", &shown, arguments)
        }
    }
}

fn modified(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let by = go::duration::parse(&lossy(&arguments[0])?).unwrap_or(0);
    later(context, arguments, by)
}

fn must_modify(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let by = go::duration::parse(&lossy(&arguments[0])?).map_err(Fault::failed)?;
    later(context, arguments, by)
}

fn later(context: &mut Context, arguments: &[Value], by: i64) -> Result<Value, Fault> {
    let moment = moment(&arguments[1])?.plus(by);
    let data = deep(context, arguments)?.data;
    time(context, moment, MadeOf::Derived(data), arguments)
}

fn to_date(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let parsed = parse::parse(text(&arguments[0])?.bytes(), text(&arguments[1])?.bytes());
    let data = deep(context, arguments)?.data;
    time(context, parsed.unwrap_or_else(|_| Moment::utc(ZERO, 0)), MadeOf::Derived(data), arguments)
}

fn must_to_date(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let parsed = parse::parse(text(&arguments[0])?.bytes(), text(&arguments[1])?.bytes());
    let data = deep(context, arguments)?.data;
    time(context, parsed.map_err(Fault::failed)?, MadeOf::Derived(data), arguments)
}

fn unix_epoch(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::text(Text::plain(moment(&arguments[0])?.seconds.to_string())))
}

/// Seconds, as a text or an `int64`; an `int` is 0 to sprig.
fn duration(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let seconds = match &arguments[0].datum {
        Datum::Text(text) => cast::clamped(text.bytes(), 10),
        Datum::Int64(seconds) => *seconds,
        _ => 0,
    };
    Ok(Value::text(Text::plain(go::duration::print(seconds.wrapping_mul(go::duration::SECOND)))))
}

fn duration_round(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let nanoseconds = match &arguments[0].datum {
        Datum::Text(text) => go::duration::parse(&text.lossy()).unwrap_or(0),
        Datum::Int64(nanoseconds) => *nanoseconds,
        Datum::Object(_) if object::<Time>(&arguments[0]).is_some() => {
            return volatile(context, "durationRound", b"1h", arguments);
        }
        _ => 0,
    };
    let flow = deep(context, arguments)?;
    let text = derived_text(context, duration::rounded(nanoseconds).as_bytes(), flow.data)?;
    Ok(Value { datum: Datum::Text(text), made_of: MadeOf::Derived(flow.data), control: flow.control })
}

fn moment(value: &Value) -> Result<&Moment, Fault> {
    object::<Time>(value).map(|time| &time.moment).ok_or_else(|| wrong_type(object::TYPE_NAME, value))
}
