//! `for`, in expressions and in templates.

use std::collections::BTreeMap;

use super::{ANYTHING, Evaluator};
use crate::{
    engine::terraform::{
        convert::convert,
        leaf::Says,
        problem::Problem,
        scope::{Name, Scope, Stop},
        types::Type,
        unknown::Reason,
        value::{Datum, Entry, Key, Marks, Value},
    },
    source::{
        hcl::tree::{self, Expression, For, ForDirective},
        lineage::sets::{Flow, SetId},
        span::Span,
    },
};

/// What an iteration goes through.
enum Elements {
    /// Keys and elements.
    Known(Vec<(Value, Value)>),
    /// Nobody knows.
    Unknown(Reason),
}

/// What decides over an element.
enum Test {
    Included,
    LeftOut,
    Unknown(Reason),
}

impl Evaluator<'_, '_> {
    pub(super) fn for_expression(&mut self, all: &For, span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        let collection = self.evaluate(&all.collection, scope)?;
        let elements = self.elements(&collection, all.collection.span, scope)?;
        let mut marks = collection.marks();
        let control = match &elements {
            // Of nothing, everything decides.
            Elements::Known(elements) if elements.is_empty() => self.control_of(&collection),
            _ => collection.flow().control,
        };
        if *collection.ty() != Type::Dynamic
            && let Some(test) = &all.test
        {
            self.check_test(test, all, scope)?;
        }
        let unknown = |evaluator: &mut Self, reason: Reason, marks: Marks| {
            let whole = evaluator.control_of(&collection);
            let flow = evaluator.any_iteration(all, span, scope);
            let unknown = Value::unknown_of(Type::Dynamic, reason).with_flow(flow).with_marks(marks);
            unknown.under(&mut evaluator.context.sets, whole)
        };
        let elements = match elements {
            Elements::Known(elements) => elements,
            Elements::Unknown(reason) => return Ok(unknown(self, reason, marks)),
        };
        self.context.budget.elements(elements.len()).map_err(|problem| scope.stop(span, problem))?;
        let mut results = Results::default();
        let mut reason = None;
        let mut decided = control;
        for (key, element) in elements {
            let outer =
                all.key_name.as_ref().map(|name| Name { name: &name.text, value: key.clone(), outer: scope.names });
            let inner =
                Name { name: &all.value_name.text, value: element.clone(), outer: outer.as_ref().or(scope.names) };
            let scope = scope.with_names(Some(&inner));
            let mut because = SetId::EMPTY;
            if let Some(test) = &all.test {
                let (test, test_marks, test_control) = self.test(test, scope)?;
                marks = marks.with(test_marks);
                match test {
                    Test::Included => because = test_control,
                    Test::LeftOut => {
                        decided = self.context.sets.union(decided, test_control);
                        continue;
                    }
                    Test::Unknown(why) => {
                        reason = reason.or(Some(why));
                        continue;
                    }
                }
            }
            let Some(key) = &all.key else {
                let value = self.evaluate(&all.value, scope)?;
                results.tuple.push(value.under(&mut self.context.sets, because));
                continue;
            };
            let (key, key_marks) = match self.for_key(key, scope)? {
                Ok(found) => found,
                Err((why, key_marks)) => {
                    marks = marks.with(key_marks);
                    reason = reason.or(Some(why));
                    continue;
                }
            };
            marks = marks.with(key_marks);
            let value = self.evaluate(&all.value, scope)?.under(&mut self.context.sets, because);
            let text = key.as_str().to_owned();
            match results.object.entry(text) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert((key, vec![value]));
                }
                std::collections::btree_map::Entry::Occupied(mut known) if all.group.is_some() => {
                    known.get_mut().1.push(value);
                }
                std::collections::btree_map::Entry::Occupied(known) => {
                    let message = format!(
                        "Duplicate object key: Two different items produced the key {:?} in this 'for' expression. If \
                         duplicates are expected, use the ellipsis (...) after the value expression to enable grouping \
                         by key.",
                        known.key()
                    );
                    let at = all.key.as_ref().map_or(span, |key| key.span);
                    return Err(scope.broken(at, message));
                }
            }
        }
        if let Some(reason) = reason {
            return Ok(unknown(self, reason, marks));
        }
        let leaf = self.context.sets.leaf(scope.leaf(Says::Container, span));
        let value = if all.key.is_none() {
            Value::tuple(results.tuple)
        } else {
            let is_grouped = all.group.is_some();
            Value::object(results.object.into_values().map(|(key, mut values)| {
                let value = if is_grouped { Value::tuple(values) } else { values.remove(0) };
                Entry { key, value }
            }))
        };
        let data = self.context.sets.union(leaf.into(), collection.flow().data);
        Ok(value.with_data(data).under(&mut self.context.sets, decided).with_marks(marks))
    }

    /// All that the results of an iteration can be made of, whatever the elements are.
    fn any_iteration(&mut self, all: &For, span: Span, scope: Scope<'_>) -> Flow {
        let open = || Value::unknown_of(Type::Dynamic, Reason::Unsupported("an element".into()));
        let outer = all.key_name.as_ref().map(|name| Name { name: &name.text, value: open(), outer: scope.names });
        let inner = Name { name: &all.value_name.text, value: open(), outer: outer.as_ref().or(scope.names) };
        let inside = scope.with_names(Some(&inner));
        let parts = [Some(&all.value), all.key.as_ref(), all.test.as_ref()];
        let values: Result<Vec<Value>, Stop> =
            parts.into_iter().flatten().map(|part| self.evaluate(part, inside)).collect();
        let flow = values.map_or(ANYTHING, |values| self.flow_of(&values));
        self.with_wording(flow, span, scope)
    }

    /// What a value has to be iterated over.
    fn elements(&mut self, collection: &Value, span: Span, scope: Scope<'_>) -> Result<Elements, Stop> {
        if collection.is_null() {
            let message =
                "Iteration over null value: A null value cannot be used as the collection in a 'for' expression.";
            return Err(scope.broken(span, message));
        }
        let reason = || collection.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a collection".into()));
        if collection.ty().is_open() {
            return Ok(Elements::Unknown(Reason::Unsupported("the attributes of a resource one by one".into())));
        }
        let is_set = matches!(collection.ty(), Type::Set(_));
        Ok(match (collection.ty(), collection.datum()) {
            (Type::Bool | Type::Number | Type::String, _) => {
                let message = format!(
                    "Iteration over non-iterable value: A value of type {} cannot be used as the collection in a 'for' \
                     expression.",
                    collection.ty().friendly()
                );
                return Err(scope.broken(span, message));
            }
            (_, Datum::Sequence(elements)) => Elements::Known(
                elements
                    .iter()
                    .enumerate()
                    .map(|(index, element)| {
                        let key = if is_set { element.clone() } else { Value::number(index as i64) };
                        (key, element.clone())
                    })
                    .collect(),
            ),
            (_, Datum::Mapping(mapping)) => {
                let pair = |entry: &Entry| (entry.key.value(), entry.value.clone());
                Elements::Known(mapping.entries().iter().map(pair).collect())
            }
            _ => Elements::Unknown(reason()),
        })
    }

    /// Looks at a test before anything is known, as Terraform does.
    fn check_test(&mut self, test: &Expression, all: &For, scope: Scope<'_>) -> Result<(), Stop> {
        let open = || Value::unknown_of(Type::Dynamic, Reason::Unsupported("an element".into()));
        let outer = all.key_name.as_ref().map(|name| Name { name: &name.text, value: open(), outer: scope.names });
        let inner = Name { name: &all.value_name.text, value: open(), outer: outer.as_ref().or(scope.names) };
        self.test(test, scope.with_names(Some(&inner))).map(|_| ())
    }

    fn test(&mut self, test: &Expression, scope: Scope<'_>) -> Result<(Test, Marks, SetId), Stop> {
        let value = self.evaluate(test, scope)?;
        if value.is_null() {
            return Err(scope.broken(test.span, "Condition is null: The value of the 'if' clause must not be null."));
        }
        let (marks, control) = (value.marks(), self.control_of(&value));
        let value = convert(&mut self.context, &value.unmarked(), &Type::Bool).map_err(|problem| {
            let message = format!("Invalid 'for' condition: The 'if' clause value is invalid: {problem}.");
            scope.stop(test.span, Problem { message, ..problem })
        })?;
        let test = match value.as_bool() {
            Some(true) => Test::Included,
            Some(false) => Test::LeftOut,
            None => Test::Unknown(value.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a condition".into()))),
        };
        Ok((test, marks, control))
    }

    /// The key of an element, or why it is not known.
    #[expect(clippy::type_complexity, reason = "a problem, an unknown key and a key are three things")]
    fn for_key(&mut self, key: &Expression, scope: Scope<'_>) -> Result<Result<(Key, Marks), (Reason, Marks)>, Stop> {
        let value = self.evaluate(key, scope)?;
        if value.is_null() {
            let message = "Invalid object key: Key expression in 'for' expression must not produce a null value.";
            return Err(scope.broken(key.span, message));
        }
        let marks = value.marks();
        if !value.is_known() {
            let reason = value.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a key".into()));
            return Ok(Err((reason, marks)));
        }
        let value = convert(&mut self.context, &value.unmarked(), &Type::String).map_err(|problem| {
            let message = format!("Invalid object key: The key expression produced an invalid result: {problem}.");
            scope.stop(key.span, Problem { message, ..problem })
        })?;
        match Key::of(&value) {
            Some(key) => Ok(Ok((key, marks))),
            None => Ok(Err((Reason::Unsupported("a key".into()), marks))),
        }
    }

    /// The text of a `%{for}`.
    pub(super) fn for_directive(&mut self, directive: &ForDirective, scope: Scope<'_>) -> Result<Value, Stop> {
        let tree::ForDirective { key_name, value_name, collection, body, span } = directive;
        let value = self.evaluate(collection, scope)?;
        let control = self.control_of(&value);
        let elements = match self.elements(&value, collection.span, scope)? {
            Elements::Known(elements) => elements,
            Elements::Unknown(reason) => {
                let open = || Value::unknown_of(Type::Dynamic, reason.clone());
                let outer = key_name.as_ref().map(|name| Name { name: &name.text, value: open(), outer: scope.names });
                let inner = Name { name: &value_name.text, value: open(), outer: outer.as_ref().or(scope.names) };
                let any = self.parts(body, *span, scope.with_names(Some(&inner)));
                let flow = any.map_or(ANYTHING, |any| self.flow_of([&any]));
                let flow = self.with_wording(flow, *span, scope);
                let unknown = Value::unknown_of(Type::String, reason).with_flow(flow);
                return Ok(unknown.with_marks(value.marks()).under(&mut self.context.sets, control));
            }
        };
        self.context.budget.elements(elements.len()).map_err(|problem| scope.stop(*span, problem))?;
        let decided = if elements.is_empty() { control } else { value.flow().control };
        let mut texts = Vec::with_capacity(elements.len());
        for (key, element) in elements {
            let outer = key_name.as_ref().map(|name| Name { name: &name.text, value: key, outer: scope.names });
            let inner = Name { name: &value_name.text, value: element, outer: outer.as_ref().or(scope.names) };
            texts.push(self.parts(body, *span, scope.with_names(Some(&inner)))?);
        }
        let joined = self.joined(&texts, *span, scope)?;
        Ok(joined.with_marks(value.marks()).under(&mut self.context.sets, decided))
    }
}

/// The results of a `for`.
#[derive(Default)]
struct Results {
    tuple: Vec<Value>,
    object: BTreeMap<String, (Key, Vec<Value>)>,
}
