//! From a root module to what a plan would know of its resources.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    blocks,
    budget::Budget,
    check,
    configuration::{Configuration, File, Parsed, variables_file},
    context::Context,
    evaluate::{Broken, Evaluator, ModuleInstance},
    files::Files,
    labels::{self, Told},
    leaf::Place,
    module::{Argument, Mode, Module},
    print,
    problem::{Kind, Problem},
    resources::{Instances, Planned},
    scope::{InstanceId, Stop},
    source::Source,
    statements, unseen,
    valid::Valid,
    value::Value,
    variables, version,
    whole::{self, Whole},
};
use crate::{
    engine::{self, Missing, Printout, Rendered, Resource, reads::Reads},
    model::{
        refusal::{Code, Refusal},
        resource::{ResourceId, TerraformId},
    },
    source::{
        hcl::tree::{Body, Item},
        path::RepoPath,
        span::{Span, line_of},
        tree::SourceTree,
    },
};

/// A root module and what it is planned with.
#[derive(Clone, Debug)]
pub struct Root {
    /// Its folder.
    pub folder: RepoPath,
    /// The files of `-var-file`, in their order.
    pub var_files: Vec<RepoPath>,
    /// The file of Terragrunt that makes it a unit.
    pub unit: Option<RepoPath>,
    /// The workspace; `default` where none is named.
    pub workspace: Option<String>,
    /// The files that it may read.
    pub reads: Arc<Reads>,
    /// The folders whose files of Terraform are among them, where that is known.
    pub modules: Option<Arc<BTreeSet<RepoPath>>>,
}

impl Root {
    /// Tells whether it may read a file. Below the folder of a module there may be others that it has nothing to do with.
    pub fn may_read(&self, file: &RepoPath) -> bool {
        let is_configuration = file.name().ends_with(".tf") || file.name().ends_with(".tf.json");
        // What was downloaded is called by nothing that is known here.
        let is_hidden = file.as_str().split('/').any(|part| part.starts_with('.'));
        let is_module = match (&self.modules, file.parent()) {
            (Some(modules), Some(folder)) if is_configuration && !is_hidden => modules.contains(&folder),
            _ => true,
        };
        is_module && self.reads.covers(file)
    }
}

/// How many arguments of a root module are passed over.
const MAX_BROKEN: usize = 16;

/// Renders a root module: its managed resources, sorted by address.
///
/// Where Terraform stops at the value of an argument (a file that is only made before it runs, a name that is not declared),
/// that value counts as not known, and the rest is evaluated all the same: [`Rendered::broken`] says so.
///
/// # Errors
/// `stack-unreadable` where Terraform fails as well, `engine-unsupported` where it might go on and this version cannot say
/// how.
pub fn render(tree: &dyn SourceTree, root: &Root, parsed: &Parsed) -> Result<Rendered, Refusal> {
    let (mut broken, mut why, mut budget) = (Broken::new(), Vec::new(), Budget::default());
    loop {
        let stopped = match attempt(tree, root, parsed, &broken, budget) {
            Ok(rendered) => return Ok(Rendered { broken: why, ..rendered }),
            Err(stopped) => stopped,
        };
        let is_new = stopped.argument.is_some_and(|argument| broken.insert(argument));
        why.push(*stopped.refusal);
        budget = stopped.budget;
        if !is_new || why.len() > MAX_BROKEN {
            return Err(why.swap_remove(0));
        }
    }
}

/// What stopped an evaluation, and in the value of which argument.
struct Stopped {
    refusal: Box<Refusal>,
    argument: Option<Place>,
    /// What is left for another attempt: together they may use up no more than one.
    budget: Budget,
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self { refusal: Box::new(refusal), argument: None, budget: Budget::default() }
    }
}

/// Renders a root module without the values that are broken.
fn attempt(
    tree: &dyn SourceTree,
    root: &Root,
    parsed: &Parsed,
    broken: &Broken,
    budget: Budget,
) -> Result<Rendered, Stopped> {
    let mut context = Context::new(Files::new(tree, root.folder.clone()));
    context.budget = budget;
    let configuration = match Configuration::load(&mut context, parsed) {
        Ok(configuration) => configuration,
        Err(problem) => return Err(refusal(&problem, root, &mut context.files).into()),
    };
    let mut files = match variable_files(&mut context, root) {
        Ok(files) => files,
        Err(problem) => return Err(refusal(&problem, root, &mut context.files).into()),
    };
    let modules: Result<Vec<Module<'_>>, Problem> =
        configuration.folders.iter().map(|folder| Module::of(&configuration, folder)).collect();
    let modules = match modules {
        Ok(modules) => modules,
        Err(problem) => return Err(refusal(&problem, root, &mut context.files).into()),
    };
    // Terragrunt copies a module to a folder of its own making.
    context.runs_in = (root.unit.is_none() && !modules[0].runs_elsewhere).then(|| root.folder.clone());
    let workspace = root.workspace.as_deref().unwrap_or("default");
    let mut evaluator = Evaluator::new(context, &modules, workspace);
    evaluator.broken = broken.clone();
    let inputs = match root.unit.as_ref().map(|unit| evaluator.unit_inputs(unit, &root.folder)).transpose() {
        Ok(inputs) => inputs,
        Err(stop) => return Err(refusal(&stop.problem, root, &mut evaluator.context.files).into()),
    };
    for path in inputs.iter().flat_map(|inputs| &inputs.var_files) {
        match variables_file(&mut evaluator.context, path) {
            Ok(file) => files.push(file),
            Err(problem) => return Err(refusal(&problem, root, &mut evaluator.context.files).into()),
        }
    }
    let own = root.unit.clone().map(|file| (file, inputs.as_ref().and_then(|inputs| inputs.own)));
    let values = inputs.map(|inputs| inputs.values).unwrap_or_default();
    let valid = if broken.is_empty() { parsed.valid.of(&configuration, evaluator.is_lazy) } else { HashSet::new() };
    let planned = plan(&mut evaluator, &valid, &values, &files);
    let met = whole::modules(&evaluator);
    let others =
        planned.as_ref().map(|plan| unseen::others(&mut evaluator, &plan.others, &plan.told)).unwrap_or_default();
    let mut planned = planned.map(|plan| plan.planned);
    let gaps = std::mem::take(&mut evaluator.gaps);
    if evaluator.has_none && planned.is_ok() {
        evaluator = evaluator.validating(valid);
        if let Err(stop) = validate(&mut evaluator, &configuration, &parsed.valid) {
            planned = Err(stop.into());
        }
    }
    let mut context = evaluator.context;
    let planned = planned.and_then(|planned| {
        let printed = print::all(&planned)?;
        Ok((planned, printed))
    });
    let (planned, printed) = match planned {
        Ok(planned) => planned,
        Err(problem) => {
            let is_broken = problem.kind == Kind::Broken;
            let argument = problem.at.filter(|_| is_broken).and_then(|at| around(&configuration, at));
            let refusal = Box::new(refusal(&problem, root, &mut context.files));
            return Err(Stopped { refusal, argument, budget: context.budget });
        }
    };
    let mut rendered = Rendered { printed: Printout::Text(printed), ..Rendered::default() };
    for gap in gaps {
        let why = refusal(&gap.problem, root, &mut context.files);
        rendered.missing.push(Missing { below: gap.below.to_string(), why });
    }
    rendered.files.extend(context.files.asked().iter().cloned());
    let variable_files = files.iter().map(|file| context.files.path(file.id).clone()).collect();
    let whole = Rc::new(Whole::of(context, met, (variable_files, own), planned.clone()));
    rendered.unseen = unseen::of_resources(&whole);
    rendered.unseen.extend(unseen::of_others(&whole, &others));
    for planned in planned {
        rendered.values += planned.value.size();
        let value = Arc::new(print::attributes(&planned.value));
        rendered.resources.push(Resource {
            id: ResourceId::Terraform(TerraformId { address: planned.address.to_string() }),
            stem: None,
            value,
            source: engine::Source::Terraform(Source::new(whole.clone(), planned)),
        });
    }
    Ok(rendered)
}

/// The files of variables in the order in which they count: a later one wins.
fn variable_files(context: &mut Context<'_>, root: &Root) -> Result<Vec<File>, Problem> {
    let mut paths = Vec::new();
    let mut automatic = Vec::new();
    // What stands beside a unit's file is copied over its module's.
    let beside = root.unit.as_ref().and_then(RepoPath::parent).unwrap_or_else(|| root.folder.clone());
    let is_in = |path: &RepoPath, folder: &RepoPath| path.parent().as_ref() == Some(folder);
    let own = context.files.within(&beside).map(|entry| &entry.path).filter(|path| is_in(path, &beside));
    let own: BTreeSet<&RepoPath> = own.collect();
    let is_covered = |path: &RepoPath| beside != root.folder && own.iter().any(|own| own.name() == path.name());
    let module = context.files.within(&root.folder).filter(|entry| is_in(&entry.path, &root.folder));
    let module = module.map(|entry| &entry.path).filter(|path| !is_covered(path));
    let mut all: Vec<&RepoPath> = module.chain(own.iter().copied()).collect();
    all.sort_by(|a, b| a.name().cmp(b.name()));
    all.dedup();
    for path in all {
        let name = path.name();
        if name == "terraform.tfvars" || name == "terraform.tfvars.json" {
            paths.push(path.clone());
        } else if name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json") {
            automatic.push(path.clone());
        }
    }
    paths.extend(automatic);
    paths.extend(root.var_files.iter().cloned());
    paths.iter().map(|path| variables_file(context, path)).collect()
}

/// What a plan knows.
struct Plan {
    /// The managed resources.
    planned: Vec<Planned>,
    /// What else there may be: data sources, and what stands for all that there may be of something.
    others: Vec<Planned>,
    /// The providers whose labels show in the resources.
    told: Told,
}

/// What a plan knows of everything. The references of valid modules were looked at before.
fn plan(
    evaluator: &mut Evaluator<'_, '_>,
    valid: &HashSet<usize>,
    inputs: &BTreeMap<String, Value>,
    files: &[File],
) -> Result<Plan, Problem> {
    version::check(evaluator.modules)?;
    statements::check(evaluator.modules)?;
    let others = evaluator.modules.iter().enumerate().filter(|(index, _)| !valid.contains(index));
    for (_, module) in others {
        blocks::check(module)?;
        check::check(module, &evaluator.broken)?;
    }
    let given = variables::given(evaluator, inputs, files)?;
    evaluator.instances[0].given = given;
    let (mut planned, mut others) = (Vec::new(), Vec::new());
    visit(evaluator, InstanceId(0), &mut planned, &mut others)?;
    planned.sort_by(|a, b| a.address.cmp(&b.address));
    let told = labels::lay(evaluator, &mut planned, &others);
    Ok(Plan { planned, others, told })
}

/// Works out everything in an instance of a module, whether something asks for it or not.
fn visit(
    evaluator: &mut Evaluator<'_, '_>,
    instance: InstanceId,
    planned: &mut Vec<Planned>,
    others: &mut Vec<Planned>,
) -> Result<(), Stop> {
    let module = evaluator.module(instance);
    let ModuleInstance { module: number, is_possible, ref caller, .. } = evaluator.instances[instance.0 as usize];
    if evaluator.validates && evaluator.validated.contains(&number) {
        // Whatever the variables are: so what is behind them is the same for every call, and only what this one gives can be
        // wrong.
        let given = caller.iter().flat_map(|caller| &caller.definition.arguments).map(Argument::name);
        let given: Vec<&str> = given.filter(|name| module.variables.contains_key(name)).collect();
        return given.into_iter().try_for_each(|name| evaluator.variable(instance, name).map(drop));
    }
    for (name, definition) in &module.variables {
        evaluator.variable_of(instance, name, definition)?;
    }
    for name in module.locals.keys() {
        evaluator.local(instance, name)?;
    }
    for (mode, definition) in module.resources.iter() {
        let instances = evaluator.resource(instance, mode, definition.label(0), definition.label(1))?;
        let Instances::Resource { each, any, .. } = instances else { continue };
        let is_shown = mode == Mode::Managed && !is_possible;
        if mode != Mode::Ephemeral {
            (if is_shown { &mut *planned } else { &mut *others }).extend(each.iter().cloned());
        }
        others.extend(any.map(|any| (*any).clone()));
    }
    for name in module.calls.keys() {
        if module.missing.contains_key(name) {
            evaluator.call_instances(instance, name)?;
            evaluator.deeper(|evaluator| evaluator.missing_call(instance, name))?;
            continue;
        }
        let Instances::Module { children, unknown, .. } = evaluator.call_instances(instance, name)? else { continue };
        for (_, child) in children.iter() {
            let visited = evaluator.deeper(|evaluator| visit(evaluator, *child, planned, others));
            match &unknown {
                Some(reason) => {
                    let nothing = visited.map(|()| Value::bool(true));
                    let value = evaluator.possible(nothing, reason)?;
                    evaluator.hidden.push((evaluator.instances[child.0 as usize].address.to_string(), value));
                }
                None => visited?,
            }
        }
    }
    for definition in module.variables.values() {
        evaluator.validate(instance, definition)?;
    }
    for name in module.outputs.keys() {
        evaluator.output(instance, name)?;
    }
    if evaluator.validates {
        evaluator.validated.insert(number);
    }
    Ok(())
}

/// Looks for what is wrong with the modules of a configuration whatever their variables are. Nobody asks where such values are
/// from.
fn validate(evaluator: &mut Evaluator<'_, '_>, configuration: &Configuration, valid: &Valid) -> Result<(), Stop> {
    evaluator.context.sets.pause();
    let visited = visit(evaluator, InstanceId(0), &mut Vec::new(), &mut Vec::new());
    evaluator.context.sets.go_on();
    if visited.is_ok() && evaluator.broken.is_empty() {
        let is_particular = |module| evaluator.particular.contains(&module);
        valid.remember(configuration, evaluator.is_lazy, &evaluator.validated, is_particular);
    }
    visited
}

/// The value of the argument that a place is in.
fn around(configuration: &Configuration, at: Place) -> Option<Place> {
    fn within(body: &Body, span: Span) -> Option<Span> {
        body.items.iter().find_map(|item| match item {
            Item::Attribute(attribute) => {
                let value = attribute.value.span;
                (value.start <= span.start && span.end <= value.end).then_some(value)
            }
            Item::Block(block) => within(&block.body, span),
        })
    }
    let file = configuration.files.iter().find(|file| file.id == at.file)?;
    within(&file.body, at.span).map(|span| Place { span, ..at })
}

fn refusal(problem: &Problem, root: &Root, files: &mut Files<'_>) -> Refusal {
    let (path, message) = (&root.folder, &problem.message);
    let (code, message, hint) = match problem.kind {
        Kind::Broken => (
            Code::StackUnreadable,
            format!("the root module {path} cannot be planned: {message}"),
            "`terraform plan` shows the same; mend the configuration",
        ),
        Kind::Limit => (
            Code::EngineUnsupported,
            format!("the root module {path} is too much to evaluate: {message}"),
            "change the source by hand, or make the configuration smaller",
        ),
        Kind::Unsupported => (
            Code::EngineUnsupported,
            format!("the root module {path} cannot be evaluated by this version: {message}"),
            "change the source by hand",
        ),
    };
    let refusal = Refusal::new(code, message, hint);
    match problem.at {
        Some(place) => {
            let file = files.path(place.file).clone();
            let content = files.read(&file).ok();
            let line = content.map(|content| line_of(&String::from_utf8_lossy(&content), place.span.start));
            refusal.at(file, line)
        }
        None => refusal.at(path, None),
    }
}
