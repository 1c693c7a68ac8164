//! Input variables: what they are given, their defaults, their types and the rules that they have to keep.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use super::{
    configuration::{File, literal},
    constraint::Constraint,
    convert::convert,
    evaluate::{Evaluator, Item},
    leaf::{Leaf, PathId, Role, Says},
    module::{Argument, Definition},
    problem::Problem,
    scope::{InstanceId, Repetition, Scope, Sees, Stop},
    types::Type,
    unknown::Reason,
    value::{Marks, Value},
};
use crate::source::hcl::tree::ExpressionKind;

/// What a file of variables gives a variable of the root.
#[derive(Clone, Debug)]
pub struct Given {
    /// The value, as it is written.
    pub value: Value,
}

/// What a variable's block says of its values.
#[derive(Debug)]
pub struct Declared {
    constraint: Constraint,
    is_nullable: bool,
    marks: Marks,
    /// As one of the type.
    default: Option<Value>,
}

/// What inputs of Terragrunt and files of variables say, a later file over an earlier one, and every file over the inputs.
///
/// # Errors
/// What is no literal.
pub fn given(
    evaluator: &mut Evaluator<'_, '_>,
    inputs: &BTreeMap<String, Value>,
    files: &[File],
) -> Result<HashMap<String, Given>, Problem> {
    let mut all = HashMap::new();
    for (name, value) in inputs.iter().filter(|(_, value)| !value.is_null()) {
        if let Some(definition) = evaluator.module(InstanceId(0)).variables.get(&**name) {
            let value = evaluator.passed(value.clone(), definition)?;
            all.insert(name.clone(), Given { value });
        }
    }
    // What is null is no text: it becomes a file of variables, the first of those that are read by themselves.
    let is_automatic = |evaluator: &Evaluator<'_, '_>, file: &File| {
        let name = evaluator.context.files.path(file.id).name();
        name != "terraform.tfvars" && name != "terraform.tfvars.json"
    };
    let mut nulls: Vec<_> = inputs.iter().filter(|(_, value)| value.is_null()).collect();
    for file in files {
        if is_automatic(evaluator, file) {
            all.extend(nulls.drain(..).map(|(name, value)| (name.clone(), Given { value: value.clone() })));
        }
        super::module::no_blocks(file.id, &file.body)?;
        for attribute in file.body.attributes() {
            let name = &*attribute.name.text;
            let path = evaluator.context.paths.join(PathId::ROOT, name);
            let scope = Scope { file: file.id, role: Role::VariableValue, path, names: None, sees: Sees::Nothing };
            let value = evaluator.evaluate(&attribute.value, scope)?;
            all.insert(name.to_owned(), Given { value });
        }
    }
    all.extend(nulls.into_iter().map(|(name, value)| (name.clone(), Given { value: value.clone() })));
    Ok(all)
}

impl<'p> Evaluator<'p, '_> {
    /// The value of a variable.
    ///
    /// # Errors
    /// What Terraform refuses.
    pub fn variable(&mut self, instance: InstanceId, name: &str) -> Result<Value, Stop> {
        self.variable_if_declared(instance, name).expect("references are checked")
    }

    /// The value of a variable, if the module declares it.
    pub(super) fn variable_if_declared(&mut self, instance: InstanceId, name: &str) -> Option<Result<Value, Stop>> {
        let module = self.module(instance);
        let (name, definition) = module.variables.get_key_value(name)?;
        Some(self.variable_of(instance, name, definition))
    }

    /// The value of a variable that a block of the module declares.
    ///
    /// # Errors
    /// What Terraform refuses.
    pub fn variable_of(
        &mut self,
        instance: InstanceId,
        name: &'p str,
        definition: &'p Definition<'p>,
    ) -> Result<Value, Stop> {
        self.value_of(instance, Item::Variable(name), |evaluator| {
            evaluator.deeper(|evaluator| evaluator.final_value(instance, name, definition))
        })
    }

    fn final_value(
        &mut self,
        instance: InstanceId,
        name: &'p str,
        definition: &'p Definition<'p>,
    ) -> Result<Value, Stop> {
        let place = definition.place();
        let declared = self.declared(instance, name, definition)?;
        let Declared { constraint, is_nullable, marks, default } = &*declared;
        let (is_nullable, marks) = (*is_nullable, *marks);
        let given = self.raw_value(instance, name)?;
        if self.validates {
            if let Some(value) = given {
                self.fitted(value, constraint).map_err(|problem| problem.at(place))?;
            }
            let unknown = Value::unknown_of(constraint.ty.clone(), Reason::Variable(name.into()));
            return Ok(unknown.with_marks(marks));
        }
        let value = match given {
            None => match default {
                Some(default) => default.clone(),
                None if instance == InstanceId(0) => {
                    let path = self.path(&["variable", name]);
                    let leaf = Leaf { says: Says::Absent, role: Role::VariableValue, place: Some(place), path };
                    let leaf = self.context.sets.leaf(leaf);
                    let unknown = Value::unknown_of(constraint.ty.clone(), Reason::Variable(name.into()));
                    let unknown = if is_nullable {
                        unknown
                    } else {
                        unknown.refined(|known| super::unknown::Refinement { is_not_null: true, ..known })
                    };
                    unknown.with_data(leaf.into())
                }
                None => {
                    let message = format!("Missing required argument: The argument {name:?} is required.");
                    return Err(Problem::broken(message).at(place).into());
                }
            },
            Some(value) => {
                let value = self.fitted(value, constraint).map_err(|problem| {
                    let message = format!(
                        "Invalid value for input variable: The given value is not suitable for var.{name}: {problem}."
                    );
                    Problem { message, ..problem }.at(place)
                })?;
                match default {
                    Some(default) if value.is_null() && !is_nullable => {
                        let control = self.context.sets.union(value.flow().data, value.flow().control);
                        default.clone().under(&mut self.context.sets, control)
                    }
                    None if value.is_null() && !is_nullable => {
                        let message =
                            format!("Required variable not set: The given value of var.{name} must not be null.");
                        return Err(Problem::broken(message).at(place).into());
                    }
                    _ => value,
                }
            }
        };
        Ok(value.with_marks(marks))
    }

    /// What a variable's block says: the same in all instances of its module, as it refers to nothing.
    fn declared(
        &mut self,
        instance: InstanceId,
        name: &'p str,
        definition: &'p Definition<'p>,
    ) -> Result<Rc<Declared>, Stop> {
        let at = (self.instances[instance.0 as usize].module, name);
        if let Some(declared) = self.declared.get(&at) {
            return Ok(declared.clone());
        }
        let declared = Rc::new(self.declaration(name, definition)?);
        self.declared.insert(at, declared.clone());
        Ok(declared)
    }

    fn declaration(&mut self, name: &str, definition: &Definition<'_>) -> Result<Declared, Stop> {
        definition.only_arguments(&[
            "type",
            "default",
            "description",
            "sensitive",
            "ephemeral",
            "nullable",
            "deprecated",
        ])?;
        definition.only_blocks(&["validation"])?;
        let path = self.path(&["variable", name]);
        let scope = |role: Role, file| Scope { file, role, path, names: None, sees: Sees::Nothing };
        let constraint = match definition.argument("type") {
            Some(ty) if self.is_broken(ty.value(), scope(Role::TypeDefault, ty.file)) => Constraint::any(),
            Some(ty) => self.constraint(ty.value(), scope(Role::TypeDefault, ty.file))?,
            None => Constraint::any(),
        };
        let is_nullable = self.flag(definition, "nullable", true)?;
        let marks = Marks {
            is_sensitive: self.flag(definition, "sensitive", false)?,
            is_ephemeral: self.flag(definition, "ephemeral", false)?,
        };
        let default = match definition.argument("default") {
            None => None,
            Some(default) => {
                let path = self.path(&["variable", name, "default"]);
                let default_scope = Scope { path, ..scope(Role::VariableDefault, default.file) };
                let value = self.evaluate(default.value(), default_scope)?;
                let value = self.fitted(value, &constraint).map_err(|problem| {
                    let message = format!(
                        "Invalid default value for variable: This default value is not compatible with the variable's type \
                         constraint: {problem}."
                    );
                    Problem { message, ..problem }.at(default.place())
                })?;
                if value.is_null() && !is_nullable {
                    let message =
                        "Invalid default value for variable: A null default value is not valid when nullable=false.";
                    return Err(Problem::broken(message).at(default.place()).into());
                }
                Some(value)
            }
        };
        Ok(Declared { constraint, is_nullable, marks, default })
    }

    /// The value with the defaults of the type under it, as one of the type.
    fn fitted(&mut self, value: Value, constraint: &Constraint) -> Result<Value, Problem> {
        let value = match &constraint.defaults {
            Some(defaults) => self.with_defaults(value, defaults)?,
            None => value,
        };
        convert(&mut self.context, &value, &constraint.ty)
    }

    /// What a variable is given, by a file or by the call of the module.
    fn raw_value(&mut self, instance: InstanceId, name: &str) -> Result<Option<Value>, Stop> {
        let this = &self.instances[instance.0 as usize];
        let Some(caller) = &this.caller else {
            return Ok(this.given.get(name).map(|given| given.value.clone()));
        };
        let Some(argument) = caller.definition.argument(name) else { return Ok(None) };
        let caller = caller.clone();
        let path = self.path(&["module", caller.name, name]);
        let scope = Scope {
            file: argument.file,
            role: Role::ModuleArgument,
            path,
            names: None,
            sees: Sees::Module(caller.instance, &caller.repetition),
        };
        self.evaluate(argument.value(), scope).map(Some)
    }

    /// An argument that is `true` or `false`, as it is written.
    pub(super) fn flag(&mut self, definition: &Definition<'_>, name: &str, default: bool) -> Result<bool, Stop> {
        let Some(argument) = definition.argument(name) else { return Ok(default) };
        match (&argument.value().kind, literal(argument.value())) {
            (ExpressionKind::Bool(bool), _) => Ok(*bool),
            (_, Some("true")) => Ok(true),
            (_, Some("false")) => Ok(false),
            (ExpressionKind::Null, _) => Ok(default),
            _ => {
                let message = format!("Unsuitable value type: {name} must be true or false");
                Err(Problem::broken(message).at(argument.place()).into())
            }
        }
    }

    /// Looks at the rules of a variable that was worked out.
    ///
    /// # Errors
    /// A rule that is not kept, as far as that is known.
    pub fn validate(&mut self, instance: InstanceId, definition: &'p Definition<'p>) -> Result<(), Stop> {
        for rule in definition.blocks_of("validation") {
            let rule = Definition::of(rule.file, rule.block);
            self.condition(&rule, instance, &Repetition::Once, None, "Invalid value for variable")?;
        }
        Ok(())
    }

    /// Looks at a condition with its message.
    pub(super) fn condition(
        &mut self,
        rule: &Definition<'p>,
        instance: InstanceId,
        repetition: &Repetition,
        own: Option<&Value>,
        summary: &str,
    ) -> Result<(), Stop> {
        rule.only_arguments(&["condition", "error_message"])?;
        let (Some(condition), Some(message)) = (rule.argument("condition"), rule.argument("error_message")) else {
            let problem = Problem::broken("a rule needs a condition and an error_message");
            return Err(problem.at(rule.place()).into());
        };
        let own = own.map(|value| super::scope::Name { name: "self", value: value.clone(), outer: None });
        let mut value_of = |argument: Argument<'p>| {
            let scope = Scope {
                file: argument.file,
                role: Role::Output,
                path: PathId::ROOT,
                names: own.as_ref(),
                sees: Sees::Module(instance, repetition),
            };
            self.evaluate(argument.value(), scope)
        };
        let value = value_of(condition)?;
        let text = value_of(message);
        if value.is_null() {
            let problem = Problem::broken("Invalid condition: a condition must be true or false, not null");
            return Err(problem.at(condition.place()).into());
        }
        let value = convert(&mut self.context, &value.unmarked(), &Type::Bool)
            .map_err(|problem| Stop::from(problem.at(condition.place())))?;
        if value.as_bool() == Some(false) && !self.validates {
            let text = text.ok().and_then(|text| text.as_str().map(str::to_owned));
            let message = format!("{summary}: {}", text.unwrap_or_else(|| "a condition is not kept".to_owned()));
            return Err(Problem::broken(message).at(condition.place()).into());
        }
        text.map(|_| ())
    }
}
