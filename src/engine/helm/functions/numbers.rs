//! Arithmetic, conversions and ranges of numbers.
//!
//! Sprig's `numeric.go` with spf13/cast 1.7.0 for conversions: anything becomes a number, what is none becomes 0, integers
//! wrap. The `f` forms compute with decimals as shopspring/decimal 1.4.0 does.

pub mod cast;
pub mod decimal;

use self::{cast::Cast, decimal::Decimal};
use super::argument::{derived, float, int, own, text};
use crate::{
    engine::helm::template::{
        context::{Context, MAX_ITEMS},
        fault::Fault,
        function::{
            Function,
            Parameter::{Any, Float, Int, Text as Digits},
        },
        value::{Datum, Element, List, Value},
    },
    source::lineage::text::{MadeOf, Text},
};

/// The functions. `randInt` is with the random ones.
pub const FUNCTIONS: &[Function] = &[
    own("int", &[Any], None, |context, arguments| Ok(converted(context, &arguments[0], Cast::Int))),
    own("int64", &[Any], None, |context, arguments| Ok(converted(context, &arguments[0], Cast::Int64))),
    own("float64", &[Any], None, |context, arguments| Ok(converted(context, &arguments[0], Cast::Float))),
    derived("toDecimal", &[Any], None, |_, arguments| Ok(int64(cast::octal(&arguments[0])))),
    derived("atoi", &[Digits], None, |_, arguments| {
        Ok(Value::plain(Datum::Int(cast::clamped(text(&arguments[0])?.bytes(), 10))))
    }),
    derived("add", &[], Some(Any), |_, arguments| Ok(int64(fold(0, arguments, i64::wrapping_add)))),
    derived("add1", &[Any], None, |_, arguments| Ok(int64(cast::int64(&arguments[0]).wrapping_add(1)))),
    derived("sub", &[Any, Any], None, |_, arguments| {
        Ok(int64(cast::int64(&arguments[0]).wrapping_sub(cast::int64(&arguments[1]))))
    }),
    derived("mul", &[Any], Some(Any), |_, arguments| Ok(int64(fold(1, arguments, i64::wrapping_mul)))),
    derived("div", &[Any, Any], None, |_, arguments| divided(arguments, i64::wrapping_div)),
    derived("mod", &[Any, Any], None, |_, arguments| divided(arguments, i64::wrapping_rem)),
    derived("max", &[Any], Some(Any), |_, arguments| Ok(int64(fold(i64::MIN, arguments, i64::max)))),
    derived("biggest", &[Any], Some(Any), |_, arguments| Ok(int64(fold(i64::MIN, arguments, i64::max)))),
    derived("min", &[Any], Some(Any), |_, arguments| Ok(int64(fold(i64::MAX, arguments, i64::min)))),
    derived("maxf", &[Any], Some(Any), |_, arguments| Ok(fold_floats(arguments, go_max))),
    derived("minf", &[Any], Some(Any), |_, arguments| Ok(fold_floats(arguments, go_min))),
    derived("add1f", &[Any], None, |context, arguments| {
        let one = Value::plain(Datum::Int(1));
        decimals(context, &arguments[0], &[one], |a, b| Ok(a.add(&b)))
    }),
    derived("addf", &[], Some(Any), |context, arguments| {
        let zero = Value::plain(Datum::Float(0.0));
        decimals(context, &zero, arguments, |a, b| Ok(a.add(&b)))
    }),
    derived("subf", &[Any], Some(Any), |context, arguments| {
        decimals(context, &arguments[0], &arguments[1..], |a, b| Ok(a.subtract(&b)))
    }),
    derived("mulf", &[Any], Some(Any), |context, arguments| {
        decimals(context, &arguments[0], &arguments[1..], |a, b| Ok(a.multiply(&b)))
    }),
    derived("divf", &[Any], Some(Any), |context, arguments| {
        decimals(context, &arguments[0], &arguments[1..], |a, b| {
            a.divide(&b).ok_or_else(|| Fault::failed("decimal division by 0"))
        })
    }),
    derived("ceil", &[Any], None, |_, arguments| Ok(float64(cast::float(&arguments[0]).ceil()))),
    derived("floor", &[Any], None, |_, arguments| Ok(float64(cast::float(&arguments[0]).floor()))),
    derived("round", &[Any, Int], Some(Float), round),
    derived("until", &[Int], None, until),
    derived("untilStep", &[Int, Int, Int], None, until_step),
    derived("seq", &[], Some(Int), seq),
];

/// A conversion. A number that stays the same number is still the leaf that it was, so its digits are too; so is a number
/// that is read from a text which says just that.
fn converted(context: &mut Context, value: &Value, to: Cast) -> Value {
    let datum = to.apply(value);
    let made_of = match (&value.datum, &datum) {
        (Datum::Int(a) | Datum::Int64(a), Datum::Int(b) | Datum::Int64(b)) if a == b => Some(value.made_of),
        (Datum::Float(a), Datum::Int(b) | Datum::Int64(b)) if cast::is_exactly(*a, *b) => Some(value.made_of),
        (Datum::Int(a) | Datum::Int64(a), Datum::Float(b)) if cast::is_exactly(*b, *a) => Some(value.made_of),
        (Datum::Float(_), Datum::Float(_)) => Some(value.made_of),
        (Datum::Text(text), Datum::Int(number) | Datum::Int64(number)) => match text.pieces() {
            [piece] if text.bytes() == number.to_string().as_bytes() => Some(piece.made_of),
            _ => None,
        },
        _ => None,
    };
    let flow = value.flow(context);
    Value { datum, made_of: made_of.unwrap_or(MadeOf::Derived(flow.data)), control: flow.control }
}

fn int64(value: i64) -> Value {
    Value::plain(Datum::Int64(value))
}

fn float64(value: f64) -> Value {
    Value::plain(Datum::Float(value))
}

fn fold(start: i64, arguments: &[Value], with: fn(i64, i64) -> i64) -> i64 {
    arguments.iter().map(cast::int64).fold(start, with)
}

fn divided(arguments: &[Value], with: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    match cast::int64(&arguments[1]) {
        0 => Err(Fault::failed("runtime error: integer divide by zero")),
        divisor => Ok(int64(with(cast::int64(&arguments[0]), divisor))),
    }
}

fn fold_floats(arguments: &[Value], with: fn(f64, f64) -> f64) -> Value {
    let mut numbers = arguments.iter().map(cast::float);
    let first = numbers.next().unwrap_or_default();
    float64(numbers.fold(first, with))
}

/// Go's `math.Max`: infinity before NaN, and 0 over -0.
fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// Go's `math.Min`.
fn go_min(a: f64, b: f64) -> f64 {
    -go_max(-a, -b)
}

fn decimals(
    context: &mut Context,
    first: &Value,
    rest: &[Value],
    with: fn(Decimal, Decimal) -> Result<Decimal, Fault>,
) -> Result<Value, Fault> {
    let mut result = decimal(cast::float(first))?;
    for value in rest {
        result = with(result, decimal(cast::float(value))?)?;
        context.budget.step(result.len())?;
    }
    Ok(float64(result.to_float()))
}

fn decimal(value: f64) -> Result<Decimal, Fault> {
    Decimal::new(value).ok_or_else(|| {
        let name = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        Fault::failed(format!("Cannot create a Decimal from {name}"))
    })
}

/// Rounds to a number of decimal places: up from `.5`, or from the third argument, and towards minus infinity for negative
/// numbers, whose fraction is never above it.
fn round(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let up_from = match arguments.get(2) {
        Some(given) => float(given)?,
        None => 0.5,
    };
    let power = cast::power_of_ten(int(&arguments[1])?);
    let digits = power * cast::float(&arguments[0]);
    let rounded = if digits - digits.trunc() >= up_from { digits.ceil() } else { digits.floor() };
    Ok(float64(rounded / power))
}

fn until(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let count = int(&arguments[0])?;
    ints(range(context, 0, count, if count < 0 { -1 } else { 1 })?)
}

fn until_step(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    ints(range(context, int(&arguments[0])?, int(&arguments[1])?, int(&arguments[2])?)?)
}

fn ints(numbers: Vec<i64>) -> Result<Value, Fault> {
    let items: Vec<Value> = numbers.into_iter().map(|number| Value::plain(Datum::Int(number))).collect();
    Ok(Value::plain(Datum::List(List::new(Element::Int, items))))
}

/// Sprig's `untilStep`, which goes nowhere when the step leads away from the end.
fn range(context: &mut Context, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    if (stop < start && step >= 0) || (stop >= start && step <= 0) {
        return Ok(Vec::new());
    }
    let distance = start.abs_diff(stop);
    let count = distance.div_ceil(step.unsigned_abs());
    context.budget.items(usize::try_from(count).unwrap_or(usize::MAX).min(MAX_ITEMS + 1))?;
    // Go's counter would overflow and go on for ever where the last step leaves the range of integers.
    let numbers: Option<Vec<i64>> =
        (0..count as i64).map(|index| step.checked_mul(index).and_then(|offset| start.checked_add(offset))).collect();
    match numbers {
        Some(numbers) if numbers.last().is_none_or(|last| last.checked_add(step).is_some()) => Ok(numbers),
        _ => Err(Fault::limit("a range of integers runs over the largest one, and so without end")),
    }
}

/// `seq` as in coreutils: `seq last`, `seq first last`, `seq first step last`.
fn seq(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let numbers: Vec<i64> = arguments.iter().map(int).collect::<Result<_, _>>()?;
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match numbers[..] {
        [end] => (1, end, towards(1, end)),
        [start, end] => (start, end, towards(start, end)),
        [start, step, end] if end >= start || step <= 0 => (start, end, step),
        _ => return Ok(Value::text(Text::default())),
    };
    let numbers = range(context, start, end.wrapping_add(towards(start, end)), step)?;
    let text = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
    context.budget.text(text.len())?;
    Ok(Value::text(Text::plain(text)))
}
