//! Sets. Elements keep their origins.

use std::collections::HashSet;

use super::{
    Function,
    Takes::{Any, Set},
    argument::{behind, own_flows, takes},
};
use crate::engine::terraform::{
    context::Context,
    convert::convert,
    equal::exact_key,
    problem::Problem,
    types::Type,
    unify::{Safety, unify},
    value::{Marks, Value},
};

/// The functions of sets.
pub const FUNCTIONS: &[Function] = &[
    Function::new("setunion", &[takes("first_set", Set).dynamic()], common_set, union)
        .rest(takes("other_sets", Set).dynamic())
        .own(),
    Function::new("setintersection", &[takes("first_set", Set).dynamic()], common_set, |context, arguments, ty| {
        kept(context, arguments, ty, true)
    })
    .rest(takes("other_sets", Set).dynamic())
    .own(),
    Function::new(
        "setsubtract",
        &[takes("a", Set).dynamic(), takes("b", Set).dynamic()],
        common_set,
        |context, arguments, ty| kept(context, arguments, ty, false),
    )
    .own(),
    Function::new("setproduct", &[], product_type, product).rest(takes("sets", Any).unknown().marked()).own(),
];

fn common_set(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    let mut types = Vec::new();
    for argument in arguments {
        let element = argument.ty().element().cloned().unwrap_or(Type::Dynamic);
        if !(argument.is_empty() && element == Type::Dynamic) {
            types.push(element);
        }
    }
    if types.is_empty() {
        return Ok(Type::set(Type::Dynamic));
    }
    unify(&types, Safety::Unsafe)
        .map(Type::set)
        .ok_or_else(|| Problem::broken("given sets must all have compatible element types"))
}

fn converted(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Vec<Value>, Problem> {
    let one = |(index, argument)| {
        convert(context, argument, ty).map_err(|problem| Problem { argument: Some(index), ..problem })
    };
    arguments.iter().enumerate().map(one).collect()
}

fn union(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let sets = converted(context, arguments, ty)?;
    let flow = own_flows(context, &sets);
    let all: Vec<Value> = sets.iter().flat_map(|set| set.as_sequence().unwrap_or_default()).cloned().collect();
    context.budget.elements(all.len())?;
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    Ok(Value::set(&mut context.sets, element, all).with_flow(flow))
}

/// The elements of the first set that are in all others, or in none.
fn kept(context: &mut Context<'_>, arguments: &[Value], ty: &Type, in_others: bool) -> Result<Value, Problem> {
    let sets = converted(context, arguments, ty)?;
    let by = behind(context, &sets[1..]);
    let flow = sets[0].own_flow(&mut context.sets);
    if let Some(reason) = sets.iter().find_map(Value::reason) {
        let unknown = Value::unknown_of(ty.clone(), reason.clone()).with_flow(flow);
        return Ok(unknown.under(&mut context.sets, by));
    }
    let elements = |set: &Value| set.as_sequence().unwrap_or_default().to_vec();
    let mut left = elements(&sets[0]);
    for other in &sets[1..] {
        context.budget.step(left.len() + other.len().unwrap_or_default())?;
        let keys: HashSet<Vec<u8>> = elements(other).iter().map(exact_key).collect();
        left.retain(|element| keys.contains(&exact_key(element)) == in_others);
    }
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    let left: Vec<Value> = left.into_iter().map(|element| element.under(&mut context.sets, by)).collect();
    Ok(Value::set(&mut context.sets, element, left).with_flow(flow).under(&mut context.sets, by))
}

fn product_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    if arguments.len() < 2 {
        return Err(Problem::broken("at least two arguments are required"));
    }
    let mut types = Vec::with_capacity(arguments.len());
    let mut all_lists = true;
    for (index, argument) in arguments.iter().enumerate() {
        types.push(match argument.ty() {
            Type::Set(element) => {
                all_lists = false;
                (**element).clone()
            }
            Type::List(element) => (**element).clone(),
            Type::Tuple(elements) if elements.is_empty() => Type::Dynamic,
            Type::Tuple(elements) => unify(elements, Safety::Unsafe)
                .ok_or_else(|| Problem::argument(index, "all elements must be of the same type"))?,
            _ => return Err(Problem::argument(index, "a set or a list is required")),
        });
    }
    let tuple = Type::tuple(types);
    Ok(if all_lists { Type::list(tuple) } else { Type::set(tuple) })
}

/// Beyond such a length nothing is said of an unknown product.
const MAX_TOLD: usize = 2_048;

fn product(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let marks = arguments.iter().fold(Marks::NONE, |marks, argument| marks.with(argument.marks()));
    let flow = own_flows(context, arguments);
    let of = |value: Value| Ok(value.with_flow(flow).with_marks(marks));
    let is_uncertain = |argument: &&Value| !argument.is_known() || argument.known_length().is_none();
    if let Some(reason) = arguments.iter().find(is_uncertain).and_then(|argument| argument.reason()) {
        let unknown = Value::unknown_of(ty.clone(), reason.clone());
        let mut most = 1_usize;
        for argument in arguments {
            match argument.length_range().1.filter(|most| *most <= 1_024) {
                Some(length) if most * length <= MAX_TOLD => most *= length,
                _ => {
                    return of(unknown.refined(|mut refinement| {
                        refinement.is_not_null = true;
                        refinement
                    }));
                }
            }
        }
        return of(unknown.refined(|mut refinement| {
            refinement.is_not_null = true;
            refinement.with_length(most.min(1), Some(most))
        }));
    }
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    let Type::Tuple(parts) = &element else { return Err(Problem::broken("the product of nothing")) };
    let mut lists: Vec<Vec<Value>> = Vec::with_capacity(arguments.len());
    for (argument, part) in arguments.iter().zip(parts.iter()) {
        let elements = argument.as_sequence().unwrap_or_default();
        lists.push(elements.iter().map(|element| convert(context, element, part)).collect::<Result<_, _>>()?);
    }
    let total = lists.iter().try_fold(1_usize, |total, list| total.checked_mul(list.len()));
    let total = total.ok_or_else(|| Problem::limit("a product of sets is too large"))?;
    context.budget.elements(total.saturating_mul(lists.len()))?;
    let mut all = Vec::with_capacity(total);
    for index in 0..total {
        let mut rest = index;
        let mut tuple = Vec::with_capacity(lists.len());
        for list in lists.iter().rev() {
            tuple.push(list[rest % list.len()].clone());
            rest /= list.len();
        }
        tuple.reverse();
        all.push(Value::tuple(tuple).with_flow(flow));
    }
    of(match ty {
        Type::List(_) => Value::list(element, all),
        _ => Value::set(&mut context.sets, element, all),
    })
}
