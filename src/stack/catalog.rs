//! A repository at one commit: its stacks, rendered when asked for and remembered as far as memory allows.
//!
//! Who looks for a resource goes through all stacks, who edits it needs one. So what every stack declares is remembered by
//! name, and whole renders only while they are small together.

mod described;
mod names;
pub mod render;
mod survey;

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    rc::Rc,
    sync::Arc,
};

use super::{
    Stack,
    config::{Allowed, Config},
    discovery,
    lowered::Rendering,
    object::{Object, Reference, World, is_named},
    surroundings::Surroundings,
};
use crate::{
    engine::{Missing, Parsed, Rendered, Skipped},
    model::{
        refusal::{Code, Refusal},
        resource::ResourceId,
    },
    source::{
        path::RepoPath,
        tree::{SourceTree, TreeError, entry},
        yaml::tree::Stream,
    },
};

/// The values of parsed files that renders may hold in memory together, unless a single one holds more. Each takes some
/// 300 to 500 bytes.
const MAX_KEPT: usize = 300_000;

/// The same for renders that nobody asked for but to learn what they declare: it is quicker to render one again than to find
/// memory for all.
const MAX_KEPT_IN_PASSING: usize = 100_000;

/// The stacks of a repository at one commit.
pub struct Catalog<'t> {
    tree: &'t dyn SourceTree,
    surroundings: Surroundings,
    /// Those that are listed, then those that a described stack stands for.
    stacks: Vec<Stack>,
    listed: usize,
    contents: Vec<OnceCell<Result<Rc<Contents>, Refusal>>>,
    kept: RefCell<Kept>,
    /// Where the objects are that others refer to, by kind and name.
    referable: BTreeMap<(String, String), Vec<Reference>>,
    /// The stacks that are being rendered.
    active: RefCell<Vec<usize>>,
    /// Described stacks for which another one stands, while stacks are looked for.
    superseded: BTreeSet<usize>,
    parsed: Parsed,
    parameters: BTreeMap<String, serde_json::Value>,
    allowed: Vec<Allowed>,
}

/// The renders that are remembered.
#[derive(Default)]
struct Kept {
    rendered: HashMap<usize, Rc<Rendering>>,
    refused: HashMap<usize, Refusal>,
    /// The objects that were looked up for stacks, also for those whose renders were forgotten.
    references: HashMap<usize, Vec<Reference>>,
    /// The stacks of the renders, the latest last.
    order: VecDeque<usize>,
    /// The values that they hold themselves.
    values: usize,
}

/// What a stack declares, by name.
#[derive(Debug)]
pub struct Contents {
    /// The resources, in the order of the render.
    pub resources: Vec<Declared>,
    /// The resources that cannot be told.
    pub missing: Vec<Missing>,
    /// What the field's tool stops at in it.
    pub broken: Vec<Refusal>,
    /// The files and documents that render to nothing.
    pub skipped: Vec<Skipped>,
}

/// Where a resource is declared.
#[derive(Debug)]
pub struct Declared {
    /// The resource.
    pub id: ResourceId,
    /// What it is whatever its content, where its name carries a hash of that.
    pub lasting: Option<ResourceId>,
    /// The file.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: usize,
}

impl<'t> Catalog<'t> {
    /// Reads the repository's configuration and discovers the stacks where it names none.
    ///
    /// # Errors
    /// `stack-unreadable` where the configuration is wrong; it is never guessed around.
    pub fn of(tree: &'t dyn SourceTree) -> Result<Self, Refusal> {
        Self::known_as(tree, &[])
    }

    /// The same of a repository that is known by some addresses.
    ///
    /// # Errors
    /// `stack-unreadable` where the configuration is wrong; it is never guessed around.
    pub fn known_as(tree: &'t dyn SourceTree, addresses: &[String]) -> Result<Self, Refusal> {
        let config = configuration(tree)?.unwrap_or_default();
        let surroundings = Surroundings {
            remotes: addresses.to_vec(),
            repositories: config.repositories,
            clusters: config.clusters.iter().map(|cluster| serde_json::json!(cluster)).collect(),
            ..Surroundings::default()
        };
        let is_configured = !config.stacks.is_empty();
        let parsed = Parsed::default();
        let stacks = match is_configured {
            true => discovery::configured(tree, &config.stacks, &parsed),
            false => discovery::discover(tree, &parsed),
        };
        let mut catalog = Self {
            tree,
            surroundings,
            listed: stacks.len(),
            contents: stacks.iter().map(|_| OnceCell::new()).collect(),
            stacks,
            kept: RefCell::default(),
            referable: BTreeMap::new(),
            active: RefCell::default(),
            superseded: BTreeSet::new(),
            parsed,
            parameters: config.parameters,
            allowed: config.allow,
        };
        if !is_configured {
            catalog.describe();
        }
        Ok(catalog)
    }

    /// What the repository's configuration says that rules cannot know.
    pub fn parameters(&self) -> &BTreeMap<String, serde_json::Value> {
        &self.parameters
    }

    /// The rules that a drift may break.
    pub fn allowed(&self) -> &[Allowed] {
        &self.allowed
    }

    /// The files.
    pub fn tree(&self) -> &'t dyn SourceTree {
        self.tree
    }

    /// All stacks, in the order of the configuration or of their names.
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks[..self.listed]
    }

    /// A stack, also one that another stands for.
    pub fn stack(&self, position: usize) -> &Stack {
        &self.stacks[position]
    }

    /// The position of the stack of a name.
    ///
    /// # Errors
    /// `stack-unknown`, naming the stacks that there are.
    pub fn position(&self, name: &str) -> Result<usize, Refusal> {
        self.stacks().iter().position(|stack| stack.name == name).ok_or_else(|| {
            let names: Vec<_> = self.stacks().iter().map(|stack| stack.name.as_str()).take(20).collect();
            let known =
                if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
            Refusal::new(
                Code::StackUnknown,
                format!("the repository has no stack {name:?}"),
                format!("`sourceward stacks` lists the stacks; {known}"),
            )
        })
    }

    /// What a stack declares as the repository stands.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn contents(&self, stack: usize) -> Result<Rc<Contents>, Refusal> {
        let contents = || {
            let rendering = match self.remembered(stack) {
                Some(remembered) => remembered?,
                None => {
                    let rendering = self.render(stack)?;
                    self.remember_in_passing(stack, &rendering);
                    rendering
                }
            };
            Ok(Rc::new(Contents::of(&rendering.rendered)))
        };
        self.contents[stack].get_or_init(contents).clone()
    }

    /// What a stack renders to as the repository stands.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn rendered(&self, stack: usize) -> Result<Rc<Rendered>, Refusal> {
        self.rendering(stack).map(|rendering| rendering.rendered.clone())
    }

    /// The same, with the files that were laid for it.
    ///
    /// # Errors
    /// What its engine refuses.
    pub fn rendering(&self, stack: usize) -> Result<Rc<Rendering>, Refusal> {
        if let Some(remembered) = self.remembered(stack) {
            return remembered;
        }
        let rendering = self.render(stack)?;
        self.remember(stack, &rendering);
        Ok(rendering)
    }

    fn remembered(&self, stack: usize) -> Option<Result<Rc<Rendering>, Refusal>> {
        let kept = self.kept.borrow();
        let refused = || kept.refused.get(&stack).cloned().map(Err);
        kept.rendered.get(&stack).cloned().map(Ok).or_else(refused)
    }

    /// Renders a stack and remembers what is small of it: which objects it looked up, or why it was refused.
    fn render(&self, stack: usize) -> Result<Rc<Rendering>, Refusal> {
        let rendered = render::render(self, &self.active, stack, &self.stacks[stack], &self.parsed);
        let kept = &mut *self.kept.borrow_mut();
        match rendered {
            Ok(rendering) => {
                let references = rendering.references.iter().map(|(at, _)| at.clone()).collect();
                kept.references.insert(stack, references);
                Ok(Rc::new(rendering))
            }
            Err(refusal) => {
                // What looks up an object of its own is not refused for that: there is nothing to be found yet.
                if !self.active.borrow().contains(&stack) {
                    kept.refused.insert(stack, refusal.clone());
                }
                Err(refusal)
            }
        }
    }

    /// Remembers a render; older ones make room for it.
    fn remember(&self, stack: usize, rendering: &Rc<Rendering>) {
        let kept = &mut *self.kept.borrow_mut();
        kept.values += rendering.rendered.values;
        while self.parsed.values() + kept.values > MAX_KEPT
            && let Some(oldest) = kept.order.pop_front().and_then(|oldest| kept.rendered.remove(&oldest))
        {
            kept.values -= oldest.rendered.values;
            // Others may read the same files: they go when there is no other way.
            if self.parsed.values() + kept.values > MAX_KEPT {
                self.parsed.forget(oldest.rendered.files.difference(&rendering.rendered.files));
            }
        }
        kept.rendered.insert(stack, rendering.clone());
        kept.order.push_back(stack);
    }

    /// Remembers a render if that takes little; nothing makes room for it but its own files.
    fn remember_in_passing(&self, stack: usize, rendering: &Rc<Rendering>) {
        let values = self.parsed.values() + self.kept.borrow().values;
        if values + rendering.rendered.values <= MAX_KEPT_IN_PASSING {
            self.remember(stack, rendering);
        } else if values > MAX_KEPT {
            self.parsed.forget(&rendering.rendered.files);
        }
    }

    /// What a file of this text was parsed to, where it was.
    pub fn parsed(&self, path: &RepoPath, text: &str) -> Option<Arc<Stream>> {
        self.parsed.manifests.stream(path, text)
    }

    /// What earlier renders have parsed.
    pub fn memory(&self) -> &Parsed {
        &self.parsed
    }

    /// Tells whether a stack, or what describes it, may read a file.
    pub fn may_read(&self, stack: usize, file: &RepoPath) -> bool {
        self.chain(stack).any(|stack| self.stacks[stack].declaration.may_read(file))
            || self.references(stack).iter().any(|at| {
                at.stack != stack && self.chain(at.stack).any(|stack| self.stacks[stack].declaration.may_read(file))
            })
    }

    /// A stack, the one that declares the object which describes it, and so on.
    pub fn chain(&self, stack: usize) -> impl Iterator<Item = usize> + '_ {
        let owner = |stack: &usize| self.stacks[*stack].described.as_ref().map(|described| described.object.stack);
        std::iter::successors(Some(stack), owner).take(described::MAX_DEPTH + 2)
    }

    /// The objects that are looked up for a stack when it is rendered.
    fn references(&self, stack: usize) -> Vec<Reference> {
        if self.stacks[stack].described.is_none() {
            return Vec::new();
        }
        let known = || self.kept.borrow().references.get(&stack).cloned();
        let learnt = || {
            // Where it cannot be rendered nothing is known of them, and nothing of it can move either.
            let _ = self.rendering(stack);
            known()
        };
        known().or_else(learnt).unwrap_or_default()
    }

    /// The objects of a group, kind, namespace and name that others may refer to, those near to a stack first.
    pub fn referable(
        &self,
        near: usize,
        (group, kind): (&str, &str),
        namespace: Option<&str>,
        name: &str,
    ) -> Vec<Reference> {
        let known = self.referable.get(&(kind.to_owned(), name.to_owned()));
        let fits = |at: &&Reference| match &at.id {
            // What makes an artifact is found by the artifact's name.
            ResourceId::Kubernetes(id) if kind == "ExternalArtifact" => {
                id.group() == group && id.namespace.as_deref().zip(namespace).is_none_or(|(own, asked)| own == asked)
            }
            ResourceId::Kubernetes(id) => is_named(id, group, kind, namespace, name),
            _ => false,
        };
        let mut found: Vec<Reference> = known.into_iter().flatten().filter(fits).cloned().collect();
        let chain: Vec<usize> = self.chain(near).collect();
        found.sort_by_key(|at| chain.iter().position(|stack| *stack == at.stack).unwrap_or(usize::MAX));
        found
    }
}

impl World for Catalog<'_> {
    fn tree(&self) -> &dyn SourceTree {
        self.tree
    }

    fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    fn object(&self, at: &Reference) -> Result<Object, Refusal> {
        let rendered = self.rendered(at.stack)?;
        render::object(&rendered, at)
    }

    fn find(&self, near: usize, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<Object> {
        let found = self.referable(near, (group, kind), namespace, name);
        found.iter().find_map(|at| self.object(at).ok())
    }
}

impl Declared {
    /// What the resource is whatever its content.
    pub fn lasting_id(&self) -> &ResourceId {
        self.lasting.as_ref().unwrap_or(&self.id)
    }
}

impl Contents {
    /// Why a resource that is not among these may be there all the same.
    pub fn missing_for(&self, id: &ResourceId) -> Option<&Missing> {
        let ResourceId::Terraform(id) = id else { return None };
        self.missing.iter().find(|missing| missing.may_hold(&id.address))
    }

    /// The files and documents that could not be read.
    pub fn unread(&self) -> impl Iterator<Item = &Skipped> {
        self.skipped.iter().filter(|skipped| skipped.broken)
    }

    fn of(rendered: &Rendered) -> Self {
        let declared = rendered.resources.iter().map(|resource| {
            let (file, line) = resource.declared_at();
            let lasting = resource.stem.is_some().then(|| resource.lasting_id());
            Declared { id: resource.id.clone(), lasting, file: file.clone(), line }
        });
        Self {
            resources: declared.collect(),
            missing: rendered.missing.clone(),
            broken: rendered.broken.clone(),
            skipped: rendered.skipped.clone(),
        }
    }
}

/// The repository's configuration, where it has one.
pub fn configuration(tree: &dyn SourceTree) -> Result<Option<Config>, Refusal> {
    let path: RepoPath = super::config::PATH.parse().expect("the configuration's path is a path");
    if entry(tree, &path).is_none() {
        return Ok(None);
    }
    let unreadable = |why: String| {
        Refusal::new(Code::StackUnreadable, why, "make the configuration a regular text file").at(&path, None)
    };
    let bytes = tree.read(&path).map_err(|error: TreeError| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable(format!("{path} is not UTF-8 text")))?;
    Ok(Some(Config::read(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tree::MemoryTree;

    #[test]
    fn what_a_stack_looks_up_is_known_though_its_render_is_forgotten() {
        let flux = |name: &str, more: &str| {
            format!(
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, \
                 namespace: flux-system}}\nspec:\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n\
                 \x20 path: ./{name}\n{more}"
            )
        };
        let substituted = "  postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}]}\n";
        let map = |name: &str, data: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: flux-system}}\ndata:\n  a: {data}\n"
            )
        };
        let own = "https://github.com/acme/gitops";
        let source = format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: flux-system, \
             namespace: flux-system}}\nspec: {{url: {own}}}\n"
        );
        let files = [
            ("cluster/source.yaml", source),
            ("cluster/settings.yaml", flux("settings", "")),
            ("cluster/apps.yaml", flux("apps", substituted)),
            ("settings/vars.yaml", map("vars", "one")),
            ("apps/app.yaml", map("app", "${a}")),
        ];
        let path = |text: &str| text.parse::<RepoPath>().expect("a path");
        let tree = MemoryTree::of(files.map(|(at, text)| (path(at), text.into_bytes())));
        let catalog = Catalog::known_as(&tree, &[own.to_owned()]).expect("a catalog");
        let is_apps =
            |stack: &Stack| stack.described.as_ref().is_some_and(|by| by.object.id.to_string().contains("apps"));
        let apps = catalog.stacks().iter().position(is_apps).expect("a described stack");
        let reads = |file: &str| catalog.may_read(apps, &path(file));
        let all = ["settings/vars.yaml", "cluster/apps.yaml", "apps/app.yaml", "cluster/settings.yaml", "README.md"];
        let expected = [true, true, true, true, false];
        assert_eq!(all.map(reads), expected);
        catalog.kept.take();
        assert_eq!(all.map(reads), expected, "never rendered");
        catalog.kept.borrow_mut().rendered.clear();
        assert_eq!(all.map(reads), expected, "forgotten");
    }

    #[test]
    fn what_deploys_the_settings_that_it_is_deployed_with_renders_again_when_it_is_forgotten() {
        let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: argocd, namespace: argocd}\n\
                           spec:\n  source: {repoURL: https://github.com/acme/gitops, path: argocd}\n  destination: {namespace: \
                           argocd}\n";
        let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata:\n  \
                        kustomize.buildOptions: --enable-helm\n";
        let files = [
            ("apps/argocd.yaml", application),
            ("argocd/kustomization.yaml", "resources: [settings.yaml]\n"),
            ("argocd/settings.yaml", settings),
        ];
        let tree = MemoryTree::of(files.map(|(at, text)| (at.parse::<RepoPath>().expect("a path"), text.as_bytes())));
        let catalog = Catalog::known_as(&tree, &["https://github.com/acme/gitops".to_owned()]).expect("a catalog");
        let argocd = catalog.stacks().iter().position(|stack| stack.described.is_some()).expect("a described stack");
        for _ in 0..3 {
            let rendered = catalog.rendered(argocd).expect("renders");
            assert_eq!(rendered.resources.len(), 1);
            let kept = &mut *catalog.kept.borrow_mut();
            kept.rendered.clear();
            kept.order.clear();
        }
    }
}
