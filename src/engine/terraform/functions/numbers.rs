//! Arithmetic.

use num_bigint::BigInt;

use super::{
    Function,
    Takes::{Any, List, ListOfBool, Number as ANumber},
    argument::{a_bool, a_number, behind, string, takes, whole},
};
use crate::engine::{
    go::{math, quote::quoted},
    terraform::{
        context::Context,
        convert::convert,
        number::Number,
        problem::Problem,
        types::Type,
        unknown::{Reason, Unknown},
        value::{Marks, Value},
    },
};

/// The functions of numbers.
pub const FUNCTIONS: &[Function] = &[
    Function::new("abs", &[takes("num", ANumber)], a_number, |_, arguments, _| {
        Ok(Value::number(number(&arguments[0]).absolute()))
    }),
    Function::new("ceil", &[takes("num", ANumber)], a_number, |_, arguments, _| rounded(&arguments[0], 1)),
    Function::new("floor", &[takes("num", ANumber)], a_number, |_, arguments, _| rounded(&arguments[0], -1)),
    Function::new("log", &[takes("num", ANumber), takes("base", ANumber)], a_number, |_, arguments, _| {
        let (number, base) = (float(&arguments[0])?, float(&arguments[1])?);
        computed(math::log(number) / math::log(base))
    }),
    Function::new("pow", &[takes("num", ANumber), takes("power", ANumber)], a_number, |_, arguments, _| {
        power(float(&arguments[0])?, float(&arguments[1])?)
    }),
    Function::new("signum", &[takes("num", ANumber)], a_number, |_, arguments, _| {
        Ok(Value::number(whole(&arguments[0]).map_err(Problem::broken)?.signum()))
    }),
    Function::new(
        "parseint",
        &[takes("number", Any).marked(), takes("base", ANumber).marked()],
        |_, arguments| {
            let given = arguments[0].ty();
            if *given == Type::String {
                return Ok(Type::Number);
            }
            Err(Problem::argument(0, format!("first argument must be a string, not {}", given.friendly())))
        },
        parse_int,
    ),
    Function::new("max", &[], a_number, |_, arguments, _| extreme(arguments, Number::gt, true))
        .rest(takes("numbers", ANumber)),
    Function::new("min", &[], a_number, |_, arguments, _| extreme(arguments, Number::lt, false))
        .rest(takes("numbers", ANumber)),
    Function::new("sum", &[takes("list", Any)], a_number, sum),
    Function::new("alltrue", &[takes("list", ListOfBool)], a_bool, all_true),
    Function::new("anytrue", &[takes("list", ListOfBool)], a_bool, any_true),
    Function::new("range", &[], |_, _| Ok(Type::list(Type::Number)), |context, arguments, _| range(context, arguments))
        .rest(takes("params", ANumber)),
    Function::new("length", &[takes("value", Any).dynamic().unknown().marked()], length_type, length).own(),
    Function::new("index", &[takes("list", Any), takes("value", Any)], a_number, |context, arguments, _| {
        index(context, arguments)
    }),
    Function::new(
        "chunklist",
        &[takes("list", List).marked(), takes("size", ANumber).marked()],
        |_, arguments| Ok(Type::list(arguments[0].ty().clone())),
        chunks,
    )
    .own(),
];

fn number(value: &Value) -> &Number {
    value.as_number().expect("a parameter of numbers takes nothing else")
}

/// The nearest 64-bit float, as the functions of Go's `math` take it.
fn float(value: &Value) -> Result<f64, Problem> {
    let number = number(value);
    let float = number.to_f64();
    if float.is_infinite() && !number.is_infinite() {
        let max = f64::MAX;
        return Err(Problem::broken(format!("value must be between -{max:.6} and {max:.6} inclusive")));
    }
    Ok(float)
}

/// What a function of Go's `math` answered; a float that is no number is beyond Terraform.
fn computed(float: f64) -> Result<Value, Problem> {
    Number::of_float(float).map(Value::number).ok_or_else(|| Problem::broken("the result is not a number"))
}

fn power(base: f64, exponent: f64) -> Result<Value, Problem> {
    match math::pow(base, exponent) {
        Some(power) => computed(power),
        None => Ok(Value::unknown_of(Type::Number, Reason::Unsupported("pow() with fractions".into()))),
    }
}

/// The next whole number above or below.
fn rounded(value: &Value, direction: i8) -> Result<Value, Problem> {
    let given = number(value);
    if given.is_infinite() || given.is_integer() {
        return Ok(Value::number(given.clone()));
    }
    let cut = given.truncated().ok_or_else(|| Problem::limit("a number is too long to be rounded"))?;
    let integer = match (direction, given.is_negative()) {
        (1, false) => cut + 1,
        (-1, true) => cut - 1,
        _ => cut,
    };
    Ok(Value::number(Number::of_integer(&integer).with_precision(given.precision())))
}

fn parse_int(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let marks = arguments[0].marks().with(arguments[1].marks());
    let base = whole(&arguments[1]).map_err(|message| Problem::argument(1, message))?;
    let Some(base) = u32::try_from(base).ok().filter(|base| (2..=62).contains(base)) else {
        return Err(Problem::argument(1, "base must be a whole number between 2 and 62 inclusive"));
    };
    let text = string(&arguments[0]).as_str();
    context.budget.step(1 + text.len() * text.len() / 10_000)?;
    let Some(integer) = read_integer(text, base) else {
        let shown = if arguments[0].marks().is_sensitive { "(sensitive value)".to_owned() } else { quoted(text) };
        let base = if arguments[1].marks().is_sensitive { "(sensitive value)".to_owned() } else { base.to_string() };
        return Err(Problem::argument(0, format!("cannot parse {shown} as a base {base} integer")));
    };
    Ok(Value::number(Number::of_integer(&integer)).with_marks(marks))
}

/// Digits of a base, `0-9a-zA-Z`; up to base 36 small and capital letters are the same.
fn read_integer(text: &str, base: u32) -> Option<BigInt> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digit = |byte: u8| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
            b'A'..=b'Z' => byte - b'A' + 36,
            _ => return None,
        };
        (u32::from(digit) < base).then_some(digit)
    };
    if digits.is_empty() {
        return None;
    }
    let mut integer = BigInt::ZERO;
    for byte in digits.bytes() {
        integer = integer * base + digit(byte)?;
    }
    Some(if is_negative { -integer } else { integer })
}

fn extreme(arguments: &[Value], is_better: fn(&Number, &Number) -> bool, is_max: bool) -> Result<Value, Problem> {
    if arguments.is_empty() {
        return Err(Problem::broken("must pass at least one number"));
    }
    let worst = Number::infinity(is_max);
    let best =
        arguments.iter().map(number).fold(worst, |best, next| if is_better(next, &best) { next.clone() } else { best });
    Ok(Value::number(best))
}

fn sum(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    if list.len().is_none() {
        return Err(Problem::argument(0, "cannot sum noniterable"));
    }
    if list.is_empty() {
        return Err(Problem::argument(0, "cannot sum an empty list"));
    }
    let Some(elements) = list.as_sequence() else {
        let given = list.ty().friendly();
        return Err(Problem::argument(0, format!("argument must be list, set, or tuple. Received {given}")));
    };
    if let Some(reason) = list.reason() {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()));
    }
    let misfit = || Problem::argument(0, "argument must be list, set, or tuple of number values");
    let mut total: Option<Number> = None;
    for element in elements {
        if element.is_null() {
            return Err(misfit());
        }
        let element = convert(context, element, &Type::Number).map_err(|_| misfit())?;
        let next = number(&element);
        total = Some(match total {
            None => next.clone(),
            Some(total) => {
                total.add(next).ok_or_else(|| Problem::broken("can't compute sum of opposing infinities"))?
            }
        });
    }
    total.map(Value::number).ok_or_else(misfit)
}

fn all_true(_: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    for element in arguments[0].as_sequence().unwrap_or_default() {
        if let Some(unknown) = element.unknown() {
            return Ok(Value::unknown_of(ty.clone(), unknown.reason.clone()));
        }
        if element.as_bool() != Some(true) {
            return Ok(Value::bool(false));
        }
    }
    Ok(Value::bool(true))
}

fn any_true(_: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let elements = arguments[0].as_sequence().unwrap_or_default();
    if elements.iter().any(|element| element.as_bool() == Some(true)) {
        return Ok(Value::bool(true));
    }
    match elements.iter().find_map(Value::unknown) {
        Some(unknown) => Ok(Value::unknown_of(ty.clone(), unknown.reason.clone())),
        None => Ok(Value::bool(false)),
    }
}

/// The most numbers of a range.
const MAX_RANGE: usize = 1_024;

fn range(context: &mut Context<'_>, arguments: &[Value]) -> Result<Value, Problem> {
    let given: Vec<&Number> = arguments.iter().map(number).collect();
    let toward = |start: &Number, end: &Number| Number::from(if end < start { -1_i64 } else { 1 });
    let (start, end, step) = match given[..] {
        [end] => (Number::zero(), end.clone(), toward(&Number::zero(), end)),
        [start, end] => (start.clone(), end.clone(), toward(start, end)),
        [start, end, step] => (start.clone(), end.clone(), step.clone()),
        _ => return Err(Problem::broken("must have one, two, or three arguments")),
    };
    let is_down = step < Number::zero();
    if is_down && end > start {
        return Err(Problem::argument(1, "end must be less than start when step is negative"));
    }
    if !is_down && end < start {
        return Err(Problem::argument(1, "end must be greater than start when step is positive"));
    }
    let mut numbers = Vec::new();
    let mut next = start;
    while if is_down { next > end } else { next < end } {
        if numbers.len() >= MAX_RANGE {
            return Err(Problem::broken(
                "more than 1024 values were generated; either decrease the difference between start and end or use a \
                 smaller step",
            ));
        }
        context.budget.step(1)?;
        numbers.push(Value::number(next.clone()));
        next = next.add(&step).ok_or_else(|| Problem::broken("can't compute sum of opposing infinities"))?;
    }
    Ok(Value::list(Type::Number, numbers))
}

fn length_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[0].ty() {
        Type::Bool | Type::Number => {
            Err(Problem::broken("argument must be a string, a collection type, or a structural type"))
        }
        _ => Ok(Type::Number),
    }
}

/// What has been added to or taken from a container counts, not what its elements say.
fn length(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let value = &arguments[0];
    let flow = value.own_flow(&mut context.sets);
    let answer = match value.unknown() {
        _ if *value.ty() == Type::String => super::strings::length(value),
        _ if value.known_length().is_some() => Value::number(value.known_length().unwrap_or_default()),
        unknown => {
            let reason = unknown.map(|unknown| &unknown.reason).or_else(|| value.reason()).cloned();
            let reason = reason.ok_or_else(|| Problem::broken("argument must not be null"))?;
            let (least, most) = value.length_range();
            let unknown = Unknown::not_null(reason);
            let refinement = unknown.refinement.with_lower(Number::from(least), true);
            let refinement = match most {
                Some(most) => refinement.with_upper(Number::from(most), true),
                None => refinement,
            };
            Value::not_known(ty.clone(), Unknown { reason: unknown.reason, refinement })
        }
    };
    Ok(answer.with_flow(flow).with_marks(value.marks()))
}

fn index(context: &mut Context<'_>, arguments: &[Value]) -> Result<Value, Problem> {
    if !matches!(arguments[0].ty(), Type::List(_) | Type::Tuple(_)) {
        return Err(Problem::broken("argument must be a list or tuple"));
    }
    let elements = arguments[0].as_sequence().unwrap_or_default();
    if elements.is_empty() {
        return Err(Problem::broken("cannot search an empty list"));
    }
    for (index, element) in elements.iter().enumerate() {
        context.budget.step(element.size())?;
        let known = crate::engine::terraform::equal::equal(element, &arguments[1]);
        match known {
            Some(true) => return Ok(Value::number(index)),
            Some(false) => {}
            None => {
                let reason = element.reason().or_else(|| arguments[1].reason()).cloned();
                let reason = reason.ok_or_else(|| Problem::broken("item not found"))?;
                return Ok(Value::unknown_of(Type::Number, reason));
            }
        }
    }
    Err(Problem::broken("item not found"))
}

fn chunks(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let marks = arguments[0].marks().with(arguments[1].marks());
    let size = whole(&arguments[1]).map_err(|message| Problem::broken(format!("invalid size: {message}")))?;
    let size = usize::try_from(size).map_err(|_| Problem::broken("the size argument must be positive"))?;
    let list = arguments[0].clone().marked_only(Marks::NONE);
    let by = behind(context, &arguments[1..]);
    let flow = list.flow();
    let element = list.ty().element().cloned().unwrap_or(Type::Dynamic);
    let elements = list.as_sequence().unwrap_or_default();
    let chunk = |context: &mut Context<'_>, elements: &[Value]| {
        Value::list(element.clone(), elements.iter().cloned()).with_flow(flow).under(&mut context.sets, by)
    };
    let chunks: Vec<Value> = match (elements.len(), size) {
        (0, _) => Vec::new(),
        (_, 0) => vec![list.clone()],
        _ => elements.chunks(size).map(|elements| chunk(context, elements)).collect(),
    };
    let inner = ty.element().cloned().unwrap_or(Type::Dynamic);
    Ok(Value::list(inner, chunks).with_flow(flow).under(&mut context.sets, by).with_marks(marks))
}
