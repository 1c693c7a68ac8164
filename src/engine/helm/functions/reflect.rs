//! Functions that ask for Go types: `kindIs`, `typeOf`, `deepEqual`.
//!
//! Sprig's `reflect.go`. A type depends on the value itself and not on what is in it.

use super::{
    argument::{derived, lossy, object, own, shallow},
    equal,
    semver::VersionObject,
};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{
            Function,
            Parameter::{Any, Text as Name},
        },
        value::{Datum, Value},
    },
    source::lineage::text::{MadeOf, Text},
};

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    own("typeOf", &[Any], None, type_of),
    own("typeIs", &[Name, Any], None, type_is),
    own("typeIsLike", &[Name, Any], None, type_is_like),
    own("kindOf", &[Any], None, kind_of),
    own("kindIs", &[Name, Any], None, kind_is),
    derived("deepEqual", &[Any, Any], None, deep_equal),
];

fn type_of(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(named(context, arguments[0].type_name(), &arguments[0]))
}

fn kind_of(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(named(context, arguments[0].kind(), &arguments[0]))
}

fn type_is(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let name = lossy(&arguments[0])?;
    Ok(answer(context, name == arguments[1].type_name(), arguments))
}

fn type_is_like(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let name = lossy(&arguments[0])?;
    let actual = arguments[1].type_name();
    Ok(answer(context, name == actual || actual.strip_prefix('*') == Some(&*name), arguments))
}

fn kind_is(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let name = lossy(&arguments[0])?;
    Ok(answer(context, name == arguments[1].kind(), arguments))
}

fn deep_equal(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let versions = object::<VersionObject>(&arguments[0]).zip(object::<VersionObject>(&arguments[1]));
    let equal = match versions {
        Some((a, b)) => a.is_deeply(b),
        None => equal::deep_equal(context, &arguments[0], &arguments[1])?,
    };
    Ok(Value::plain(Datum::Bool(equal)))
}

fn named(context: &mut Context, name: &str, value: &Value) -> Value {
    let flow = value.flow(context);
    let made_of = MadeOf::Derived(flow.data);
    Value { datum: Datum::Text(Text::new(name.as_bytes(), made_of)), made_of, control: flow.control }
}

fn answer(context: &mut Context, value: bool, arguments: &[Value]) -> Value {
    let flow = shallow(context, arguments);
    Value { datum: Datum::Bool(value), made_of: MadeOf::Derived(flow.data), control: flow.control }
}
