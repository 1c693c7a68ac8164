//! Functions that choose between values: `default`, `coalesce`, `ternary` and what tells them apart.
//!
//! Sprig's `defaults.go`. What is chosen keeps its own origins; what was looked at and not chosen decided it, so a literal
//! that `default` gives leads to the key that is not set.

use super::argument::{bool, everything, own};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{
            Function,
            Parameter::{Any, Bool},
        },
        value::{Datum, Value},
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, Text},
    },
};

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    own("default", &[Any], Some(Any), default),
    own("empty", &[Any], None, empty),
    own("coalesce", &[], Some(Any), coalesce),
    own("all", &[], Some(Any), all),
    own("any", &[], Some(Any), any),
    own("ternary", &[Any, Any, Bool], None, ternary),
    own("hello", &[], None, hello),
];

fn default(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    match arguments {
        [_, given, ..] if given.is_true() => Ok(given.clone()),
        [default, given, ..] => {
            let tested = everything(context, given);
            Ok(default.clone().under(tested, context))
        }
        [default] => Ok(default.clone()),
        [] => Ok(Value::nil()),
    }
}

fn coalesce(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut tested = SetId::EMPTY;
    for argument in arguments {
        if argument.is_true() {
            return Ok(argument.clone().under(tested, context));
        }
        let passed = everything(context, argument);
        tested = context.sets.union(tested, passed);
    }
    Ok(Value::nil().under(tested, context))
}

fn ternary(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let test = &arguments[2];
    let chosen = if bool(test)? { &arguments[0] } else { &arguments[1] };
    let tested = everything(context, test);
    Ok(chosen.clone().under(tested, context))
}

fn empty(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let flow = arguments[0].flow(context);
    Ok(answer(!arguments[0].is_true(), flow))
}

fn all(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(until(context, arguments, false))
}

fn any(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(until(context, arguments, true))
}

fn hello(_: &mut Context, _: &[Value]) -> Result<Value, Fault> {
    Ok(Value::text(Text::plain("Hello!")))
}

/// Whether an argument has the wanted truth: the first that has it ends the search, so only what stands up to there counts.
fn until(context: &mut Context, arguments: &[Value], wanted: bool) -> Value {
    let mut flow = Flow::default();
    for argument in arguments {
        let own = argument.flow(context);
        flow = context.sets.join(flow, own);
        if argument.is_true() == wanted {
            return answer(wanted, flow);
        }
    }
    answer(!wanted, flow)
}

fn answer(value: bool, flow: Flow) -> Value {
    Value { datum: Datum::Bool(value), made_of: MadeOf::Derived(flow.data), control: flow.control }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::helm::template::leaf::{Leaf, PathId};

    fn leaf(context: &mut Context, key: &str) -> SetId {
        let at = context.paths.join(PathId::ROOT, key);
        context.sets.leaf(Leaf::Absent { at }).into()
    }

    #[test]
    fn what_is_chosen_keeps_its_origins_under_what_was_passed_over() {
        let mut context = Context::default();
        let [absent, empty, literal] = ["absent", "empty", "literal"].map(|key| leaf(&mut context, key));
        let missing = Value { made_of: MadeOf::Derived(absent), ..Value::nil() };
        let zero = Value::new(Datum::Float(0.0), MadeOf::Derived(empty));
        let port = Value::new(Datum::Int(9898), MadeOf::Derived(literal));
        let both = context.sets.union(absent, empty);
        let truth = Value::new(Datum::Bool(true), MadeOf::Derived(absent));
        type Body = fn(&mut Context, &[Value]) -> Result<Value, Fault>;
        let cases: [(Body, Vec<Value>, SetId, SetId); 5] = [
            (default, vec![port.clone(), missing.clone()], literal, absent),
            (default, vec![zero.clone(), port.clone()], literal, SetId::EMPTY),
            (coalesce, vec![missing.clone(), zero.clone(), port.clone()], literal, both),
            (coalesce, vec![missing.clone(), zero.clone()], SetId::EMPTY, both),
            (ternary, vec![port.clone(), zero, truth], literal, absent),
        ];
        for (body, arguments, data, control) in cases {
            let result = body(&mut context, &arguments).unwrap();
            assert_eq!((result.made_of.set(), result.control), (data, control), "{arguments:?}");
        }
        let answer = any(&mut context, &[missing, port]).unwrap();
        assert!(answer.is_true());
        assert_eq!(answer.made_of.set(), context.sets.union(absent, literal));
    }
}
