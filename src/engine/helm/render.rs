//! From a chart and its values to resources, as `helm template` does it: load, merge, execute, cut into documents, sort.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    hash::BuildHasher,
    rc::Rc,
    sync::Arc,
};

use serde_json::Value;

use super::{
    chart::Chart,
    document::{self, Document},
    functions::{
        Functions,
        regex::pattern::Patterns,
        yaml::{self, streams::Streams},
    },
    lineage::Lineage,
    memory::{Memory, Outcome, Recollection, Remembered, TEMPLATE},
    order,
    sites::printed::Printed,
    source::Source,
    sources::{self, ArgumentKind, BYTE_ORDER_MARK, Problem, Sources},
    template::{
        ast,
        context::Context,
        evaluate::{BranchSeen, Evaluator, failure::Failure},
        fault::{Fault, FaultKind},
        leaf::Leaf,
        parse::{ParseError, parse},
        program::{self, Program},
        value::{self, Datum},
    },
    values::{self, Prepared, Release, Template, ValuesSource},
};
use crate::{
    engine::{self, Printout, Rendered, Resource, Skipped, reads::Reads},
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
        resource::{KubernetesId, ResourceId},
        value::size,
    },
    source::{
        lineage::{
            hash::{Mixed, Mixing, Seeded},
            text::{MadeOf, Text},
        },
        path::RepoPath,
        span::line_of,
        tree::{EntryKind, SourceTree, leads_to, within},
    },
};

/// A chart as it is installed.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The chart's folder or archive.
    pub chart: RepoPath,
    /// What it is installed with.
    pub release: Release,
    /// Whether `crds/` is printed.
    pub include_crds: bool,
    /// The files that it may read.
    pub reads: Arc<Reads>,
}

impl Installation {
    /// A chart and what it is released with; what it may read follows from its dependencies.
    pub fn new(tree: &dyn SourceTree, chart: RepoPath, release: Release, include_crds: bool) -> Self {
        let mut reads = Reads { folders: [chart.clone()].into(), ..Reads::default() };
        for values in &release.values {
            let (ValuesSource::File(file) | ValuesSource::Node { file, .. } | ValuesSource::Text { file, .. }) = values;
            reads.files.insert(file.clone());
        }
        for argument in release.arguments.iter().filter(|argument| argument.kind == ArgumentKind::SetFile) {
            let files = argument.text.split(',').filter_map(|one| one.split_once('=')).map(|(_, file)| file);
            reads.files.extend(files.filter_map(|file| release.folder.resolve(file).ok()));
        }
        for name in ["Chart.yaml", "requirements.yaml"] {
            let file = chart.resolve(name).ok().map(|path| leads_to(tree, &path).unwrap_or(path));
            let text = file.and_then(|file| tree.read(&file).ok());
            let text = text.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let references = text.split("file://").skip(1).map(|rest| rest.split(['"', '\'', '\n', ' ', '#']).next());
            reads.folders.extend(references.flatten().filter_map(|folder| chart.resolve(folder.trim()).ok()));
        }
        let found = reads.folders.iter().flat_map(|folder| within(tree, folder));
        let links = found.filter(|entry| entry.kind == EntryKind::Symlink);
        let linked: Vec<RepoPath> = links.filter_map(|link| leads_to(tree, &link.path)).collect();
        reads.folders.extend(linked);
        Self { chart, release, include_crds, reads: reads.into() }
    }
}

/// What renders leave for the next one: an edit changes one file of many.
#[derive(Debug, Default)]
pub struct Cache {
    parsed: Arc<sources::Parsed>,
    templates: RefCell<Templates>,
    documents: RefCell<document::Parsed>,
    memory: RefCell<Memory>,
    functions: RefCell<Option<Rc<Functions>>>,
    patterns: RefCell<Patterns>,
    streams: RefCell<Streams>,
}

/// A text and what it was parsed to.
type Known = (Arc<str>, Rc<ast::File>);

/// Templates that were parsed.
#[derive(Debug, Default)]
struct Templates {
    /// By the address of their text, which is kept with them.
    by_address: HashMap<usize, Known, Mixing>,
    /// By the hash of their text, so that no text is hashed a second time: charts hold copies of one library.
    by_hash: HashMap<u64, Vec<Known>, Mixed>,
    seed: Seeded,
    /// The bytes of all texts.
    kept: usize,
}

/// The text of parsed templates that is kept, in bytes.
const MAX_KEPT: usize = 64 << 20;

/// Renders a chart.
///
/// # Errors
/// `stack-unreadable` where helm fails as well, `engine-unsupported` where helm might go on and this version cannot say how.
pub fn render(tree: &dyn SourceTree, installation: &Installation, cache: &Cache) -> Result<Rendered, Refusal> {
    let mut sources = Sources::new(tree, &cache.parsed);
    let evaluated = evaluate(installation, cache, &mut sources);
    let Evaluated { lineage, crds, mut files, prepared, recollection } = match evaluated {
        Ok(evaluated) => evaluated,
        Err(stop) => return Err(stop.refusal(installation, &mut sources)),
    };
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut rendered = Rendered::default();
    rendered.files.extend(lineage.files.iter().map(|file| file.path.clone()));
    let lineage = Rc::new(lineage);
    let mut read = Vec::with_capacity(files.len());
    for file in &files {
        let documents = file.printed.documents(&mut cache.documents.borrow_mut());
        read.push(documents.map_err(|why| file.broken(installation, &why))?);
    }
    let documents = files
        .iter()
        .zip(&read)
        .flat_map(|(file, documents)| documents.iter().map(move |(head, document)| (head, (file, document))));
    let mut printed = String::new();
    for crd in &crds {
        printed += &format!("---\n# Source: {}\n{}\n", crd.name, crd.text.lossy());
        for document in cache.documents.borrow_mut().documents(&crd.text) {
            add(&mut rendered, &lineage, &Rc::new(document));
        }
    }
    for (_, (file, document)) in order::sort(documents.collect()) {
        for part in ["---\n# Source: ", &file.name, "\n", &document.text().lossy()] {
            printed += part;
        }
        add(&mut rendered, &lineage, document);
    }
    rendered.printed = Printout::Text(printed);
    if let Some(remembered) = recollection.remembered(installation, prepared, lineage) {
        cache.memory.borrow_mut().keep(remembered);
    }
    Ok(rendered)
}

/// What a chart prints.
struct Evaluated {
    lineage: Lineage,
    /// In the order in which Helm prints them.
    crds: Vec<Crd>,
    files: Vec<File>,
    prepared: Prepared,
    recollection: Recollection,
}

/// A file as it is printed.
struct File {
    name: String,
    printed: Rc<Outcome>,
}

/// A file of `crds/` as it is printed.
struct Crd {
    name: String,
    text: Text,
}

/// Why a chart does not render.
enum Stop {
    /// Before any template is executed.
    Problem(Problem),
    /// A template does not parse.
    Unparsed(Box<(Template, ParseError)>),
    /// A template fails.
    Failed(Box<Failure>),
}

/// Loads the chart and executes its templates.
fn evaluate(installation: &Installation, cache: &Cache, sources: &mut Sources<'_>) -> Result<Evaluated, Stop> {
    let mut before = cache.memory.borrow_mut().take(installation);
    let (sets, paths) = before.as_mut().map(Remembered::origins).unwrap_or_default();
    let (patterns, streams) = (cache.patterns.take(), cache.streams.take());
    let mut context = Context { sets, paths, patterns, streams, ..Context::default() };
    let chart = Arc::new(Chart::load(sources, &installation.chart).map_err(Stop::Problem)?);
    let functions = cache.functions.borrow_mut().get_or_insert_with(|| Rc::new(Functions::all())).clone();
    let mut prepared =
        values::prepare(&chart, &installation.release, sources, &mut context, yaml::TO_YAML).map_err(Stop::Problem)?;
    let mut programs = Vec::with_capacity(prepared.templates.len());
    for template in &prepared.templates {
        let ast = cache
            .template(&template.text, &functions)
            .map_err(|error| Stop::Unparsed(Box::new((template.clone(), error))))?;
        let (name, text) = (template.name.as_str().into(), template.text.clone());
        programs.push(program::Source { name, file: template.file, text, ast });
    }
    let program = Program::new(functions, programs);
    let mut recollection = Recollection::of(before.as_ref(), &prepared, sources);
    drop(before);
    let mut evaluator = Evaluator::new(&program, context);
    let (mut files, mut branches) = (Vec::new(), Vec::new());
    let mut seen: HashSet<BranchSeen, Mixing> = HashSet::default();
    for (number, template) in prepared.templates.iter().enumerate().filter(|(_, template)| !template.is_partial) {
        let instance = &prepared.charts[template.chart];
        instance.dot.insert(Text::plain(TEMPLATE), recollection.watched(Prepared::template_value(template)));
        evaluator.context.control = instance.control;
        let printed = recollection.outcome(number, &mut evaluator, |evaluator| {
            evaluator.execute(&template.name, value::Value::plain(Datum::Map(instance.dot.clone())))
        });
        let printed = printed.map_err(Stop::Failed)?;
        branches.extend(printed.branches().iter().filter(|branch| seen.insert(**branch)));
        let is_note = template.name.ends_with("NOTES.txt");
        if !is_note {
            files.push(File { name: template.name.clone(), printed });
        }
    }
    let mut crds = Vec::new();
    if installation.include_crds {
        for crd in &prepared.crds {
            let content = sources.content(crd.file).map_err(Stop::Problem)?;
            let leaf = evaluator.context.sets.leaf(Leaf::File(crd.file));
            let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content);
            let text = Text::new(content, MadeOf::Verbatim { leaf, offset: 0 });
            crds.push(Crd { name: crd.name.clone(), text });
        }
    }
    let context = evaluator.finish();
    cache.patterns.replace(context.patterns.remembered());
    cache.streams.replace(context.streams);
    let (read, layers) = sources.take_read();
    let lineage = Lineage {
        sets: RefCell::new(context.sets),
        paths: context.paths,
        branches,
        files: read,
        layers,
        layering: std::mem::take(&mut prepared.layering),
    };
    Ok(Evaluated { lineage, crds, files, prepared, recollection })
}

impl Cache {
    /// The files that were read, which threads can share.
    pub fn shared(&self) -> Arc<sources::Parsed> {
        self.parsed.clone()
    }

    /// The same files for a thread of its own.
    pub fn with(parsed: Arc<sources::Parsed>) -> Self {
        Self { parsed, ..Self::default() }
    }

    fn template(&self, text: &Arc<str>, functions: &Functions) -> Result<Rc<ast::File>, ParseError> {
        let mut templates = self.templates.borrow_mut();
        let address = Arc::as_ptr(text).addr();
        if let Some((_, known)) = templates.by_address.get(&address) {
            return Ok(known.clone());
        }
        let hash = templates.seed.hash_one(text);
        let known = templates.by_hash.get(&hash).into_iter().flatten().find(|(known, _)| known == text);
        let parsed = match known {
            Some((_, known)) => known.clone(),
            None => Rc::new(parse(text, &|name| functions.contains(name))?),
        };
        if templates.kept + text.len() > MAX_KEPT {
            *templates = Templates::default();
        }
        templates.kept += text.len();
        templates.by_address.insert(address, (text.clone(), parsed.clone()));
        let of_hash = templates.by_hash.entry(hash).or_default();
        if !of_hash.iter().any(|(_, known)| Rc::ptr_eq(known, &parsed)) {
            of_hash.push((text.clone(), parsed.clone()));
        }
        Ok(parsed)
    }
}

impl File {
    /// The text is not what Helm can print.
    fn broken(&self, installation: &Installation, why: &str) -> Refusal {
        Refusal::new(
            Code::StackUnreadable,
            format!("the chart {} does not render: YAML parse error on {}: {why}", installation.chart, self.name),
            "`helm template` shows the same; mend the chart or its values",
        )
    }
}

impl Stop {
    fn refusal(self, installation: &Installation, sources: &mut Sources<'_>) -> Refusal {
        let (kind, message, file, line) = match self {
            Self::Problem(Problem { file, inside, line, fault: Fault { kind, message } }) => {
                (kind, message, file, line.filter(|_| inside.is_none()))
            }
            Self::Unparsed(unparsed) => {
                let (template, error) = *unparsed;
                let file = sources.get(template.file);
                let line = file.inside.is_none().then_some(error.line);
                let message = format!("parse error at ({}:{}): {}", template.name, error.line, error.message);
                (error.kind, message, Some(file.path.clone()), line)
            }
            Self::Failed(failure) => {
                let place = failure.place.map(|place| (sources.get(place.file).clone(), place));
                let line = place.as_ref().filter(|(file, _)| file.inside.is_none()).and_then(|(_, place)| {
                    let content = sources.content(place.file).ok()?;
                    let text = std::str::from_utf8(&content).ok()?;
                    Some(line_of(text, place.span.start))
                });
                (failure.kind, failure.message.clone(), place.map(|(file, _)| file.path), line)
            }
        };
        let chart = &installation.chart;
        let (code, message, hint) = match kind {
            FaultKind::Failed => (
                Code::StackUnreadable,
                format!("the chart {chart} does not render: {message}"),
                "`helm template` shows the same; mend the chart or its values",
            ),
            FaultKind::Limit => (
                Code::EngineUnsupported,
                format!("the chart {chart} is too much to render: {message}"),
                "change the source by hand, or make the chart smaller",
            ),
            FaultKind::Unsupported => (
                Code::EngineUnsupported,
                format!("the chart {chart} cannot be rendered by this version: {message}"),
                "change the source by hand",
            ),
        };
        let refusal = Refusal::new(code, message, hint);
        match file {
            Some(file) => refusal.at(file, line),
            None => refusal.at(chart, None),
        }
    }
}

/// Adds what a document declares: itself, or the items of a list.
fn add(rendered: &mut Rendered, lineage: &Rc<Lineage>, document: &Rc<Document>) {
    let Ok(Some(value)) = document.value() else { return };
    let value = value.clone();
    for key in document.repeated() {
        let (file, line) = Printed { document, base: &Pointer::root() }.declared_at(lineage);
        let why = format!("a map has the key {key:?} twice, of which the last one counts");
        rendered.skipped.push(Skipped { file, line, why, broken: false });
    }
    let kind = text(&value, "kind");
    match (kind.strip_suffix("List"), value.get("items")) {
        (Some(of), Some(Value::Array(items))) => {
            for (index, item) in items.iter().enumerate() {
                let base = Pointer::of(["items".to_owned(), index.to_string()]);
                add_one(rendered, lineage, document, Arc::new(item.clone()), base, (&text(&value, "apiVersion"), of));
            }
        }
        _ if !kind.is_empty() => {
            let api_version = text(&value, "apiVersion");
            add_one(rendered, lineage, document, value.clone(), Pointer::root(), (&api_version, &kind));
        }
        _ => {}
    }
}

fn add_one(
    rendered: &mut Rendered,
    lineage: &Rc<Lineage>,
    document: &Rc<Document>,
    value: Arc<Value>,
    base: Pointer,
    (api_version, kind): (&str, &str),
) {
    let own = |key: &str, otherwise: &str| match text(&value, key) {
        own if own.is_empty() => otherwise.to_owned(),
        own => own,
    };
    let metadata = value.get("metadata").cloned().unwrap_or_default();
    let namespace = Some(text(&metadata, "namespace")).filter(|namespace| !namespace.is_empty());
    let id = KubernetesId {
        api_version: own("apiVersion", api_version),
        kind: own("kind", kind),
        namespace,
        name: text(&metadata, "name"),
    };
    let (file, line) = Printed { document, base: &base }.declared_at(lineage);
    let source = Source::new(lineage.clone(), document.clone(), base, value.clone(), file, line);
    // As it is, and the nodes that it was read from.
    rendered.values += 2 * size(&value);
    rendered.resources.push(Resource {
        id: ResourceId::Kubernetes(id),
        stem: None,
        value,
        source: engine::Source::Helm(source),
    });
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
