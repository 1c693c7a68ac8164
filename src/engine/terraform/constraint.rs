//! Types as variables state them, with the defaults of optional attributes (HashiCorp's `ext/typeexpr`).

use std::{collections::BTreeMap, rc::Rc};

use super::{
    convert::convert,
    evaluate::Evaluator,
    problem::Problem,
    scope::{Scope, Stop},
    types::{Attribute, Type},
    unify::{Safety, unify},
    value::{Entry, Key, Value},
};
use crate::source::hcl::{
    parse_expression,
    tree::{self, Expression, ExpressionKind, Form, Template},
};

/// A type and the defaults of its optional attributes.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// The type.
    pub ty: Type,
    /// The defaults.
    pub defaults: Option<Rc<Defaults>>,
}

/// The defaults of optional attributes, by where they are in a type.
#[derive(Debug, Default)]
pub struct Defaults {
    /// Of the attributes of an object.
    values: BTreeMap<Rc<str>, Value>,
    /// Of what is in it: of an object's attributes by name, of a tuple's elements by number, of a collection's under nothing.
    children: BTreeMap<Rc<str>, Rc<Self>>,
}

impl Constraint {
    /// No constraint at all.
    pub fn any() -> Self {
        Self { ty: Type::Dynamic, defaults: None }
    }
}

impl Evaluator<'_, '_> {
    /// The type that an expression states.
    ///
    /// # Errors
    /// What Terraform refuses.
    pub fn constraint(&mut self, expression: &Expression, scope: Scope<'_>) -> Result<Constraint, Stop> {
        // JSON has them in quotes.
        if let ExpressionKind::Template(Template { form: Form::Bare, .. }) = &expression.kind
            && let Some(text) = expression.literal()
        {
            let parsed =
                parse_expression(&text.value).map_err(|error| scope.broken(expression.span, error.to_string()))?;
            return self.deeper(|evaluator| evaluator.stated(&parsed, scope, true));
        }
        self.deeper(|evaluator| evaluator.stated(expression, scope, false))
    }

    fn stated(&mut self, expression: &Expression, scope: Scope<'_>, is_json: bool) -> Result<Constraint, Stop> {
        let at = |expression: &Expression| if is_json { Default::default() } else { expression.span };
        let wrong = |why: String| scope.broken(at(expression), format!("Invalid type specification: {why}."));
        let plain = |ty: Type| Ok(Constraint { ty, defaults: None });
        let call = match &expression.kind {
            ExpressionKind::Variable(name) => {
                return match &*name.text {
                    "bool" => plain(Type::Bool),
                    "string" => plain(Type::String),
                    "number" => plain(Type::Number),
                    "any" => plain(Type::Dynamic),
                    // These two stand for collections of anything, as they did before elements had types.
                    "list" => plain(Type::list(Type::Dynamic)),
                    "map" => plain(Type::map(Type::Dynamic)),
                    word => Err(wrong(format!("The keyword {word:?} is not a valid type specification"))),
                };
            }
            ExpressionKind::Call(call) => call,
            _ => return Err(wrong("A type is a keyword or a type constructor call, like list(string)".to_owned())),
        };
        let name = &*call.name.text;
        let [argument] = &call.arguments[..] else {
            return Err(wrong(format!("The {name} type constructor requires one argument")));
        };
        match name {
            "list" | "set" | "map" => {
                let element = self.deeper(|evaluator| evaluator.stated(argument, scope, is_json))?;
                let ty = match name {
                    "list" => Type::list(element.ty),
                    "set" => Type::set(element.ty),
                    _ => Type::map(element.ty),
                };
                let defaults = element.defaults.map(|defaults| {
                    Rc::new(Defaults { children: [("".into(), defaults)].into(), ..Defaults::default() })
                });
                Ok(Constraint { ty, defaults })
            }
            "tuple" => {
                let ExpressionKind::Tuple(items) = &argument.kind else {
                    return Err(wrong("Tuple type constructor requires a list of element types".to_owned()));
                };
                let (mut types, mut children) = (Vec::with_capacity(items.len()), BTreeMap::new());
                for (index, item) in items.iter().enumerate() {
                    let element = self.deeper(|evaluator| evaluator.stated(item, scope, is_json))?;
                    types.push(element.ty);
                    children.extend(element.defaults.map(|defaults| (index.to_string().into(), defaults)));
                }
                Ok(Constraint { ty: Type::tuple(types), defaults: Defaults::of(BTreeMap::new(), children) })
            }
            "object" => {
                let ExpressionKind::Object(object) = &argument.kind else {
                    return Err(wrong("Object type constructor requires a map of attribute types".to_owned()));
                };
                self.stated_object(object, scope, is_json)
            }
            _ => Err(wrong(format!("Keyword {name:?} is not a valid type constructor"))),
        }
    }

    fn stated_object(&mut self, object: &tree::Object, scope: Scope<'_>, is_json: bool) -> Result<Constraint, Stop> {
        let mut attributes: Vec<Attribute> = Vec::with_capacity(object.items.len());
        let (mut values, mut children) = (BTreeMap::new(), BTreeMap::new());
        for item in &object.items {
            let place = if is_json { Default::default() } else { item.span };
            let wrong = |why: &str| scope.broken(place, format!("Invalid type specification: {why}."));
            let tree::Key::Name(name) = &item.key else {
                return Err(wrong("Object constructor map keys must be attribute names"));
            };
            let name: Rc<str> = (&*name.text).into();
            if attributes.iter().any(|attribute| attribute.name == name) {
                return Err(wrong("Object constructor map keys must be unique"));
            }
            let (stated, default, is_optional) = match &item.value.kind {
                ExpressionKind::Call(call) if &*call.name.text == "optional" => match &call.arguments[..] {
                    [stated] => (stated, None, true),
                    [stated, default] => (stated, Some(default), true),
                    _ => {
                        return Err(wrong(
                            "Optional attribute modifier expects the type and, perhaps, a default value",
                        ));
                    }
                },
                _ => (&item.value, None, false),
            };
            let inner = self.deeper(|evaluator| evaluator.stated(stated, scope, is_json))?;
            if let Some(default) = default {
                let path = self.context.paths.join(scope.path, &name);
                let default_scope =
                    Scope { sees: super::scope::Sees::Nothing, role: super::leaf::Role::TypeDefault, ..scope.at(path) };
                let value = self.evaluate(default, default_scope)?;
                let value = convert(&mut self.context, &value, &inner.ty).map_err(|problem| {
                    let message = format!(
                        "Invalid default value for optional attribute: This default value is not compatible with the \
                         attribute's type constraint: {problem}."
                    );
                    scope.stop(place, Problem { message, ..problem })
                })?;
                values.insert(name.clone(), value);
            }
            children.extend(inner.defaults.map(|defaults| (name.clone(), defaults)));
            attributes.push(Attribute { name, ty: inner.ty, is_optional });
        }
        Ok(Constraint { ty: Type::constraint(attributes), defaults: Defaults::of(values, children) })
    }

    /// A value with the defaults of a type laid under it.
    ///
    /// # Errors
    /// A limit.
    pub fn with_defaults(&mut self, value: Value, defaults: &Defaults) -> Result<Value, Problem> {
        if !value.is_known() || value.is_null() {
            return Ok(value);
        }
        self.context.budget.step(1)?;
        let (flow, marks) = (value.flow(), value.marks());
        let made = match (value.ty().clone(), value.as_sequence(), value.as_mapping()) {
            (ty, Some(elements), _) => {
                let mut all = Vec::with_capacity(elements.len());
                for (index, element) in elements.iter().enumerate() {
                    let child = match &ty {
                        Type::Tuple(_) => defaults.child(&index.to_string()),
                        _ => defaults.child(""),
                    };
                    all.push(match child {
                        Some(child) => self.with_defaults(element.clone(), child)?,
                        None => element.clone(),
                    });
                }
                match ty {
                    Type::Tuple(_) => Value::tuple(all),
                    Type::Set(element) if all.is_empty() => Value::set(&mut self.context.sets, (*element).clone(), []),
                    Type::List(element) if all.is_empty() => Value::list((*element).clone(), []),
                    ty => match self.unified(&all)? {
                        Some(all) if matches!(ty, Type::Set(_)) => Value::set_of(&mut self.context.sets, all),
                        Some(all) => Value::list_of(all),
                        None => Value::tuple(all),
                    },
                }
            }
            (ty, None, Some(mapping)) => {
                let mut entries: Vec<Entry> = Vec::with_capacity(mapping.entries().len());
                for entry in mapping.entries() {
                    let child = match &ty {
                        Type::Object(_) => defaults.child(entry.key.as_str()),
                        _ => defaults.child(""),
                    };
                    let value = match child {
                        Some(child) => self.with_defaults(entry.value.clone(), child)?,
                        None => entry.value.clone(),
                    };
                    entries.push(Entry { key: entry.key.clone(), value });
                }
                for (name, default) in &defaults.values {
                    let known = entries.iter().position(|entry| entry.key.as_str() == &**name);
                    if known.is_some_and(|at| !entries[at].value.is_null()) {
                        continue;
                    }
                    let value = match defaults.children.get(name) {
                        Some(child) => self.with_defaults(default.clone(), child)?,
                        None => default.clone(),
                    };
                    let value = value.under(&mut self.context.sets, flow.control);
                    match known {
                        Some(at) => entries[at].value = value,
                        None => entries.push(Entry { key: Key::plain(name), value }),
                    }
                }
                match ty {
                    Type::Map(element) if entries.is_empty() => Value::map((*element).clone(), []),
                    Type::Map(_) => {
                        let values: Vec<Value> = entries.iter().map(|entry| entry.value.clone()).collect();
                        match self.unified(&values)? {
                            Some(values) => Value::map_of(
                                entries
                                    .into_iter()
                                    .zip(values)
                                    .map(|(entry, value)| Entry { value, ..entry })
                                    .collect(),
                            ),
                            None => Value::object(entries),
                        }
                    }
                    _ => Value::object(entries),
                }
            }
            _ => return Ok(value),
        };
        Ok(made.with_flow(flow).with_marks(marks))
    }

    /// Values of one type, if they can be.
    fn unified(&mut self, values: &[Value]) -> Result<Option<Vec<Value>>, Problem> {
        let types: Vec<Type> = values.iter().map(|value| value.ty().clone()).collect();
        let Some(ty) = unify(&types, Safety::Unsafe) else { return Ok(None) };
        let converted: Result<Vec<Value>, Problem> =
            values.iter().map(|value| convert(&mut self.context, value, &ty)).collect();
        Ok(converted.ok())
    }
}

impl Defaults {
    fn of(values: BTreeMap<Rc<str>, Value>, children: BTreeMap<Rc<str>, Rc<Self>>) -> Option<Rc<Self>> {
        let is_empty = values.is_empty() && children.is_empty();
        (!is_empty).then(|| Rc::new(Self { values, children }))
    }

    fn child(&self, name: &str) -> Option<&Rc<Self>> {
        self.children.get(name).or_else(|| self.children.get(""))
    }
}
