//! What follows a value: attributes, indices and splats (HashiCorp's `ops.go`).

use super::Evaluator;
use crate::{
    engine::terraform::{
        convert::convert,
        number::Number,
        problem::Problem,
        scope::{Scope, Stop},
        types::Type,
        unknown::{Reason, Refinement, Unknown},
        value::Value,
    },
    source::{
        hcl::tree::{ExpressionKind, Step, StepKind},
        lineage::sets::SetId,
        span::Span,
    },
};

/// Tells whether a step is fixed by what is written: a name, or a literal key.
pub(super) fn is_static(step: &Step) -> bool {
    match &step.kind {
        StepKind::Attribute(_) | StepKind::LegacyIndex(_) => true,
        StepKind::Index(key) => {
            let is_literal =
                matches!(key.kind, ExpressionKind::Null | ExpressionKind::Bool(_) | ExpressionKind::Number(_));
            is_literal || key.literal().is_some()
        }
        StepKind::AttributeSplat(_) | StepKind::Splat(_) => false,
    }
}

impl Evaluator<'_, '_> {
    /// A value with what follows it.
    pub(super) fn steps(&mut self, mut value: Value, steps: &[Step], scope: Scope<'_>) -> Result<Value, Stop> {
        for step in steps {
            self.context.budget.step(1).map_err(|problem| scope.stop(step.span, problem))?;
            value = match &step.kind {
                StepKind::Attribute(name) => self.attribute(&value, &name.text, step.span, scope)?,
                StepKind::LegacyIndex(number) => {
                    let number = Number::parse(number).map(Value::number);
                    let key =
                        number.ok_or_else(|| scope.broken(step.span, "this is no number that Terraform reads"))?;
                    self.index(&value, &key, step.span, scope)?
                }
                StepKind::Index(key) => {
                    let key = self.evaluate(key, scope)?;
                    self.index(&value, &key, step.span, scope)?
                }
                StepKind::AttributeSplat(each) | StepKind::Splat(each) => {
                    self.deeper(|evaluator| evaluator.splat(value, each, step.span, scope))?
                }
            };
        }
        Ok(value)
    }

    /// A part of a value, which is there for what decided over the whole.
    fn part(&mut self, part: Value, of: &Value) -> Value {
        part.with_marks(of.marks()).under(&mut self.context.sets, of.flow().control)
    }

    /// Something unknown of an unknown value.
    fn part_unknown(&mut self, ty: Type, of: &Value) -> Value {
        let reason = of.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a value".into()));
        let control = self.context.sets.union(of.flow().data, of.flow().control);
        Value::unknown_of(ty, reason).with_marks(of.marks()).under(&mut self.context.sets, control)
    }

    pub(super) fn attribute(&mut self, of: &Value, name: &str, span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        if of.is_null() {
            let message =
                "Attempt to get attribute from null value: This value is null, so it does not have any attributes.";
            return Err(scope.broken(span, message));
        }
        let unsupported = |why: String| Err(scope.broken(span, format!("Unsupported attribute: {why}.")));
        match of.ty() {
            Type::Dynamic => Ok(self.part_unknown(Type::Dynamic, of)),
            Type::Object(object) => {
                let Some(attribute) = object.get(name) else {
                    if let Some(address) = object.open() {
                        let reason = Reason::Resource(format!("{address}.{name}").into());
                        let value = Value::unknown_of(Type::Dynamic, reason);
                        return Ok(self.part(value, of));
                    }
                    return unsupported(format!("This object does not have an attribute named {name:?}"));
                };
                match of.as_mapping().and_then(|mapping| mapping.get(name)) {
                    // What a configuration leaves null its provider may decide over.
                    Some(entry) if entry.value.is_null() && object.open().is_some() => {
                        let reason = Reason::Resource(format!("{}.{name}", object.open().unwrap_or_default()).into());
                        let control = self.control_of(&entry.value);
                        let value = Value::unknown_of(Type::Dynamic, reason).under(&mut self.context.sets, control);
                        Ok(self.part(value, of))
                    }
                    Some(entry) => Ok(self.part(entry.value.clone(), of)),
                    None => Ok(self.part_unknown(attribute.ty.clone(), of)),
                }
            }
            Type::Map(element) => match of.as_mapping() {
                None => Ok(self.part_unknown((**element).clone(), of)),
                Some(mapping) => match mapping.get(name) {
                    Some(entry) => Ok(self.part(entry.value.clone(), of)),
                    None => {
                        let message =
                            format!("Missing map element: This map does not have an element with the key {name:?}.");
                        Err(scope.broken(span, message))
                    }
                },
            },
            Type::List(element) | Type::Set(element) if matches!(**element, Type::Object(_)) => {
                let kind = if matches!(of.ty(), Type::List(_)) { "list" } else { "set" };
                unsupported(format!("Can't access attributes on a {kind} of objects"))
            }
            ty if ty.is_primitive() => {
                unsupported(format!("Can't access attributes on a primitive-typed value ({})", ty.friendly()))
            }
            _ => unsupported("This value does not have any attributes".to_owned()),
        }
    }

    pub(super) fn index(&mut self, of: &Value, key: &Value, span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        const PREFIX: &str = "The given key does not identify an element in this collection value";
        let invalid = |why: String| scope.broken(span, format!("Invalid index: {why}."));
        if of.is_null() {
            let message = "Attempt to index null value: This value is null, so it does not have any indices.";
            return Err(scope.broken(span, message));
        }
        if key.is_null() {
            return Err(invalid("Can't use a null value as an indexing key".to_owned()));
        }
        let flow = key.whole_flow(&mut self.context.sets);
        let control = self.context.sets.union(flow.data, flow.control);
        let wanted = match of.ty() {
            Type::Dynamic => None,
            Type::List(_) | Type::Tuple(_) => Some(Type::Number),
            Type::Map(_) | Type::Object(_) => Some(Type::String),
            Type::Set(_) => {
                return Err(invalid("Elements of a set are identified only by their value".to_owned()));
            }
            _ => return Err(invalid("This value does not have any indices".to_owned())),
        };
        let Some(wanted) = wanted.filter(|_| *key.ty() != Type::Dynamic) else {
            let blame = if *of.ty() == Type::Dynamic { of } else { key };
            let any = self.flow_of([of, key]);
            return Ok(self.part_unknown(Type::Dynamic, blame).with_flow(any).with_marks(of.marks()));
        };
        let was_number = *key.ty() == Type::Number;
        let key = convert(&mut self.context, key, &wanted).map_err(|problem| {
            scope.stop(span, Problem { message: format!("Invalid index: {PREFIX}: {problem}."), ..problem })
        })?;
        let marks = of.marks().with(key.marks());
        if let Type::Object(object) = of.ty() {
            let Some(name) = key.as_str() else {
                let any = self.flow_of([of, &key]);
                return Ok(self.part_unknown(Type::Dynamic, &key).with_flow(any).with_marks(marks));
            };
            if object.get(name).is_none() && object.open().is_none() {
                let more = " An object only supports looking up attributes by name, not by numeric index";
                return Err(invalid(format!("{PREFIX}.{}", if was_number { more } else { "" })));
            }
            let value = self.attribute(of, name, span, scope)?;
            return Ok(value.with_marks(marks).under(&mut self.context.sets, control));
        }
        let found = match (&key.as_str(), key.as_number()) {
            (Some(name), _) => match of.as_mapping() {
                Some(mapping) => match mapping.get(name) {
                    Some(entry) => Some(entry.value.clone()),
                    None => return Err(invalid(PREFIX.to_owned())),
                },
                None => None,
            },
            (None, Some(number)) => self.element(of, number).map_err(|why| invalid(format!("{PREFIX}{why}")))?,
            _ => None,
        };
        let value = match found {
            Some(value) => self.part(value, of),
            None => {
                let ty = of.ty().element().cloned().unwrap_or(Type::Dynamic);
                let blame = if of.is_known() { &key } else { of };
                let any = self.flow_of([of, &key]);
                self.part_unknown(ty, blame).with_flow(any)
            }
        };
        Ok(value.with_marks(marks).under(&mut self.context.sets, control))
    }

    /// The element of a list or tuple; nothing where it is not known.
    fn element(&mut self, of: &Value, number: &Number) -> Result<Option<Value>, &'static str> {
        if !number.is_integer() {
            return Err(": indexing a sequence requires a whole number, but the given index has a fractional part");
        }
        if number.is_negative() && !number.is_zero() {
            return Err(": a negative number is not a valid index for a sequence");
        }
        let at = number.to_i64().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
        let (_, most) = of.length_range();
        if most.is_some_and(|most| at >= most) {
            return Err(if most == Some(0) {
                ": the collection has no elements"
            } else {
                ": the given index is greater than or equal to the length of the collection"
            });
        }
        match (of.as_sequence(), of.ty()) {
            (Some(elements), _) => Ok(elements.get(at).cloned()),
            (None, Type::Tuple(types)) => Ok(types.get(at).map(|ty| self.part_unknown(ty.clone(), of))),
            _ => Ok(None),
        }
    }

    /// What follows a splat, for each element.
    fn splat(&mut self, of: Value, each: &[Step], span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        let is_sequence = matches!(of.ty(), Type::Tuple(_) | Type::List(_) | Type::Set(_));
        if of.is_null() {
            if is_sequence {
                let message =
                    "Splat of null value: Splat expressions (with the * symbol) cannot be applied to null sequences.";
                return Err(scope.broken(span, message));
            }
            let control = self.context.sets.union(of.flow().data, of.flow().control);
            return Ok(Value::tuple([]).with_marks(of.marks()).under(&mut self.context.sets, control));
        }
        if *of.ty() == Type::Dynamic {
            return Ok(self.part_unknown(Type::Dynamic, &of));
        }
        if !is_sequence {
            let could_be_null = !of.is_known() && !of.is_not_null();
            let item = self.steps(of.clone(), each, scope)?;
            if could_be_null {
                return Ok(self.part_unknown(Type::Dynamic, &of));
            }
            return Ok(Value::tuple([item]).with_marks(of.marks()).under(&mut self.context.sets, of.flow().control));
        }
        let Some(elements) = of.as_sequence() else {
            let ty = self.splat_type(&of, each, scope)?;
            let reason = of.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a value".into()));
            let mut refinement = Refinement::default();
            if let Type::List(_) = ty {
                let (least, most) = of.length_range();
                refinement = Refinement::not_null().with_length(least, most);
            } else if ty != Type::Dynamic {
                refinement = Refinement::not_null();
            }
            return Ok(Value::not_known(ty, Unknown { reason, refinement })
                .with_marks(of.marks())
                .with_flow(of.flow()));
        };
        self.context.budget.elements(elements.len()).map_err(|problem| scope.stop(span, problem))?;
        let items: Result<Vec<Value>, Stop> =
            elements.iter().map(|element| self.steps(element.clone(), each, scope)).collect();
        let items = items?;
        let value = if matches!(of.ty(), Type::Tuple(_)) {
            Value::tuple(items)
        } else if items.is_empty() {
            match self.splat_type(&of, each, scope)? {
                Type::List(element) => Value::list((*element).clone(), []),
                _ => Value::list(Type::Dynamic, []),
            }
        } else {
            let mut types = items.iter().map(Value::ty).filter(|ty| **ty != Type::Dynamic);
            let first = types.next();
            if first.is_some_and(|first| types.any(|ty| ty != first)) {
                let message = "Invalid nested splat expressions: The second level of splat expression produced elements of \
                               different types.";
                return Err(scope.broken(span, message));
            }
            Value::list_of(items)
        };
        Ok(value.with_marks(of.marks()).with_flow(of.flow()))
    }

    /// The type of a splat of elements that are not known.
    fn splat_type(&mut self, of: &Value, each: &[Step], scope: Scope<'_>) -> Result<Type, Stop> {
        let reason = of.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a value".into()));
        let mut type_of = |ty: &Type| {
            let item = Value::unknown_of(ty.clone(), reason.clone());
            self.steps(item, each, scope).map(|value| value.ty().clone())
        };
        Ok(match of.ty() {
            Type::Tuple(types) => {
                let types: Result<Vec<Type>, Stop> = types.iter().map(&mut type_of).collect();
                Type::tuple(types?)
            }
            Type::List(element) | Type::Set(element) => Type::list(type_of(element)?),
            _ => Type::Dynamic,
        })
    }

    /// Decided by these leaves as well.
    pub(super) fn control_of(&mut self, value: &Value) -> SetId {
        let flow = value.whole_flow(&mut self.context.sets);
        self.context.sets.union(flow.data, flow.control)
    }
}
