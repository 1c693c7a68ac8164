//! Functions whose results are new in every render. None is computed: a placeholder of the same length and shape says where
//! such a result stands, and its origin that nothing can be said about it.

use super::argument::{deep, int, lossy, own, text, volatile, volatile_origin};
use crate::engine::helm::template::{
    context::Context,
    fault::Fault,
    function::{
        Function,
        Parameter::{Int, Text as Characters},
    },
    value::{Datum, Value},
};

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    own("randAlphaNum", &[Int], None, |context, arguments| random(context, arguments, "randAlphaNum", b"aB3dE6gH9j")),
    own("randAlpha", &[Int], None, |context, arguments| random(context, arguments, "randAlpha", b"aBcDeFgHiJ")),
    own("randAscii", &[Int], None, |context, arguments| random(context, arguments, "randAscii", b"aB3$E6.H9j")),
    own("randNumeric", &[Int], None, |context, arguments| random(context, arguments, "randNumeric", b"1234567890")),
    own("randInt", &[Int, Int], None, random_integer),
    own("uuidv4", &[], None, |context, arguments| {
        volatile(context, "uuidv4", b"00000000-0000-4000-8000-000000000000", arguments)
    }),
    own("shuffle", &[Characters], None, shuffle),
];

/// A negative count gives nothing, as goutils' error is dropped.
fn random(context: &mut Context, arguments: &[Value], name: &'static str, pattern: &[u8]) -> Result<Value, Fault> {
    let count = usize::try_from(int(&arguments[0])?).unwrap_or(0);
    context.budget.text(count)?;
    let placeholder: Vec<u8> = pattern.iter().copied().cycle().take(count).collect();
    volatile(context, name, &placeholder, arguments)
}

fn random_integer(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (minimum, maximum) = (int(&arguments[0])?, int(&arguments[1])?);
    if maximum.wrapping_sub(minimum) <= 0 {
        return Err(Fault::failed("invalid argument to Intn"));
    }
    let flow = deep(context, arguments)?;
    let made_of = volatile_origin(context, "randInt", flow.data);
    Ok(Value { datum: Datum::Int(minimum), made_of, control: flow.control })
}

fn shuffle(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    if lossy(&arguments[0])?.chars().nth(1).is_none() {
        return Ok(arguments[0].clone());
    }
    volatile(context, "shuffle", text(&arguments[0])?.bytes(), arguments)
}
