//! Expressions worked out as HashiCorp's `hclsyntax/expression.go` does, with where each value comes from.
//!
//! Nothing is skipped: both branches of a conditional are worked out, since their types decide over the result; an error of
//! the branch that is not taken is no error.

mod call;
mod iteration;
mod operation;
pub(super) mod reference;
mod step;
mod template;

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::{
    context::Context,
    convert::convert,
    leaf::{Place, Says},
    module::Module,
    number::Number,
    problem::{Kind, Problem},
    resources::Instances,
    scope::{InstanceId, Scope, Sees, Stop},
    types::Type,
    unify::{Safety, unify},
    unknown::{Reason, Refinement},
    value::{Entry, Key, Marks, Value},
    variables::Declared,
    version,
};
use crate::source::{
    hcl::tree::{self, Expression, ExpressionKind},
    lineage::{
        hash::Seeded,
        sets::{Flow, SetId},
        text::{MadeOf, Text},
    },
    span::Span,
};

/// The levels of expressions and references in each other that are followed.
pub const MAX_DEPTH: usize = 2_000;

/// What something is made of that could be made of anything in the files.
pub const ANYTHING: Flow = Flow { data: SetId::ANY, control: SetId::ANY };

/// Arguments that cannot be worked out, by the bytes of their values: Terraform stops at each of them.
pub type Broken = HashSet<Place>;

/// Works out the expressions of a configuration, each thing that others refer to once.
#[derive(Debug)]
pub struct Evaluator<'p, 't> {
    /// What values and functions use.
    pub context: Context<'t>,
    /// The modules; the first is the root.
    pub modules: &'p [Module<'p>],
    /// The instances of modules that were met so far; the first is the root.
    pub instances: Vec<ModuleInstance<'p>>,
    /// The workspace.
    pub workspace: String,
    /// What is passed over, and counts as not known.
    pub broken: Broken,
    /// Whether it only looks for what is wrong whatever the variables are: then they and all instances are unknown.
    pub validates: bool,
    /// Whether one operand of `&&` or `||` may decide alone, as since Terraform 1.12.
    pub is_lazy: bool,
    /// Whether something turned out to have no instances.
    pub has_none: bool,
    /// What of the configuration it is not known of how many instances it has.
    pub gaps: Vec<Gap>,
    /// Values that no resource shows, by what they are of.
    pub hidden: Vec<(String, Value)>,
    /// The modules, by their numbers, that were looked through for what is wrong in any of their instances.
    pub validated: HashSet<usize>,
    /// Those of them that look at what may be otherwise under another root: paths, files, the workspace.
    pub particular: HashSet<usize>,
    /// What the blocks of variables say, by the numbers of their modules and their names.
    pub declared: HashMap<(usize, &'p str), Rc<Declared>, Seeded>,
    /// What was worked out, or is being worked out.
    cells: Cells<'p>,
    /// How deep it is right now.
    depth: usize,
}

/// A part of a configuration of which not all is known that a plan would know.
#[derive(Clone, Debug)]
pub struct Gap {
    /// The address of the resource or module call, without the keys of its instances.
    pub below: Rc<str>,
    /// Why, for whoever wants to know it all.
    pub problem: Problem,
}

/// One instance of a module.
#[derive(Debug)]
pub struct ModuleInstance<'p> {
    /// The module.
    pub module: usize,
    /// Its address; empty for the root.
    pub address: Rc<str>,
    /// Where its arguments are, and who calls it; nothing for the root.
    pub caller: Option<super::modules::Caller<'p>>,
    /// Whether it stands for all that there may be.
    pub is_possible: bool,
    /// The values of the root's variables that are set from outside of it.
    pub given: HashMap<String, super::variables::Given>,
}

/// Something that is worked out once in an instance of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item<'p> {
    /// A variable.
    Variable(&'p str),
    /// A local value.
    Local(&'p str),
    /// An output.
    Output(&'p str),
    /// A resource with all its instances.
    Resource(super::module::Mode, &'p str, &'p str),
    /// The instances of a module call.
    Call(&'p str),
}

/// What is known of an item.
#[derive(Clone, Debug)]
enum Cell {
    /// It is being worked out: who asks for it again asks in a circle.
    Active,
    /// A value.
    Value(Result<Value, Stop>),
    /// The instances of a resource or module call.
    Instances(Result<Instances, Stop>),
}

/// How many items are made room for at once, and in how many instances: of most modules all are worked out, but one item of
/// each of very many instances must not take the memory of all.
const ROOM: usize = 512;
const ROOMY_INSTANCES: usize = 1_000;

/// What is known of the items of each instance of a module. A configuration has tens of thousands, so that small tables that
/// grow one by one are filled sooner than one for all.
#[derive(Debug, Default)]
struct Cells<'p> {
    by_instance: Vec<HashMap<Item<'p>, Cell, Seeded>>,
    seed: Seeded,
}

impl<'p> Cells<'p> {
    fn get(&self, instance: InstanceId, item: Item<'p>) -> Option<&Cell> {
        self.by_instance.get(instance.0 as usize)?.get(&item)
    }

    /// Notes what is known of an item of an instance of a module.
    fn insert(&mut self, instance: InstanceId, module: &Module<'p>, item: Item<'p>, cell: Cell) {
        let at = instance.0 as usize;
        if at >= self.by_instance.len() {
            self.by_instance.resize_with(at + 1, || HashMap::with_hasher(self.seed.clone()));
        }
        let items = &mut self.by_instance[at];
        if items.is_empty() && at < ROOMY_INSTANCES {
            let all = module.variables.len() + module.locals.len() + module.outputs.len();
            items.reserve(all.min(ROOM));
        }
        items.insert(item, cell);
    }

    /// What is being worked out.
    fn active(&self) -> impl Iterator<Item = (InstanceId, Item<'p>)> {
        let instances = (0..).map(InstanceId).zip(&self.by_instance);
        instances.flat_map(|(instance, items)| {
            let active = items.iter().filter(|(_, cell)| matches!(cell, Cell::Active));
            active.map(move |(item, _)| (instance, *item))
        })
    }
}

impl<'p, 't> Evaluator<'p, 't> {
    /// An evaluator of these modules, the first of which is the root.
    pub fn new(context: Context<'t>, modules: &'p [Module<'p>], workspace: &str) -> Self {
        let (address, given) = ("".into(), HashMap::new());
        let root = ModuleInstance { module: 0, address, caller: None, is_possible: false, given };
        Self {
            context,
            modules,
            instances: vec![root],
            workspace: workspace.to_owned(),
            broken: Broken::new(),
            validates: false,
            is_lazy: modules.iter().any(|module| version::demands(module, 12)),
            has_none: false,
            gaps: Vec::new(),
            hidden: Vec::new(),
            validated: HashSet::new(),
            particular: HashSet::new(),
            declared: HashMap::default(),
            cells: Cells::default(),
            depth: 0,
        }
    }

    /// Starts again, to look for what is wrong whatever the variables are, but for modules that are known to be valid.
    ///
    /// Terraform does so before it plans: what has no instances, and is worked out by no plan, can still be broken.
    pub fn validating(self, validated: HashSet<usize>) -> Self {
        let (broken, declared) = (self.broken, self.declared);
        Self { validates: true, broken, declared, validated, ..Self::new(self.context, self.modules, &self.workspace) }
    }

    /// Notes that an expression looks at what may be otherwise under another root.
    pub(super) fn note_particular(&mut self, scope: Scope<'_>) {
        if let Sees::Module(instance, _) = scope.sees {
            self.particular.insert(self.instances[instance.0 as usize].module);
        }
    }

    /// The module that an instance is one of.
    pub fn module(&self, instance: InstanceId) -> &'p Module<'p> {
        &self.modules[self.instances[instance.0 as usize].module]
    }

    /// The value of an item, worked out once.
    pub(super) fn value_of(
        &mut self,
        instance: InstanceId,
        item: Item<'p>,
        work_out: impl FnOnce(&mut Self) -> Result<Value, Stop>,
    ) -> Result<Value, Stop> {
        match self.cells.get(instance, item) {
            Some(Cell::Value(known)) => return known.clone(),
            Some(_) => return Err(self.circle(instance, item)),
            None => {}
        }
        let module = self.module(instance);
        self.cells.insert(instance, module, item, Cell::Active);
        let value = work_out(self).map_err(Stop::elsewhere);
        self.cells.insert(instance, module, item, Cell::Value(value.clone()));
        value
    }

    /// Notes that not all is known of a resource or module call.
    pub(super) fn hide(&mut self, is_managed: bool, below: &Rc<str>, problem: Problem) {
        if is_managed {
            self.gaps.push(Gap { below: below.clone(), problem });
        }
    }

    /// The value of what may not be there at all, so that nobody knows whether Terraform ever meets what is broken in it.
    ///
    /// # Errors
    /// What stops any evaluation.
    pub(super) fn possible(&mut self, value: Result<Value, Stop>, reason: &Reason) -> Result<Value, Stop> {
        match value {
            Err(stop) if stop.problem.kind == Kind::Broken => {
                Ok(Value::unknown_of(Type::Dynamic, reason.clone()).with_flow(ANYTHING))
            }
            value => value,
        }
    }

    /// The value of a variable that was worked out.
    pub fn known_variable(&self, instance: InstanceId, name: &'p str) -> Option<Value> {
        match self.cells.get(instance, Item::Variable(name))? {
            Cell::Value(value) => value.clone().ok(),
            _ => None,
        }
    }

    /// The instances of an item, worked out once.
    pub(super) fn instances_of(
        &mut self,
        instance: InstanceId,
        item: Item<'p>,
        work_out: impl FnOnce(&mut Self) -> Result<Instances, Stop>,
    ) -> Result<Instances, Stop> {
        match self.cells.get(instance, item) {
            Some(Cell::Instances(known)) => return known.clone(),
            Some(_) => return Err(self.circle(instance, item)),
            None => {}
        }
        let module = self.module(instance);
        self.cells.insert(instance, module, item, Cell::Active);
        let instances = work_out(self).map_err(Stop::elsewhere);
        self.cells.insert(instance, module, item, Cell::Instances(instances.clone()));
        instances
    }

    fn circle(&self, instance: InstanceId, item: Item<'p>) -> Stop {
        let mut all: Vec<String> = self.cells.active().map(|(instance, item)| self.address(instance, item)).collect();
        all.sort();
        let what = self.address(instance, item);
        Stop::from(Problem::broken(format!("Cycle: {what} depends on itself: {}", all.join(", ")))).elsewhere()
    }

    fn address(&self, instance: InstanceId, item: Item<'p>) -> String {
        let module = &self.instances[instance.0 as usize].address;
        let dot = if module.is_empty() { "" } else { "." };
        match item {
            Item::Variable(name) => format!("{module}{dot}var.{name}"),
            Item::Local(name) => format!("{module}{dot}local.{name}"),
            Item::Output(name) => format!("{module}{dot}output.{name}"),
            Item::Resource(mode, ty, name) => format!("{module}{dot}{}{ty}.{name}", mode.prefix()),
            Item::Call(name) => format!("{module}{dot}module.{name}"),
        }
    }

    /// Goes one level deeper, if that is not too deep.
    pub fn deeper<T>(&mut self, work_out: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth == MAX_DEPTH {
            let problem = Problem::limit(format!("more than {MAX_DEPTH} expressions in each other are not evaluated"));
            return Err(problem.into());
        }
        self.depth += 1;
        let result = stacker::maybe_grow(256 << 10, 4 << 20, || work_out(self));
        self.depth -= 1;
        result
    }

    /// The value of an expression.
    ///
    /// # Errors
    /// What Terraform refuses, a limit, or what this version cannot evaluate.
    pub fn evaluate(&mut self, expression: &Expression, scope: Scope<'_>) -> Result<Value, Stop> {
        self.context.budget.step(1).map_err(|problem| scope.stop(expression.span, problem))?;
        let span = expression.span;
        if self.is_broken(expression, scope) {
            return self.unworkable(expression, scope);
        }
        match &expression.kind {
            ExpressionKind::Null => {
                let leaf = self.context.sets.leaf(scope.leaf(Says::Literal, span));
                Ok(Value::null(Type::Dynamic).with_data(leaf.into()))
            }
            ExpressionKind::Bool(bool) => {
                let leaf = self.context.sets.leaf(scope.leaf(Says::Literal, span));
                Ok(Value::bool(*bool).with_data(leaf.into()))
            }
            ExpressionKind::Number(text) => {
                let number = Number::parse(text)
                    .ok_or_else(|| scope.broken(span, format!("{text} is no number that Terraform reads")))?;
                let leaf = self.context.sets.leaf(scope.leaf(Says::Literal, span));
                Ok(Value::number(number).with_data(leaf.into()))
            }
            _ => self.deeper(|evaluator| evaluator.compound(expression, scope)),
        }
    }

    /// Tells whether the value of an argument is passed over.
    pub(super) fn is_broken(&self, expression: &Expression, scope: Scope<'_>) -> bool {
        !self.broken.is_empty() && self.broken.contains(&scope.place(expression.span))
    }

    fn compound(&mut self, expression: &Expression, scope: Scope<'_>) -> Result<Value, Stop> {
        let span = expression.span;
        let keeps_type = matches!(
            expression.kind,
            ExpressionKind::Parenthesis(_)
                | ExpressionKind::Template(_)
                | ExpressionKind::Operation(_)
                | ExpressionKind::Unary { .. }
        );
        let value = match &expression.kind {
            ExpressionKind::Null | ExpressionKind::Bool(_) | ExpressionKind::Number(_) => {
                self.evaluate(expression, scope)
            }
            ExpressionKind::Template(template) => self.template(template, span, scope),
            ExpressionKind::Variable(name) => self.reference(name, &[], span, scope),
            ExpressionKind::Parenthesis(inner) => self.evaluate(inner, scope),
            ExpressionKind::Tuple(items) => self.tuple(items, span, scope),
            ExpressionKind::Object(object) => self.object(object, span, scope),
            ExpressionKind::For(all) => self.for_expression(all, span, scope),
            ExpressionKind::Call(call) => self.call(call, span, scope),
            ExpressionKind::Steps { of, steps } => match &of.kind {
                ExpressionKind::Variable(name) => self.reference(name, steps, span, scope),
                _ => {
                    let value = self.evaluate(of, scope)?;
                    self.steps(value, steps, scope)
                }
            },
            ExpressionKind::Unary { operator, operand } => self.unary(*operator, operand, span, scope),
            ExpressionKind::Operation(operation) => self.operation(operation, scope),
            ExpressionKind::Conditional(all) => self.conditional(all, span, scope),
        };
        let value = value.map_err(|stop| if keeps_type { stop } else { stop.typed(Type::Dynamic) })?;
        self.context.budget.nested(value).map_err(|problem| scope.stop(span, problem))
    }

    fn tuple(&mut self, items: &[Expression], span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        self.context.budget.elements(items.len()).map_err(|problem| scope.stop(span, problem))?;
        let mut elements = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = self.context.paths.join_index(scope.path, index);
            elements.push(self.evaluate(item, scope.at(path))?);
        }
        let leaf = self.context.sets.leaf(scope.leaf(Says::Container, span));
        Ok(Value::tuple(elements).with_data(leaf.into()))
    }

    fn object(&mut self, object: &tree::Object, span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        self.context.budget.elements(object.items.len()).map_err(|problem| scope.stop(span, problem))?;
        let mut entries: Vec<Entry> = Vec::with_capacity(object.items.len());
        let mut names = std::collections::HashSet::new();
        let (mut marks, mut unknown, mut lost) = (Marks::NONE, None, Vec::new());
        for item in &object.items {
            let key = self.object_key(&item.key, scope)?;
            let path = match key.as_str() {
                Some(key) => self.context.paths.join(scope.path, key),
                None => scope.path,
            };
            let value = self.evaluate(&item.value, scope.at(path))?;
            if key.is_null() {
                return Err(scope.broken(item.span, "Null value as key: Can't use a null value as a key."));
            }
            marks = marks.with(key.marks());
            let key = convert(&mut self.context, &key, &Type::String).map_err(|problem| {
                let message = format!("Incorrect key type: Can't use this value as a key: {problem}.");
                scope.stop(item.key.span(), Problem { message, ..problem })
            })?;
            match Key::of(&key) {
                None => {
                    unknown = unknown.or_else(|| key.reason().cloned());
                    lost.extend([key, value]);
                }
                Some(key) => {
                    if object.is_json && !names.insert(key.as_str().to_owned()) {
                        let message = format!("Duplicate object attribute: {:?} was already defined.", key.as_str());
                        return Err(scope.broken(item.key.span(), message));
                    }
                    entries.push(Entry { key, value });
                }
            }
        }
        let leaf = self.context.sets.leaf(scope.leaf(Says::Container, span));
        if let Some(reason) = unknown {
            lost.push(Value::object(entries));
            let flow = self.flow_of(&lost);
            return Ok(Value::unknown_of(Type::Dynamic, reason).with_flow(flow).with_marks(marks));
        }
        Ok(Value::object(entries).with_data(leaf.into()).with_marks(marks))
    }

    fn object_key(&mut self, key: &tree::Key, scope: Scope<'_>) -> Result<Value, Stop> {
        match key {
            tree::Key::Name(name) => Ok(self.key_text(&name.text, name.span, scope)),
            tree::Key::Expression(expression) => {
                if let Some(text) = expression.literal() {
                    return Ok(self.key_text(&text.value, expression.span, scope));
                }
                if let ExpressionKind::Steps { of, steps } = &expression.kind
                    && matches!(of.kind, ExpressionKind::Variable(_))
                    && steps.iter().all(step::is_static)
                {
                    let message = "Ambiguous attribute key: If this expression is intended to be a reference, wrap it in \
                                   parentheses.";
                    return Err(scope.broken(expression.span, message));
                }
                self.evaluate(expression, scope)
            }
        }
    }

    /// A key that is written out.
    pub(super) fn key_text(&mut self, text: &str, span: Span, scope: Scope<'_>) -> Value {
        let path = self.context.paths.join(scope.path, text);
        let leaf = self.context.sets.leaf(scope.at(path).leaf(Says::Key, span));
        Value::string(Text::new(text.as_bytes(), MadeOf::Verbatim { leaf, offset: 0 }))
    }

    fn conditional(&mut self, all: &tree::Conditional, span: Span, scope: Scope<'_>) -> Result<Value, Stop> {
        let results = [self.evaluate(&all.then, scope), self.evaluate(&all.otherwise, scope)];
        if let Some(Err(stop)) = results.iter().find(|result| matches!(result, Err(stop) if !stop.can_be_tried)) {
            return Err(stop.clone());
        }
        // An error is as good as a value of which nothing is known, until it is the one that is taken.
        let open = |stop: Stop| Value::unknown_of(stop.ty, Reason::Unsupported("an error".into()));
        let values = results.each_ref().map(|result| result.clone().unwrap_or_else(open));
        let is_null = |value: &Value| value.is_null() && *value.ty() == Type::Dynamic && value.marks() == Marks::NONE;
        let [then, otherwise] = &values;
        for value in &values {
            self.context.budget.look(value).map_err(|problem| scope.stop(span, problem))?;
        }
        let is_open = |value: &Value| *value.ty() == Type::Dynamic;
        let ty = if is_null(then) {
            otherwise.ty().clone()
        } else if is_null(otherwise) {
            then.ty().clone()
        } else if is_open(then) || is_open(otherwise) || then.ty().has_open() || otherwise.ty().has_open() {
            Type::Dynamic
        } else {
            unify(&[then.ty().clone(), otherwise.ty().clone()], Safety::Unsafe).ok_or_else(|| {
                let (then, otherwise) = (then.ty().friendly(), otherwise.ty().friendly());
                let message = format!(
                    "Inconsistent conditional result types: The true and false result expressions must have consistent \
                     types. The 'true' value is {then}, but the 'false' value is {otherwise}."
                );
                scope.broken(span, message)
            })?
        };
        let test = self.evaluate(&all.test, scope)?;
        if test.is_null() {
            return Err(scope.broken(all.test.span, "Null condition: Conditions must either be true or false."));
        }
        let flow = test.whole_flow(&mut self.context.sets);
        let control = self.context.sets.union(flow.data, flow.control);
        let marks = test.marks();
        if !test.is_known() {
            let reason = test.reason().cloned().unwrap_or_else(|| Reason::Unsupported("a condition".into()));
            let value = self.either(then, otherwise, ty, reason);
            let mut flow = self.flow_of([then, otherwise]);
            if results.iter().any(Result::is_err) {
                flow = self.with_wording(flow, span, scope);
            }
            return Ok(value.with_flow(flow).with_marks(marks).under(&mut self.context.sets, control));
        }
        let test = convert(&mut self.context, &test.unmarked(), &Type::Bool).map_err(|problem| {
            let message = "Incorrect condition type: The condition expression must be of type bool.".to_owned();
            scope.stop(all.test.span, Problem { message, ..problem })
        })?;
        let taken = usize::from(test.as_bool() != Some(true));
        let [then, otherwise] = results;
        let (value, name) = if taken == 0 { (then?, "true") } else { (otherwise?, "false") };
        let value = convert(&mut self.context, &value, &ty).map_err(|problem| {
            let message = format!(
                "Inconsistent conditional result types: The {name} result value has the wrong type: {problem}."
            );
            scope.stop(span, Problem { message, ..problem })
        })?;
        Ok(value.with_marks(marks).under(&mut self.context.sets, control))
    }

    /// Made of what is written at these bytes as well, of which nothing but that is known.
    pub(super) fn with_wording(&mut self, flow: Flow, span: Span, scope: Scope<'_>) -> Flow {
        let leaf = self.context.sets.leaf(scope.leaf(Says::Wording, span));
        let data = self.context.sets.union(flow.data, leaf.into());
        Flow { data, ..flow }
    }

    /// What is known of a value that is one of two, without knowing which.
    fn either(&mut self, then: &Value, otherwise: &Value, ty: Type, reason: Reason) -> Value {
        let marks = then.marks().with(otherwise.marks());
        if then.is_null() && otherwise.is_null() {
            return Value::null(ty).with_marks(marks);
        }
        let is_not_null = then.is_not_null() && otherwise.is_not_null();
        let mut refinement = Refinement { is_not_null, ..Refinement::default() };
        let range = |value: &Value| match (value.as_number(), value.unknown()) {
            (Some(number), _) => Some((Some((number.clone(), true)), Some((number.clone(), true)))),
            (_, Some(unknown)) => {
                let end = |bound: &Option<super::unknown::Bound>| {
                    bound.as_ref().map(|bound| (bound.number.clone(), bound.is_inclusive))
                };
                Some((end(&unknown.refinement.lower), end(&unknown.refinement.upper)))
            }
            _ => None,
        };
        if *then.ty() == Type::Number
            && *otherwise.ty() == Type::Number
            && let (Some((low, high)), Some((other_low, other_high))) = (range(then), range(otherwise))
        {
            if let (Some(a), Some(b)) = (low, other_low) {
                let (number, is_inclusive) = if b.0 < a.0 { b } else { a };
                refinement = refinement.with_lower(number, is_inclusive);
            }
            if let (Some(a), Some(b)) = (high, other_high) {
                let (number, is_inclusive) = if b.0 > a.0 { b } else { a };
                refinement = refinement.with_upper(number, is_inclusive);
            }
        } else if then.ty().is_collection() && then.ty() == otherwise.ty() {
            let ((least, most), (other_least, other_most)) = (then.length_range(), otherwise.length_range());
            let most = most.zip(other_most).map(|(a, b)| a.max(b));
            refinement = refinement.with_length(least.min(other_least), most);
        }
        Value::not_known(ty, super::unknown::Unknown { reason, refinement }).with_marks(marks)
    }
}
