//! One file of Terragrunt, with what it includes.

use std::collections::BTreeMap;

use super::{At, generate, merge};
use crate::{
    engine::terraform::{
        configuration::{syntax_problem, text},
        evaluate::{ANYTHING, Evaluator},
        leaf::{FileId, Place, Role},
        problem::{Kind, Problem},
        scope::{Scope, Sees, Stop},
        types::Type,
        unknown::Reason,
        value::{Entry, Value},
    },
    source::{
        hcl::{
            parse,
            tree::{Attribute, Block, Body, Expression, ExpressionKind, StepKind},
            walk,
        },
        path::RepoPath,
    },
};

/// The files that are read from one another.
const MAX_DEPTH: usize = 12;

/// The local values of one file.
const MAX_LOCALS: usize = 500;

/// What a file says, with what it includes.
#[derive(Debug)]
pub struct Config {
    /// Its local values.
    pub locals: Value,
    /// The inputs.
    pub inputs: Option<Value>,
    /// Where its own inputs are written.
    pub own: Option<Place>,
    /// The source of the module.
    pub source: Option<Value>,
    /// The files of variables of `extra_arguments`, each by the name of its block.
    pub var_files: Vec<(String, Vec<RepoPath>)>,
    /// What is generated beside the module's files, by name.
    pub generated: Vec<(String, Value)>,
    /// What is not read and might change the module or its variables.
    pub refused: Option<Problem>,
}

/// How what is included is merged.
enum Strategy {
    None,
    Shallow,
    Deep,
}

/// What a file includes.
struct Include {
    name: String,
    path: RepoPath,
    is_exposed: bool,
    strategy: Strategy,
    config: Config,
}

/// Attributes of a file that others may ask for and that are not told.
const UNTOLD: &[&str] = &[
    "terraform",
    "remote_state",
    "generate",
    "dependency",
    "dependencies",
    "feature",
    "exclude",
    "errors",
    "engine",
    "iam_role",
    "download_dir",
    "prevent_destroy",
    "skip",
];

impl Config {
    /// What others see of it.
    pub fn value(&self) -> Value {
        let untold = |name: &&str| {
            let reason = Reason::Unsupported(format!("{name} of another file of Terragrunt").into());
            Entry::plain(name, Value::unknown_of(Type::Dynamic, reason))
        };
        let inputs = self.inputs.clone().unwrap_or_else(|| Value::object([]));
        let told = [Entry::plain("locals", self.locals.clone()), Entry::plain("inputs", inputs)];
        Value::object(UNTOLD.iter().map(untold).chain(told))
    }
}

impl Evaluator<'_, '_> {
    /// What a file says.
    ///
    /// # Errors
    /// What Terragrunt refuses, a limit.
    pub(super) fn config(&mut self, at: &At) -> Result<Config, Stop> {
        if at.depth == MAX_DEPTH {
            return Err(Problem::limit(format!("more than {MAX_DEPTH} files that read one another")).into());
        }
        if !at.file.as_str().ends_with(".hcl") {
            return Err(Problem::unsupported(format!("{} is not a file of HCL", at.file)).into());
        }
        let content = text(&mut self.context, &at.file)?;
        // A file that reads itself again and again takes as long as it is.
        self.context.budget.step(1 + content.len() / 4)?;
        let id = self.context.files.id(&at.file);
        let parsed = parse(&content).map_err(|error| syntax_problem(id, &at.file, &error))?;
        let before = self.context.files.enter(at.file.parent().unwrap_or_default());
        let config = self.deeper(|evaluator| evaluator.config_body(at, id, &parsed.body));
        self.context.files.enter(before);
        config
    }

    fn config_body(&mut self, at: &At, file: FileId, body: &Body) -> Result<Config, Stop> {
        let place = |block: &Block| Place { file, span: block.span };
        let mut includes = Vec::new();
        for block in body.blocks().filter(|block| &*block.kind.text == "include") {
            if at.is_included {
                return Err(Problem::broken("Only one level of includes is allowed").at(place(block)).into());
            }
            includes.push(self.include(at, file, block)?);
        }
        let mut at = at.clone();
        at.includes.extend(includes.iter().map(|include| (include.name.clone(), include.path.clone())));
        let exposed = exposed(&includes);
        let locals = self.config_locals(&at, file, body, &exposed)?;
        let names = names(&exposed, locals.clone());
        let mut refused = None;
        let inputs = match body.attribute("inputs") {
            Some(attribute) => Some(self.said(&attribute.value, &at, file, Role::VariableValue, &[], &names)?),
            None => None,
        };
        let own = body.attribute("inputs").map(|attribute| &attribute.value);
        let own = own.filter(|value| matches!(value.kind, ExpressionKind::Object(_)));
        let own = own.map(|value| Place { file, span: value.span });
        let (mut source, mut var_files) = (None, Vec::new());
        for block in body.blocks().filter(|block| &*block.kind.text == "terraform") {
            if let Some(attribute) = block.body.attribute("source") {
                source = Some(self.said(&attribute.value, &at, file, Role::Local, &["terraform", "source"], &names)?);
            }
            for extra in block.body.blocks().filter(|extra| &*extra.kind.text == "extra_arguments") {
                match self.extra_files(&at, file, extra, &names)? {
                    Ok(files) => var_files.push(files),
                    Err(problem) => refused = refused.or(Some(problem.at(place(extra)))),
                }
            }
        }
        let mut generated = Vec::new();
        for block in body.blocks().filter(|block| &*block.kind.text == "generate") {
            let name = block.labels.first().map(|label| label.text.to_string()).unwrap_or_default();
            let Some(contents) = block.body.attribute("contents") else { continue };
            let value = self.said(&contents.value, &at, file, Role::Local, &["generate", "contents"], &names)?;
            if !generate::is_harmless(&contents.value, &value) {
                let problem = format!("what generate {name:?} writes beside the module is more than providers");
                refused = refused.or(Some(Problem::unsupported(problem).at(place(block))));
            }
            generated.push((name, value));
        }
        if let Some(attribute) = body.attribute("generate") {
            let problem = Problem::unsupported("generate as an argument");
            refused = refused.or(Some(problem.at(Place { file, span: attribute.span })));
        }
        let beside = at.config.parent().unwrap_or_default().resolve("terragrunt.autoinclude.hcl");
        if beside.is_ok_and(|beside| self.context.files.entry(&beside).is_some()) {
            refused = refused.or(Some(Problem::unsupported("terragrunt.autoinclude.hcl")));
        }
        let mut config = Config { locals, inputs, own, source, var_files, generated, refused };
        for include in includes.into_iter().rev() {
            self.merge_include(&mut config, include)?;
        }
        Ok(config)
    }

    fn merge_include(&mut self, config: &mut Config, include: Include) -> Result<(), Stop> {
        let under = include.config;
        let is_deep = match include.strategy {
            Strategy::None => return Ok(()),
            Strategy::Shallow => false,
            Strategy::Deep => true,
        };
        config.source = config.source.take().or(under.source);
        config.refused = config.refused.take().or(under.refused);
        config.generated.extend(under.generated);
        // A block of a name is over the other; what is new comes last.
        let mut all = under.var_files;
        for (name, files) in config.var_files.drain(..) {
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = files,
                None => all.push((name, files)),
            }
        }
        config.var_files = all;
        config.inputs = match (under.inputs, config.inputs.take()) {
            (Some(under), Some(over)) => {
                self.context.budget.step(under.size().saturating_add(over.size()))?;
                Some(merge::merged(&mut self.context, &under, &over, is_deep))
            }
            (under, over) => over.or(under),
        };
        Ok(())
    }

    fn include(&mut self, at: &At, file: FileId, block: &Block) -> Result<Include, Stop> {
        let place = Place { file, span: block.span };
        let name = block.labels.first().map(|label| label.text.to_string()).unwrap_or_default();
        let broken = |why: &str| Stop::from(Problem::broken(format!("include {name:?}: {why}")).at(place));
        let unsupported = |why: &str| Stop::from(Problem::unsupported(format!("include {name:?}: {why}")).at(place));
        let path = block.body.attribute("path").ok_or_else(|| broken("it has no path"))?;
        // Of the names, none is there yet.
        let nothing = Value::object([]);
        let path = self.said(&path.value, at, file, Role::Local, &["include", "path"], &nothing)?;
        let Some(text) = path.as_str() else { return Err(unsupported("its path is not known")) };
        let path = self.config_path(&at.config, text)?;
        let is_exposed = match block.body.attribute("expose").map(|attribute| &attribute.value.kind) {
            None | Some(ExpressionKind::Bool(false)) => false,
            Some(ExpressionKind::Bool(true)) => true,
            Some(_) => return Err(unsupported("expose is no literal")),
        };
        let strategy = block.body.attribute("merge_strategy").map(|attribute| attribute.value.literal());
        let strategy = match strategy.map(|text| text.map(|text| &*text.value)) {
            None | Some(Some("shallow")) => Strategy::Shallow,
            Some(Some("no_merge")) => Strategy::None,
            Some(Some("deep")) => Strategy::Deep,
            Some(_) => return Err(unsupported("its merge_strategy is not one that this version knows")),
        };
        let inner = At {
            file: path.clone(),
            is_included: true,
            includes: vec![(name.clone(), path.clone())],
            depth: at.depth + 1,
            ..at.clone()
        };
        let config = self.config(&inner)?;
        Ok(Include { name, path, is_exposed, strategy, config })
    }

    /// The file that a path means, counted from the folder of another.
    pub(super) fn config_path(&mut self, from: &RepoPath, text: &str) -> Result<RepoPath, Stop> {
        let before = self.context.files.enter(from.parent().unwrap_or_default());
        let path = self.context.files.resolve(text);
        self.context.files.enter(before);
        let path = path?;
        if self.context.files.entry(&path).is_none() && self.context.files.is_folder(&path) {
            return path.resolve(super::NAME).map_err(|error| Problem::unsupported(error.to_string()).into());
        }
        Ok(path)
    }

    /// What an expression of Terragrunt says.
    pub(super) fn said(
        &mut self,
        expression: &Expression,
        at: &At,
        file: FileId,
        role: Role,
        path: &[&str],
        names: &Value,
    ) -> Result<Value, Stop> {
        let path = self.path(path);
        let scope = Scope { file, role, path, names: None, sees: Sees::Terragrunt(at, names) };
        match self.deeper(|evaluator| evaluator.evaluate(expression, scope)) {
            Err(stop) if stop.problem.kind == Kind::Unsupported => {
                let reason = Reason::Unsupported(stop.problem.message.into());
                Ok(Value::unknown_of(Type::Dynamic, reason).with_flow(ANYTHING))
            }
            said => said,
        }
    }

    /// The local values of a file, each after those that it refers to.
    fn config_locals(&mut self, at: &At, file: FileId, body: &Body, exposed: &Value) -> Result<Value, Stop> {
        let blocks = body.blocks().filter(|block| &*block.kind.text == "locals");
        let all: BTreeMap<&str, &Attribute> = blocks
            .flat_map(|block| block.body.attributes())
            .map(|attribute| (&*attribute.name.text, attribute))
            .collect();
        if all.len() > MAX_LOCALS {
            return Err(Problem::limit(format!("more than {MAX_LOCALS} local values in one file")).into());
        }
        let order = order(&all).map_err(|name| {
            let place = all.get(name).map(|attribute| Place { file, span: attribute.span });
            let problem = Problem::broken(format!("local.{name} depends on itself"));
            place.map_or(problem.clone(), |place| problem.at(place))
        })?;
        let mut done: Vec<Entry> = Vec::new();
        for name in order {
            let names = names(exposed, Value::object(done.clone()));
            let value = self.said(&all[name].value, at, file, Role::Local, &["locals", name], &names)?;
            done.push(Entry::plain(name, value));
        }
        Ok(Value::object(done))
    }
}

/// The local values in an order in which each comes after those that it refers to, or one that refers to itself.
fn order<'l>(all: &BTreeMap<&'l str, &'l Attribute>) -> Result<Vec<&'l str>, &'l str> {
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, attribute) in all {
        let mut found = Vec::new();
        walk::references(&attribute.value, &mut |root, steps| {
            let first = steps.first().and_then(|step| match &step.kind {
                StepKind::Attribute(name) => Some(&*name.text),
                StepKind::Index(key) => key.literal().map(|key| &*key.value),
                _ => None,
            });
            match (&*root.text, first) {
                ("local", Some(first)) => found.extend(all.get_key_value(first).map(|(known, _)| *known)),
                // The whole of them, as far as they are known by then.
                ("local", None) => found.extend(all.keys().filter(|other| *other != name)),
                _ => {}
            }
        });
        needs.insert(name, found);
    }
    let mut order: Vec<&str> = Vec::with_capacity(all.len());
    while order.len() < all.len() {
        let is_ready = |name: &&&str| !order.contains(*name) && needs[**name].iter().all(|need| order.contains(need));
        let ready: Vec<&str> = all.keys().filter(is_ready).copied().collect();
        if ready.is_empty() {
            return Err(all.keys().find(|name| !order.contains(*name)).copied().unwrap_or_default());
        }
        order.extend(ready);
    }
    Ok(order)
}

/// What expressions can refer to.
fn names(exposed: &Value, locals: Value) -> Value {
    let untold = |name: &str, why: &str| {
        Entry::plain(name, Value::unknown_of(Type::Dynamic, Reason::Run(why.to_owned().into())))
    };
    Value::object([
        Entry::plain("local", locals),
        Entry::plain("include", exposed.clone()),
        untold("dependency", "what dependency tells"),
        untold("feature", "what feature tells"),
        untold("values", "what values tells"),
    ])
}

/// What is seen of what a file includes.
fn exposed(includes: &[Include]) -> Value {
    if let [Include { name, is_exposed: true, config, .. }] = includes
        && name.is_empty()
    {
        return config.value();
    }
    let seen = includes.iter().filter(|include| include.is_exposed);
    Value::object(seen.map(|include| Entry::plain(&include.name, include.config.value())))
}
