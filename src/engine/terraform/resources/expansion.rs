//! `count` and `for_each`.

use std::rc::Rc;

use crate::{
    engine::terraform::{
        convert::convert,
        evaluate::Evaluator,
        leaf::{Leaf, Role, Says},
        module::{Argument, Definition},
        problem::Problem,
        scope::{InstanceId, Repetition, Scope, Sees, Stop},
        types::Type,
        unknown::{Reason, Refinement, Unknown},
        value::{Entry, Key, Marks, Value},
    },
    source::lineage::sets::{Flow, SetId},
};

/// Which of several instances it is. Numbers stand before texts, as they never mix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    /// The only one.
    None,
    /// By its number.
    Number(usize),
    /// By its key.
    Text(Rc<str>),
}

/// The instances that a block stands for.
#[derive(Debug)]
pub struct Expansion {
    /// Whether there is a `count` or `for_each`.
    pub is_repeated: bool,
    /// Whether it is `for_each`.
    pub by_key: bool,
    /// Each instance, in the order of the keys.
    pub each: Vec<(InstanceKey, Repetition)>,
    /// What decided how many there are.
    pub control: SetId,
    /// Where that is not known: what it depends on. Then there is one, which stands for all that there may be.
    pub undecided: Option<Undecided>,
}

/// A number of instances that is not known.
#[derive(Debug)]
pub struct Undecided {
    /// What `count` or `for_each` comes to.
    pub value: Value,
    /// Why it is not known.
    pub reason: Reason,
    /// The problem that it is for whoever wants to know all instances.
    pub problem: Problem,
}

impl InstanceKey {
    /// As it stands in an address: `[0]`, `["a"]`.
    pub fn suffix(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Number(number) => format!("[{number}]"),
            Self::Text(text) => format!("[{}]", quoted(text)),
        }
    }

    /// The key as a name.
    pub fn name(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.to_string(),
        }
    }
}

/// A text as a literal of the language.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '\n' => quoted += "\\n",
            '\r' => quoted += "\\r",
            '\t' => quoted += "\\t",
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '$' | '%' => {
                quoted.push(char);
                if rest.peek() == Some(&'{') {
                    quoted.push(char);
                }
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

impl<'p> Evaluator<'p, '_> {
    /// The instances that a block with `count` or `for_each` stands for.
    pub(in crate::engine::terraform) fn expansion(
        &mut self,
        definition: &Definition<'p>,
        instance: InstanceId,
        role: Role,
        path: &[&str],
    ) -> Result<Expansion, Stop> {
        let (count, for_each) = (definition.argument("count"), definition.argument("for_each"));
        if self.validates {
            return self.any_instance(count, for_each, instance, role, path);
        }
        match (count, for_each) {
            (None, None) => Ok(Expansion {
                is_repeated: false,
                by_key: false,
                each: vec![(InstanceKey::None, Repetition::Once)],
                control: SetId::EMPTY,
                undecided: None,
            }),
            (Some(_), Some(for_each)) => {
                let message = "Invalid combination of \"count\" and \"for_each\": The \"count\" and \"for_each\" \
                               meta-arguments are mutually-exclusive.";
                Err(Problem::broken(message).at(for_each.place()).into())
            }
            (Some(count), None) => self.counted(count, instance, role, path),
            (None, Some(for_each)) => self.for_each(for_each, instance, role, path),
        }
    }

    /// One instance that stands for all that there may be.
    fn any_instance(
        &mut self,
        count: Option<Argument<'p>>,
        for_each: Option<Argument<'p>>,
        instance: InstanceId,
        role: Role,
        path: &[&str],
    ) -> Result<Expansion, Stop> {
        let not_known = |ty: Type, what: &str| {
            let reason = Reason::Run(what.into());
            Value::not_known(ty, Unknown { reason, refinement: Refinement::not_null() })
        };
        let repetition = match (count, for_each) {
            (Some(count), _) => {
                self.meta_argument(count, instance, role, path)?;
                Repetition::Count(not_known(Type::Number, "count.index"))
            }
            (None, Some(for_each)) => {
                self.meta_argument(for_each, instance, role, path)?;
                Repetition::Each(not_known(Type::String, "each.key"), not_known(Type::Dynamic, "each.value"))
            }
            (None, None) => Repetition::Once,
        };
        let is_repeated = !matches!(repetition, Repetition::Once);
        let each = vec![(InstanceKey::None, repetition)];
        Ok(Expansion { is_repeated, by_key: for_each.is_some(), each, control: SetId::EMPTY, undecided: None })
    }

    fn meta_argument(
        &mut self,
        argument: Argument<'p>,
        instance: InstanceId,
        role: Role,
        path: &[&str],
    ) -> Result<(Value, SetId), Stop> {
        let path = self.path(path);
        let path = self.context.paths.join(path, argument.name());
        let sees = Sees::Module(instance, &Repetition::Once);
        let scope = Scope { file: argument.file, role, path, names: None, sees };
        let value = self.evaluate(argument.value(), scope)?;
        let marks = value.marks();
        // How many there are says little of a secret; the keys of a map may be secrets themselves.
        if marks.is_ephemeral || marks.is_sensitive && argument.name() == "for_each" {
            let kind = if marks.is_ephemeral { "Ephemeral" } else { "Sensitive" };
            let message = format!(
                "Invalid {} argument: {kind} values, or values derived from them, cannot be used as {} arguments.",
                argument.name(),
                argument.name()
            );
            return Err(Problem::broken(message).at(argument.place()).into());
        }
        let value = value.marked_only(Marks::NONE);
        let flow = value.own_flow(&mut self.context.sets);
        let control = self.context.sets.union(flow.data, flow.control);
        Ok((value, control))
    }

    fn counted(
        &mut self,
        argument: Argument<'p>,
        instance: InstanceId,
        role: Role,
        path: &[&str],
    ) -> Result<Expansion, Stop> {
        let invalid = |why: String| Problem::broken(format!("Invalid count argument: {why}.")).at(argument.place());
        let (value, control) = self.meta_argument(argument, instance, role, path)?;
        if value.is_null() {
            return Err(invalid("The given \"count\" argument value is null. An integer is required".to_owned()).into());
        }
        let value = convert(&mut self.context, &value, &Type::Number).map_err(|problem| {
            Problem { message: invalid(problem.message.clone()).message, ..problem }.at(argument.place())
        })?;
        let Some(number) = value.as_number() else { return self.undecided(value, control, argument) };
        let count = number.to_i64().and_then(|count| usize::try_from(count).ok()).ok_or_else(|| {
            invalid(
                "The given \"count\" argument value is unsuitable: a whole number of zero or more is required"
                    .to_owned(),
            )
        })?;
        self.context.budget.elements(count).map_err(|problem| problem.at(argument.place()))?;
        let leaf = |evaluator: &mut Self| {
            let path = evaluator.path(&["count.index"]);
            let leaf = Leaf { says: Says::BuiltIn("count.index"), role: Role::BuiltIn, place: None, path };
            evaluator.context.sets.leaf(leaf)
        };
        let leaf = leaf(self);
        let each = (0..count).map(|index| {
            let value = Value::number(index as i64).with_flow(Flow { data: leaf.into(), control });
            (InstanceKey::Number(index), Repetition::Count(value))
        });
        Ok(Expansion { is_repeated: true, by_key: false, each: each.collect(), control, undecided: None })
    }

    fn for_each(
        &mut self,
        argument: Argument<'p>,
        instance: InstanceId,
        role: Role,
        path: &[&str],
    ) -> Result<Expansion, Stop> {
        let invalid = |why: String| {
            let message =
                format!("Invalid for_each argument: The given \"for_each\" argument value is unsuitable: {why}.");
            Stop::from(Problem::broken(message).at(argument.place()))
        };
        let (value, control) = self.meta_argument(argument, instance, role, path)?;
        if !matches!(value.ty(), Type::Dynamic | Type::Map(_) | Type::Object(_) | Type::Set(_)) {
            let ty = value.ty().friendly();
            return Err(invalid(format!(
                "the \"for_each\" argument must be a map, or set of strings, and you have provided a value of type {ty}"
            )));
        }
        if value.is_null() {
            return Err(invalid("the given \"for_each\" argument value is null".to_owned()));
        }
        let is_set = matches!(value.ty(), Type::Set(_));
        let has_unknown_key = is_set && value.as_sequence().is_some_and(|keys| !keys.iter().all(Value::is_known));
        if !value.is_known() || value.ty().is_open() || has_unknown_key {
            return self.undecided(value, control, argument);
        }
        let pairs: Vec<(Key, Value)> = match (value.as_mapping(), value.as_sequence()) {
            (Some(mapping), _) => {
                mapping.entries().iter().map(|Entry { key, value }| (key.clone(), value.clone())).collect()
            }
            (_, Some(elements)) => {
                let mut pairs = Vec::with_capacity(elements.len());
                for element in elements {
                    if element.is_null() {
                        return Err(invalid("\"for_each\" sets must not contain null values".to_owned()));
                    }
                    let key = Key::of(element).ok_or_else(|| {
                        let ty = element.ty().friendly();
                        invalid(format!(
                            "\"for_each\" supports maps and sets of strings, but you have provided a set containing type {ty}"
                        ))
                    })?;
                    pairs.push((key, element.clone()));
                }
                pairs
            }
            _ => Vec::new(),
        };
        self.context.budget.elements(pairs.len()).map_err(|problem| problem.at(argument.place()))?;
        let container = value.flow().control;
        let each = pairs.into_iter().map(|(key, element)| {
            let name = InstanceKey::Text(key.as_str().into());
            let sets = &mut self.context.sets;
            let (key, element) = (key.value().under(sets, container), element.under(sets, container));
            (name, Repetition::Each(key, element))
        });
        let mut each: Vec<(InstanceKey, Repetition)> = each.collect();
        each.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Expansion { is_repeated: true, by_key: true, each, control, undecided: None })
    }

    /// An unknown number of instances. Terraform refuses it where it depends on what is made when it is applied; anything else
    /// it knows when it plans.
    fn undecided(&mut self, value: Value, control: SetId, argument: Argument<'p>) -> Result<Expansion, Stop> {
        let name = argument.name();
        let is_open = value.ty().is_open();
        let reason = value.reason().cloned().filter(|_| !is_open);
        let problem = match &reason {
            Some(reason @ (Reason::Resource(_) | Reason::Run(_))) => {
                let message = format!(
                    "Invalid {name} argument: The {name} value depends on resource attributes that cannot be determined until \
                     apply: {reason}"
                );
                return Err(Problem::broken(message).at(argument.place()).into());
            }
            Some(reason) => format!("how many there are depends on what is not known: {reason}"),
            None if is_open => "this version does not evaluate the attributes of a resource one by one".to_owned(),
            None => "how many there are is not known".to_owned(),
        };
        let problem = Problem::unsupported(problem).at(argument.place());
        let reason = reason.unwrap_or_else(|| Reason::Unsupported("how many there are".into()));
        let flow = self.flow_of([&value]);
        let any = |ty: Type| {
            let unknown = Unknown { reason: reason.clone(), refinement: Refinement::not_null() };
            Value::not_known(ty, unknown).with_flow(flow)
        };
        let by_key = name == "for_each";
        let repetition = match value.ty() {
            _ if !by_key => Repetition::Count(any(Type::Number)),
            Type::Set(_) => Repetition::Each(any(Type::String), any(Type::String)),
            Type::Map(element) => Repetition::Each(
                any(Type::String),
                Value::unknown_of((**element).clone(), reason.clone()).with_flow(flow),
            ),
            _ => Repetition::Each(any(Type::String), Value::unknown_of(Type::Dynamic, reason.clone()).with_flow(flow)),
        };
        let each = vec![(InstanceKey::None, repetition)];
        Ok(Expansion {
            is_repeated: true,
            by_key,
            each,
            control,
            undecided: Some(Undecided { value, reason, problem }),
        })
    }
}
