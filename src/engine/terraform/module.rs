//! What a module declares: the definitions of its files, with those of override files laid over them.

use std::collections::BTreeMap;

use super::{
    configuration::{Configuration, File, Folder, literal},
    leaf::{FileId, Place},
    problem::Problem,
};
use crate::source::{
    hcl::{
        identifier::is_name,
        tree::{Attribute, Block, Body, Expression, Item},
    },
    path::RepoPath,
    span::Span,
};

/// A module.
#[derive(Debug)]
pub struct Module<'p> {
    /// Its folder.
    pub folder: &'p RepoPath,
    /// Its input variables, by name.
    pub variables: BTreeMap<&'p str, Definition<'p>>,
    /// Its local values, by name.
    pub locals: BTreeMap<&'p str, Argument<'p>>,
    /// Its outputs, by name.
    pub outputs: BTreeMap<&'p str, Definition<'p>>,
    /// Its resources and data sources.
    pub resources: Resources<'p>,
    /// Its module calls, by name.
    pub calls: BTreeMap<&'p str, Definition<'p>>,
    /// The module that each call leads to.
    pub called: BTreeMap<&'p str, usize>,
    /// The sources of the calls that lead out of the repository.
    pub missing: BTreeMap<&'p str, &'p str>,
    /// Whether it is run in a folder of another machine, which need not be called as it is here.
    pub runs_elsewhere: bool,
    /// What it says of the versions of Terraform that it works with.
    pub versions: Vec<Argument<'p>>,
    /// What it says of resources without a value: `moved`, `import`, `removed`.
    pub statements: Vec<Definition<'p>>,
    /// Everything else that is worked out for what it may refuse: providers and checks.
    pub others: Vec<Definition<'p>>,
    /// Its `terraform` blocks but those of override files.
    pub settings: Vec<Definition<'p>>,
}

/// What kind of resource it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `resource`.
    Managed,
    /// `data`.
    Data,
    /// `ephemeral`.
    Ephemeral,
}

/// The resources of a module by their kinds, types and names: what others refer to is looked up without spelling an address.
#[derive(Debug, Default)]
pub struct Resources<'p>([BTreeMap<&'p str, BTreeMap<&'p str, Definition<'p>>>; 3]);

/// A block at the top of a file, with what override files change of it.
#[derive(Clone, Debug)]
pub struct Definition<'p> {
    /// The file of the block that others are laid over.
    pub file: FileId,
    /// That block.
    pub block: &'p Block,
    /// The arguments.
    pub arguments: Vec<Argument<'p>>,
    /// The blocks in it.
    pub blocks: Vec<Nested<'p>>,
}

/// An argument, and the file that says it.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'p> {
    /// The file.
    pub file: FileId,
    /// What it says.
    pub attribute: &'p Attribute,
}

/// A block in a block, and the file that says it.
#[derive(Clone, Copy, Debug)]
pub struct Nested<'p> {
    /// The file.
    pub file: FileId,
    /// What it says.
    pub block: &'p Block,
}

impl<'p> Module<'p> {
    /// What the files of a folder declare.
    ///
    /// # Errors
    /// A block that Terraform does not know, a definition that is there twice, an override of nothing.
    pub fn of(configuration: &'p Configuration, folder: &'p Folder) -> Result<Self, Problem> {
        let mut module = Self {
            folder: &folder.path,
            variables: BTreeMap::new(),
            locals: BTreeMap::new(),
            outputs: BTreeMap::new(),
            resources: Resources::default(),
            calls: BTreeMap::new(),
            called: folder.calls.iter().map(|(name, index)| (&**name, *index)).collect(),
            missing: folder.missing.iter().map(|(name, source)| (&**name, &**source)).collect(),
            runs_elsewhere: false,
            versions: Vec::new(),
            statements: Vec::new(),
            others: Vec::new(),
            settings: Vec::new(),
        };
        for (files, is_override) in [(&folder.primary, false), (&folder.overrides, true)] {
            for file in files {
                module.take(&configuration.files[*file], is_override)?;
            }
        }
        Ok(module)
    }

    /// A resource.
    pub fn resource(&self, mode: Mode, ty: &str, name: &str) -> Option<&Definition<'p>> {
        self.resources.get(mode, ty, name)
    }

    fn take(&mut self, file: &'p File, is_override: bool) -> Result<(), Problem> {
        let says_versions =
            |block: &Block| &*block.kind.text == "terraform" && block.body.attribute("required_version").is_some();
        if is_override && file.body.blocks().any(says_versions) {
            self.versions.clear();
        }
        for item in &file.body.items {
            let problem = |message: String, span: Span| Problem::broken(message).at(Place { file: file.id, span });
            let block = match item {
                Item::Block(block) => block,
                Item::Attribute(attribute) => {
                    let message = format!("an argument named {:?} is not expected here", attribute.name.text);
                    return Err(problem(message, attribute.span));
                }
            };
            let labels: Vec<&'p str> = block.labels.iter().map(|label| &*label.text).collect();
            let definition = || Definition::of(file.id, block);
            let kind = &*block.kind.text;
            if is_override {
                may_override(&definition())?;
            }
            match (kind, &labels[..]) {
                ("locals", []) => self.take_locals(file, block, is_override)?,
                ("variable", [name]) => lay(&mut self.variables, *name, definition(), is_override)?,
                ("output", [name]) => lay(&mut self.outputs, *name, definition(), is_override)?,
                ("module", [name]) => lay(&mut self.calls, *name, definition(), is_override)?,
                ("resource", [ty, name]) => self.take_resource(Mode::Managed, ty, name, definition(), is_override)?,
                ("data", [ty, name]) => self.take_resource(Mode::Data, ty, name, definition(), is_override)?,
                ("ephemeral", [ty, name]) => {
                    self.take_resource(Mode::Ephemeral, ty, name, definition(), is_override)?
                }
                ("provider", [_]) => self.take_provider(definition(), is_override)?,
                ("check", [_]) => {
                    // Its data source is one of the module's.
                    for nested in block.body.blocks().filter(|nested| &*nested.kind.text == "data") {
                        if let [ty, name] = &nested.labels[..] {
                            let data = Definition::of(file.id, nested);
                            self.take_resource(Mode::Data, &ty.text, &name.text, data, is_override)?;
                        }
                    }
                    self.others.push(definition());
                }
                ("terraform", []) => {
                    let versions = block.body.attribute("required_version");
                    self.versions.extend(versions.map(|attribute| Argument { file: file.id, attribute }));
                    self.settings.extend((!is_override).then(definition));
                    self.runs_elsewhere = runs_elsewhere(block).unwrap_or(self.runs_elsewhere);
                }
                // Terraform takes no notice of it there.
                ("removed", []) if is_override => {}
                ("moved" | "import" | "removed", []) => self.statements.push(definition()),
                ("locals" | "variable" | "output" | "module" | "resource" | "data" | "ephemeral" | "provider", _)
                | ("check" | "terraform" | "moved" | "import" | "removed", _) => {
                    let message = format!("a {kind} block does not have {} labels", labels.len());
                    return Err(problem(message, block.span));
                }
                _ => return Err(problem(format!("blocks of type {kind:?} are not expected here"), block.kind.span)),
            }
            if let Some(label) = block.labels.iter().find(|label| !is_name(&label.text)) {
                let message = format!("{:?} is no valid name: it must start with a letter or underscore", label.text);
                return Err(problem(message, label.span));
            }
        }
        Ok(())
    }

    /// A configuration of a provider by its name and alias. One without an alias may be said by an override file alone.
    fn take_provider(&mut self, definition: Definition<'p>, is_override: bool) -> Result<(), Problem> {
        let alias = |definition: &Definition<'p>| definition.argument("alias").and_then(|alias| literal(alias.value()));
        let own = alias(&definition);
        let is_same = |other: &&mut Definition<'p>| {
            &*other.block.kind.text == "provider" && other.label(0) == definition.label(0) && alias(other) == own
        };
        let problem = |message: &str| Err(Problem::broken(message).at(definition.place()));
        match (self.others.iter_mut().find(is_same), is_override) {
            (Some(base), true) => base.override_with(definition),
            (Some(_), false) => return problem("Duplicate provider configuration: there is one with the same alias."),
            (None, true) if own.is_some() => {
                return problem("Missing base provider configuration for override: there is none with this alias.");
            }
            (None, _) => self.others.push(definition),
        }
        Ok(())
    }

    fn take_resource(
        &mut self,
        mode: Mode,
        ty: &str,
        name: &str,
        definition: Definition<'p>,
        is_override: bool,
    ) -> Result<(), Problem> {
        let place = definition.place();
        let what = || address(mode, ty, name);
        match (self.resources.get_mut(mode, ty, name), is_override) {
            (None, false) => self.resources.insert(mode, definition),
            (Some(base), true) => base.override_with(definition),
            (Some(_), false) => {
                return Err(Problem::broken(format!("resource {} was already defined", what())).at(place));
            }
            (None, true) => {
                return Err(Problem::broken(format!("resource {} is not there to be overridden", what())).at(place));
            }
        }
        Ok(())
    }

    fn take_locals(&mut self, file: &'p File, block: &'p Block, is_override: bool) -> Result<(), Problem> {
        for attribute in block.body.attributes() {
            let place = Place { file: file.id, span: attribute.name.span };
            let name = &*attribute.name.text;
            let before = self.locals.insert(name, Argument { file: file.id, attribute });
            if before.is_some() != is_override {
                let what = if is_override { "is not there to be overridden" } else { "was already defined" };
                return Err(Problem::broken(format!("local value {name:?} {what}")).at(place));
            }
        }
        no_blocks(file.id, &block.body)
    }
}

/// Refuses what an override file cannot say.
fn may_override(definition: &Definition<'_>) -> Result<(), Problem> {
    let kind = &*definition.block.kind.text;
    if matches!(kind, "moved" | "import" | "check") {
        return Err(Problem::broken(format!("Cannot override {kind:?} blocks")).at(definition.place()));
    }
    let rules = ["validation", "precondition", "postcondition"];
    let nested = definition.block.body.blocks().flat_map(|block| {
        let within = (&*block.kind.text == "lifecycle").then(|| block.body.blocks());
        [block].into_iter().chain(within.into_iter().flatten())
    });
    if let Some(rule) = nested.into_iter().find(|block| rules.contains(&&*block.kind.text)) {
        let message = format!("Can't override {} blocks", rule.kind.text);
        return Err(Problem::broken(message).at(Place { file: definition.file, span: rule.kind.span }));
    }
    match definition.argument("depends_on") {
        Some(argument) if matches!(kind, "resource" | "data" | "ephemeral" | "module" | "output") => {
            let message = "Unsupported override: The depends_on argument may not be overridden.";
            Err(Problem::broken(message).at(argument.place()))
        }
        _ => Ok(()),
    }
}

/// The address of a resource in its module.
pub fn address(mode: Mode, ty: &str, name: &str) -> String {
    format!("{}{ty}.{name}", mode.prefix())
}

/// Whether what a `terraform` block says of the state makes another machine run it; nothing where it says nothing of it.
fn runs_elsewhere(block: &Block) -> Option<bool> {
    block.body.blocks().find_map(|nested| match &*nested.kind.text {
        "cloud" => Some(true),
        "backend" => Some(nested.labels.first().is_some_and(|label| &*label.text == "remote")),
        _ => None,
    })
}

/// Adds a definition, or lays it over the one that is there.
fn lay<'p, K: Ord + std::fmt::Debug>(
    all: &mut BTreeMap<K, Definition<'p>>,
    key: K,
    definition: Definition<'p>,
    is_override: bool,
) -> Result<(), Problem> {
    let place = definition.place();
    let what = &definition.block.kind.text;
    match (all.get_mut(&key), is_override) {
        (None, false) => {
            all.insert(key, definition);
        }
        (Some(base), true) => base.override_with(definition),
        (Some(_), false) => {
            return Err(Problem::broken(format!("{what} {key:?} was already defined")).at(place));
        }
        (None, true) => {
            return Err(Problem::broken(format!("{what} {key:?} is not there to be overridden")).at(place));
        }
    }
    Ok(())
}

/// Refuses blocks where only arguments can stand.
pub fn no_blocks(file: FileId, body: &Body) -> Result<(), Problem> {
    match body.blocks().next() {
        None => Ok(()),
        Some(block) => {
            let message = format!("blocks of type {:?} are not expected here", block.kind.text);
            Err(Problem::broken(message).at(Place { file, span: block.kind.span }))
        }
    }
}

impl<'p> Resources<'p> {
    /// One of them.
    pub fn get(&self, mode: Mode, ty: &str, name: &str) -> Option<&Definition<'p>> {
        self.0[mode as usize].get(ty)?.get(name)
    }

    /// All of them with their kinds, sorted by type and name.
    pub fn iter(&self) -> impl Iterator<Item = (Mode, &Definition<'p>)> {
        let kinds = [Mode::Managed, Mode::Data, Mode::Ephemeral].into_iter().zip(&self.0);
        kinds.flat_map(|(mode, types)| {
            types.values().flat_map(BTreeMap::values).map(move |definition| (mode, definition))
        })
    }

    fn get_mut(&mut self, mode: Mode, ty: &str, name: &str) -> Option<&mut Definition<'p>> {
        self.0[mode as usize].get_mut(ty)?.get_mut(name)
    }

    /// Adds one under its labels.
    fn insert(&mut self, mode: Mode, definition: Definition<'p>) {
        let (ty, name) = (definition.label(0), definition.label(1));
        self.0[mode as usize].entry(ty).or_default().insert(name, definition);
    }
}

impl<'p> Definition<'p> {
    /// A block as it stands.
    pub fn of(file: FileId, block: &'p Block) -> Self {
        Self {
            file,
            block,
            arguments: block.body.attributes().map(|attribute| Argument { file, attribute }).collect(),
            blocks: block.body.blocks().map(|block| Nested { file, block }).collect(),
        }
    }

    /// Arguments are replaced one by one, blocks all of one type together.
    fn override_with(&mut self, other: Self) {
        for argument in other.arguments {
            match self.arguments.iter_mut().find(|known| known.name() == argument.name()) {
                Some(known) => *known = argument,
                None => self.arguments.push(argument),
            }
        }
        // What a dynamic block makes is of one type with what is written out. What `lifecycle` says is replaced one by one.
        let is_replaced = |known: &Nested<'p>| {
            known.kind() != "lifecycle" && other.blocks.iter().any(|block| block.makes() == known.makes())
        };
        self.blocks.retain(|known| !is_replaced(known));
        self.blocks.extend(other.blocks);
    }

    /// The argument of a name.
    pub fn argument(&self, name: &str) -> Option<Argument<'p>> {
        self.arguments.iter().find(|argument| argument.name() == name).copied()
    }

    /// The blocks of a type.
    pub fn blocks_of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = Nested<'p>> + 's {
        self.blocks.iter().copied().filter(move |nested| nested.kind() == kind)
    }

    /// The label at a position; empty where there is none.
    pub fn label(&self, at: usize) -> &'p str {
        self.block.labels.get(at).map_or("", |label| &*label.text)
    }

    /// The type and labels of the block.
    pub fn place(&self) -> Place {
        let end = self.block.labels.last().map_or(self.block.kind.span.end, |label| label.span.end);
        Place { file: self.file, span: Span::new(self.block.kind.span.start.min(end), end) }
    }

    /// Refuses an argument that is none of these.
    pub fn only_arguments(&self, known: &[&str]) -> Result<(), Problem> {
        match self.arguments.iter().find(|argument| !known.contains(&argument.name())) {
            None => Ok(()),
            Some(argument) => Err(argument.unexpected()),
        }
    }

    /// Refuses a block that is none of these.
    pub fn only_blocks(&self, known: &[&str]) -> Result<(), Problem> {
        match self.blocks.iter().find(|nested| !known.contains(&nested.kind())) {
            None => Ok(()),
            Some(nested) => Err(nested.unexpected()),
        }
    }
}

impl<'p> Argument<'p> {
    /// Its name.
    pub fn name(&self) -> &'p str {
        &self.attribute.name.text
    }

    /// Its value.
    pub fn value(&self) -> &'p Expression {
        &self.attribute.value
    }

    /// Where the value is.
    pub fn place(&self) -> Place {
        Place { file: self.file, span: self.attribute.value.span }
    }

    /// The problem that it may not stand here.
    pub fn unexpected(&self) -> Problem {
        let message = format!("an argument named {:?} is not expected here", self.name());
        Problem::broken(message).at(Place { file: self.file, span: self.attribute.name.span })
    }
}

impl<'p> Nested<'p> {
    /// Its type.
    pub fn kind(&self) -> &'p str {
        &self.block.kind.text
    }

    /// The type of the blocks that it makes: a dynamic block has it as its label.
    fn makes(&self) -> &'p str {
        match &self.block.labels[..] {
            [label] if self.kind() == "dynamic" => &label.text,
            _ => self.kind(),
        }
    }

    /// The problem that it may not stand here.
    pub fn unexpected(&self) -> Problem {
        let message = format!("blocks of type {:?} are not expected here", self.kind());
        Problem::broken(message).at(Place { file: self.file, span: self.block.kind.span })
    }
}

impl Mode {
    /// What stands before the type in an address.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Managed => "",
            Self::Data => "data.",
            Self::Ephemeral => "ephemeral.",
        }
    }
}
