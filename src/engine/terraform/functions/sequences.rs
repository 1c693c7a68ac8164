//! Lists and tuples. Elements keep their origins.

use std::collections::HashSet;

use super::{
    Function,
    Takes::{Any, List, ListOfString, Number as ANumber},
    argument::{behind, own_flows, strings, takes, whole},
};
use crate::{
    engine::terraform::{
        context::Context,
        convert::convert,
        equal::exact_key,
        problem::Problem,
        types::Type,
        unify::{Safety, unify},
        unknown::Reason,
        value::{Marks, Value},
    },
    source::lineage::sets::Flow,
};

/// The functions of lists and tuples.
pub const FUNCTIONS: &[Function] = &[
    Function::new("concat", &[], concat_type, concat).rest(takes("seqs", Any).marked()).own(),
    Function::new("flatten", &[takes("list", Any).marked()], flatten_type, flatten).own(),
    Function::new("distinct", &[takes("list", List)], |_, arguments| Ok(arguments[0].ty().clone()), distinct).own(),
    Function::new("compact", &[takes("list", ListOfString)], strings, compact).own(),
    Function::new("reverse", &[takes("list", Any).marked()], reverse_type, reverse).own(),
    Function::new(
        "slice",
        &[takes("list", Any).marked().unknown().dynamic(), takes("start_index", ANumber), takes("end_index", ANumber)],
        slice_type,
        slice,
    )
    .own(),
];

fn elements(value: &Value) -> &[Value] {
    value.as_sequence().unwrap_or_default()
}

fn concat_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    if arguments.is_empty() {
        return Err(Problem::broken("at least one argument is required"));
    }
    if arguments.iter().all(|argument| matches!(argument.ty(), Type::List(_))) {
        let types: Vec<Type> = arguments.iter().map(|argument| argument.ty().clone()).collect();
        if let Some(common) = unify(&types, Safety::Unsafe) {
            return Ok(common);
        }
    }
    let mut types = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        match argument.ty() {
            Type::Tuple(elements) => types.extend(elements.iter().cloned()),
            Type::List(_) if !argument.is_known() => return Ok(Type::Dynamic),
            Type::List(element) => types.extend(elements(argument).iter().map(|_| (**element).clone())),
            other => {
                let given = other.friendly();
                let message = format!("all arguments must be lists or tuples; got {given}");
                return Err(Problem::argument(index, message));
            }
        }
    }
    Ok(Type::tuple(types))
}

fn concat(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let flow = own_flows(context, arguments);
    let marks = arguments.iter().fold(Marks::NONE, |marks, argument| marks.with(argument.marks()));
    let mut all = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        let argument = match ty {
            Type::List(_) => {
                convert(context, argument, ty).map_err(|problem| Problem { argument: Some(index), ..problem })?
            }
            _ => argument.clone(),
        };
        context.budget.elements(all.len() + elements(&argument).len())?;
        all.extend(elements(&argument).iter().cloned());
    }
    let answer = match ty {
        Type::List(element) => Value::list((**element).clone(), all),
        _ => Value::tuple(all),
    };
    Ok(answer.with_flow(flow).with_marks(marks))
}

/// What is left of nested sequences when they are laid side by side.
struct Flat {
    elements: Vec<Value>,
    flow: Flow,
    marks: Marks,
    /// Why that is not known.
    unknown: Option<Reason>,
}

impl Flat {
    fn lay(&mut self, context: &mut Context<'_>, list: &Value) -> Result<(), Problem> {
        self.marks = self.marks.with(list.marks());
        let flow = list.own_flow(&mut context.sets);
        self.flow = context.sets.join(self.flow, flow);
        if list.known_length().is_none() {
            self.unknown = self.unknown.take().or_else(|| list.reason().cloned());
            return Ok(());
        }
        for element in elements(list) {
            context.budget.step(1)?;
            if let (Type::Dynamic, Some(unknown)) = (element.ty(), element.unknown()) {
                self.unknown = self.unknown.take().or_else(|| Some(unknown.reason.clone()));
            }
            let is_sequence = matches!(element.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_));
            match element.unknown() {
                _ if !is_sequence || element.is_null() => self.elements.push(element.clone()),
                Some(unknown) => {
                    self.marks = self.marks.with(element.marks());
                    self.unknown = self.unknown.take().or_else(|| Some(unknown.reason.clone()));
                }
                None => self.lay(context, element)?,
            }
        }
        Ok(())
    }

    fn of(context: &mut Context<'_>, list: &Value) -> Result<Self, Problem> {
        let mut flat = Self { elements: Vec::new(), flow: Flow::default(), marks: Marks::NONE, unknown: None };
        flat.lay(context, list)?;
        Ok(flat)
    }
}

fn flatten_type(context: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    let list = &arguments[0];
    if !list.is_wholly_known() {
        return Ok(Type::Dynamic);
    }
    if !matches!(list.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_)) {
        return Err(Problem::broken("can only flatten lists, sets and tuples"));
    }
    let flat = Flat::of(context, list)?;
    if flat.unknown.is_some() {
        return Ok(Type::Dynamic);
    }
    Ok(Type::tuple(flat.elements.iter().map(|element| element.ty().clone())))
}

fn flatten(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    if elements(list).is_empty() {
        return Ok(Value::tuple([]).with_flow(list.flow()).with_marks(list.marks()));
    }
    let flat = Flat::of(context, list)?;
    let answer = match flat.unknown {
        Some(reason) => Value::unknown_of(ty.clone(), reason),
        None => Value::tuple(flat.elements),
    };
    Ok(answer.with_flow(flat.flow).with_marks(flat.marks))
}

fn distinct(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    if let Some(reason) = list.reason() {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_flow(list.flow()));
    }
    let mut seen = HashSet::new();
    let mut kept = elements(list).to_vec();
    context.budget.step(kept.len())?;
    kept.retain(|element| seen.insert(exact_key(element)));
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    Ok(Value::list(element, kept).with_flow(list.flow()))
}

fn compact(_: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    if let Some(reason) = list.reason() {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_flow(list.flow()));
    }
    let kept = elements(list).iter().filter(|element| element.as_str().is_some_and(|text| !text.is_empty()));
    Ok(Value::list(Type::String, kept.cloned()).with_flow(list.flow()))
}

fn reverse_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[0].ty() {
        Type::Tuple(elements) => Ok(Type::tuple(elements.iter().rev().cloned())),
        Type::List(element) | Type::Set(element) => Ok(Type::List(element.clone())),
        other => {
            let message = format!("can only reverse list or tuple values, not {}", other.friendly());
            Err(Problem::argument(0, message))
        }
    }
}

fn reverse(_: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    let reversed = elements(list).iter().rev().cloned();
    let answer = match ty {
        Type::List(element) => Value::list((**element).clone(), reversed),
        _ => Value::tuple(reversed),
    };
    Ok(answer.with_flow(list.flow()).with_marks(list.marks()))
}

/// The first and last index of a slice, as far as they are known.
fn slice_bounds(arguments: &[Value]) -> Result<Option<(usize, usize)>, Problem> {
    let length = arguments[0].known_length();
    let bound = |index: usize, what: &str| -> Result<Option<usize>, Problem> {
        if !arguments[index].is_known() {
            return Ok(None);
        }
        let refused = |message: String| Problem::argument(index, message);
        let bound = whole(&arguments[index]).map_err(|message| refused(format!("invalid {what} index: {message}")))?;
        let bound = usize::try_from(bound).map_err(|_| refused(format!("{what} index must not be less than zero")))?;
        if length.is_some_and(|length| bound > length) {
            return Err(refused(format!("{what} index must not be greater than the length of the list")));
        }
        Ok(Some(bound))
    };
    let (start, end) = (bound(1, "start")?, bound(2, "end")?);
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return Err(Problem::argument(1, "start index must not be greater than end index"));
    }
    Ok(start.zip(end))
}

fn slice_type(_: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    match arguments[0].ty() {
        Type::Set(_) => Err(Problem::argument(
            0,
            "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the ordering \
             of the result is not important",
        )),
        Type::List(_) => slice_bounds(arguments).map(|_| arguments[0].ty().clone()),
        Type::Dynamic => Ok(match slice_length(arguments)? {
            Some(_) => Type::list(Type::Dynamic),
            None => Type::Dynamic,
        }),
        Type::Tuple(types) => match slice_bounds(arguments)? {
            Some((start, end)) => Ok(Type::tuple(types[start..end].iter().cloned())),
            None => Ok(Type::Dynamic),
        },
        _ => Err(Problem::argument(0, "must be a list or tuple value")),
    }
}

/// How long the slice of an unknown list is, where Terraform has that list when it plans: as long as it is to be, or there is
/// no plan. While Terraform does not know the list either, it knows nothing of the slice.
fn slice_length(arguments: &[Value]) -> Result<Option<usize>, Problem> {
    let is_planned = matches!(arguments[0].reason(), Some(Reason::Data(_) | Reason::Variable(_)));
    Ok(slice_bounds(arguments)?.filter(|_| is_planned).map(|(start, end)| end - start))
}

fn slice(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    if let Some(unknown) = list.unknown() {
        let reason = unknown.reason.clone();
        let Some(length) = slice_length(arguments)? else { return Ok(Value::unknown_of(ty.clone(), reason)) };
        context.budget.elements(length)?;
        let element = ty.element().cloned().unwrap_or(Type::Dynamic);
        let flow = own_flows(context, arguments);
        let any = Value::unknown_of(element.clone(), reason).with_flow(flow);
        let all = (0..length).map(|_| any.clone());
        return Ok(Value::list(element, all).with_flow(flow).with_marks(list.marks()));
    }
    let (start, end) = slice_bounds(arguments)?.unwrap_or_default();
    let by = behind(context, &arguments[1..]);
    let kept = elements(list)[start..end].iter().map(|element| element.clone().under(&mut context.sets, by));
    let kept: Vec<Value> = kept.collect();
    let answer = match ty {
        Type::List(element) => Value::list((**element).clone(), kept),
        _ => Value::tuple(kept),
    };
    Ok(answer.with_flow(list.flow()).under(&mut context.sets, by).with_marks(list.marks()))
}
