//! Finds the stacks that objects of the repository describe: round by round, since what one describes may hold objects that
//! describe more.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use super::{Catalog, Contents, Kept, names};
use crate::{
    engine::{Declaration, Resource, kustomize::kustomization::NAMES, manifest::Folder, reads::Reads},
    model::{
        refusal::{Code, Refusal},
        resource::ResourceId,
    },
    source::{path::RepoPath, tree::EntryKind},
    stack::{
        Described, Stack,
        description::{self, How, addresses, is_referable, names as names_of},
        object::{Object, Reference, is_named},
        surroundings::{evident, normal},
    },
};

/// How many objects may describe one another before something is deployed.
pub const MAX_DEPTH: usize = 8;

/// The most stacks that objects may describe.
const MAX_STACKS: usize = 2_000;

/// The most rounds.
const MAX_ROUNDS: usize = 24;

/// What a file with an object that describes something says.
const MARKS: [&[u8]; 2] = [b"argoproj.io/", b".toolkit.fluxcd.io/"];

impl Catalog<'_> {
    /// Adds the stacks that objects describe, and puts away those that they stand for.
    pub(super) fn describe(&mut self) {
        let marked = self.marked();
        if marked.is_empty() {
            return;
        }
        let bare = self.stacks.len();
        let holds =
            |catalog: &Self, stack: usize| marked.iter().any(|file| catalog.stacks[stack].declaration.may_read(file));
        let is_chart = |catalog: &Self, stack: usize| matches!(catalog.stacks[stack].declaration, Declaration::Helm(_));
        let seeds: Vec<usize> = (0..bare).filter(|stack| holds(self, *stack) && !is_chart(self, *stack)).collect();
        let mut search = Search::default();
        for stack in seeds {
            self.take_in(stack, &mut search);
        }
        self.rounds(bare, &mut search);
        // A chart with its own values deploys something only where no object says with which.
        let covered = self.covered(bare, &search);
        let charts: Vec<usize> = (0..bare)
            .filter(|stack| is_chart(self, *stack) && holds(self, *stack) && !self.is_covered(*stack, &covered))
            .collect();
        for stack in charts {
            self.take_in(stack, &mut search);
        }
        self.rounds(bare, &mut search);
        self.arrange(bare, &search);
    }

    /// The files that say something of Argo CD or Flux.
    fn marked(&self) -> Vec<RepoPath> {
        let is_text = |path: &RepoPath| matches!(path.extension().as_str(), "yaml" | "yml" | "json" | "tpl");
        let is_marked = |path: &RepoPath| {
            self.tree
                .read(path)
                .is_ok_and(|bytes| MARKS.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == *mark)))
        };
        let files =
            self.tree.entries().iter().filter(|entry| !matches!(entry.kind, EntryKind::Symlink | EntryKind::Submodule));
        let files = files.map(|entry| &entry.path).filter(|path| is_text(path) && !path.as_str().starts_with(".git/"));
        files.filter(|path| is_marked(path)).cloned().collect()
    }

    /// Renders what was found until nothing new is found.
    fn rounds(&mut self, bare: usize, search: &mut Search) {
        for _ in 0..MAX_ROUNDS {
            self.learn(bare, search);
            let before = (self.stacks.len(), search.referable);
            // What was missed may be there by now.
            let kept = self.kept.get_mut();
            let is_more = search.seen != search.referable;
            search.seen = search.referable;
            let missed =
                kept.rendered.iter().filter(|(stack, rendering)| is_more && rendering.missed && **stack >= bare);
            let missed: Vec<usize> = missed.map(|(stack, _)| *stack).collect();
            for stack in missed {
                kept.rendered.remove(&stack);
                kept.order.retain(|known| *known != stack);
                search.done.remove(&stack);
                search.tried.remove(&stack);
            }
            let mut todo: Vec<usize> =
                (bare..self.stacks.len()).filter(|stack| !search.done.contains_key(stack)).collect();
            // What deploys other objects comes before what is deployed.
            let rank = |how: &How| [2, 1, 0, 3][how.rank()];
            todo.sort_by_key(|stack| self.stacks[*stack].described.as_ref().map(|described| rank(&described.how)));
            for stack in todo {
                if self.chain(stack).any(|stack| self.superseded.contains(&stack)) {
                    continue;
                }
                if self.is_superseded(stack, bare) {
                    self.superseded.insert(stack);
                    continue;
                }
                // What was refused may be rendered once more is known.
                let known = (search.referable, self.surroundings.evident.clone());
                if search.tried.get(&stack) == Some(&known) {
                    continue;
                }
                search.tried.insert(stack, known);
                self.kept.get_mut().refused.remove(&stack);
                self.take_in(stack, search);
            }
            if (self.stacks.len(), search.referable) == before {
                break;
            }
        }
    }

    /// Works out the repository's addresses from all that is known; what was refused is tried again where they have changed.
    fn learn(&mut self, bare: usize, search: &Search) {
        if !self.surroundings.repositories.is_empty() {
            return;
        }
        let mut named: BTreeSet<(String, RepoPath)> = BTreeSet::new();
        for stack in self.stacks[bare..].iter() {
            let Some(described) = &stack.described else { continue };
            if let Some(object) = search.objects.get(&described.object) {
                named.extend(addresses(object, &described.how, self));
            }
        }
        let remotes: BTreeSet<String> = self.surroundings.remotes.iter().map(|url| normal(url)).collect();
        let is_named = named.iter().any(|(url, _)| remotes.contains(url));
        self.surroundings.evident = if is_named { remotes } else { evident(self.tree, &named) };
    }

    /// Renders a stack and takes in what its objects describe, and what others may refer to.
    fn take_in(&mut self, stack: usize, search: &mut Search) {
        let Ok(rendering) = self.rendering(stack) else { return };
        // The render may be forgotten before these are asked for.
        search.done.insert(stack, rendering.rendered.files.clone());
        self.contents[stack] = OnceCell::from(Ok(Rc::new(Contents::of(&rendering.rendered))));
        for resource in &rendering.rendered.resources {
            let id = resource.lasting_id();
            let at = Reference { stack, id };
            if is_referable(&at.id)
                && let ResourceId::Kubernetes(named) = &resource.id
            {
                let at = Reference { stack, id: resource.id.clone() };
                for name in names_of(named, &resource.value) {
                    let known = self.referable.entry(name).or_default();
                    if !known.contains(&at) {
                        known.push(at.clone());
                        search.referable += 1;
                    }
                }
            }
            let object = Object { at: at.clone(), value: resource.value.clone() };
            let hows = description::of(&object);
            if hows.is_empty() || search.objects.contains_key(&at) {
                continue;
            }
            let depth = self.chain(stack).count();
            search.objects.insert(at.clone(), object.clone());
            if self.is_above(stack, &object) {
                continue;
            }
            for how in hows {
                self.add(&object, how, depth);
            }
        }
    }

    /// Tells whether an object is one of those that describe a stack: what describes itself is described by what is above it.
    fn is_above(&self, stack: usize, object: &Object) -> bool {
        self.chain(stack).any(|stack| {
            let described = self.stacks[stack].described.as_ref();
            described.is_some_and(|described| is_same(&described.object.id, &object.at.id))
        })
    }

    /// Tells whether the object of a described stack that was found in a bare one is deployed by another described stack,
    /// which then says what it is.
    fn is_superseded(&self, position: usize, bare: usize) -> bool {
        let Some(described) = &self.stacks[position].described else { return false };
        let owner = described.object.stack;
        if owner >= bare {
            return false;
        }
        let Ok(contents) = self.contents(owner) else { return false };
        let found = contents.resources.iter().find(|declared| *declared.lasting_id() == described.object.id);
        let Some(file) = found.map(|declared| declared.file.clone()) else { return false };
        (bare..self.stacks.len()).any(|other| {
            !self.chain(other).any(|stack| stack == position)
                && !self.chain(other).any(|stack| stack >= bare && self.superseded.contains(&stack))
                && self.kept.borrow().rendered.contains_key(&other)
                && self.rendered(other).is_ok_and(|rendered| {
                    let is_it = |resource: &Resource| is_same(&resource.lasting_id(), &described.object.id);
                    rendered.files.contains(&file) && rendered.resources.iter().any(is_it)
                })
        })
    }

    /// Adds the stack that an object describes.
    fn add(&mut self, object: &Object, how: How, depth: usize) {
        let described = self.stacks.iter().filter(|stack| stack.described.is_some()).count();
        let refusal = if described >= MAX_STACKS {
            return;
        } else if depth > MAX_DEPTH {
            let message = format!("{} is described by more than {MAX_DEPTH} objects, one by the other", object.at.id);
            Some(Refusal::new(Code::EngineUnsupported, message, "describe it less indirectly"))
        } else {
            None
        };
        let declaration = match refusal {
            Some(refusal) => refused(&how, Reads::default(), refusal),
            None => {
                let refusal = Refusal::new(Code::EngineUnsupported, "it was not reached", "name fewer stacks");
                refused(&how, Reads::default(), refusal)
            }
        };
        let is_deep = depth > MAX_DEPTH;
        let described = (!is_deep).then(|| Described { object: object.at.clone(), how, notes: Vec::new() });
        let stack = Stack { described, ..Stack::bare(names::plain(object), declaration, None) };
        self.stacks.push(stack);
        self.contents.push(OnceCell::new());
    }

    /// The files that described stacks read.
    fn covered(&self, bare: usize, search: &Search) -> BTreeSet<RepoPath> {
        let mut files = BTreeSet::new();
        for stack in bare..self.stacks.len() {
            if self.chain(stack).any(|stack| self.superseded.contains(&stack)) {
                continue;
            }
            let is_deployed = !matches!(self.stacks[stack].described, Some(Described { how: How::ApplicationSet, .. }));
            if !is_deployed {
                continue;
            }
            match search.done.get(&stack) {
                Some(read) => files.extend(read.iter().cloned()),
                None => files.extend(self.rendered(stack).iter().flat_map(|rendered| rendered.files.iter().cloned())),
            }
        }
        files
    }

    /// Tells whether described stacks read all that makes a bare one.
    fn is_covered(&self, stack: usize, covered: &BTreeSet<RepoPath>) -> bool {
        let any = |folder: &RepoPath, names: &[&str]| {
            names.iter().filter_map(|name| folder.resolve(name).ok()).any(|file| covered.contains(&file))
        };
        match &self.stacks[stack].declaration {
            Declaration::Helm(installation) => any(&installation.chart, &["Chart.yaml"]),
            Declaration::Kustomize(overlay) => any(&overlay.path, &NAMES),
            Declaration::Manifests(folder) => {
                let mut files = self.held(folder).peekable();
                files.peek().is_some() && files.all(|file| covered.contains(file))
            }
            _ => false,
        }
    }

    fn held<'c>(&'c self, folder: &'c Folder) -> impl Iterator<Item = &'c RepoPath> + 'c {
        let entries = crate::source::tree::within(self.tree, &folder.path);
        entries.map(|entry| &entry.path).filter(|path| folder.holds(path))
    }

    /// Names the described stacks, and puts those behind that they stand for.
    fn arrange(&mut self, bare: usize, search: &Search) {
        let covered = self.covered(bare, search);
        let owned = |catalog: &Self, stack: usize| -> BTreeSet<RepoPath> {
            let Ok(contents) = catalog.contents(stack) else { return BTreeSet::new() };
            let ids = catalog.stacks[bare..].iter().filter_map(|stack| stack.described.as_ref());
            let ids: Vec<_> = ids.filter(|described| described.object.stack == stack).map(|it| &it.object.id).collect();
            let declared = contents.resources.iter().filter(|declared| ids.contains(&declared.lasting_id()));
            declared.map(|declared| declared.file.clone()).collect()
        };
        let (mut is_hidden, mut narrowed) = (vec![false; self.stacks.len()], BTreeSet::new());
        for (stack, is_hidden) in is_hidden.iter_mut().enumerate().take(bare) {
            if self.is_covered(stack, &covered) {
                *is_hidden = true;
            } else if let Declaration::Manifests(folder) = &self.stacks[stack].declaration {
                let keeps = owned(self, stack);
                let without: BTreeSet<RepoPath> = self
                    .held(folder)
                    .filter(|file| covered.contains(*file) && !keeps.contains(*file))
                    .cloned()
                    .collect();
                if !without.is_empty() {
                    let folder = Folder { without: Arc::new(without), ..folder.clone() };
                    self.stacks[stack].declaration = Declaration::Manifests(folder);
                    narrowed.insert(stack);
                }
            }
        }
        for stack in bare..self.stacks.len() {
            if self.is_superseded(stack, bare) {
                self.superseded.insert(stack);
            }
        }
        for (stack, is_hidden) in is_hidden.iter_mut().enumerate().skip(bare) {
            if self.chain(stack).any(|stack| self.superseded.contains(&stack)) {
                *is_hidden = true;
            } else {
                self.settle(stack);
            }
        }
        let names = names::all(&self.stacks, bare, &is_hidden);
        for (stack, name) in self.stacks[bare..].iter_mut().zip(names) {
            stack.name = name;
        }
        let mut order: Vec<usize> = (0..self.stacks.len()).collect();
        order.sort_by(|a, b| {
            let key = |at: usize| (is_hidden[at], &self.stacks[at].name);
            key(*a).cmp(&key(*b))
        });
        let mut moved = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, old)| moved[*old] = new);
        self.listed = is_hidden.iter().filter(|hidden| !**hidden).count();
        let mut stacks: Vec<Option<Stack>> = std::mem::take(&mut self.stacks).into_iter().map(Some).collect();
        self.stacks = order.iter().filter_map(|old| stacks[*old].take()).collect();
        for stack in &mut self.stacks {
            if let Some(described) = &mut stack.described {
                described.object.stack = moved[described.object.stack];
            }
        }
        self.referable.values_mut().flatten().for_each(|at| at.stack = moved[at.stack]);
        self.contents = self.stacks.iter().map(|_| OnceCell::new()).collect();
        let Kept { rendered, refused, references, order, .. } = self.kept.take();
        let mut kept = Kept::default();
        for (stack, mut references) in references {
            references.iter_mut().for_each(|at| at.stack = moved[at.stack]);
            kept.references.insert(moved[stack], references);
        }
        kept.order.extend(order.into_iter().map(|stack| moved[stack]));
        kept.refused.extend(refused.into_iter().map(|(stack, refusal)| (moved[stack], refusal)));
        for (stack, rendering) in rendered {
            // A folder may hold less by now.
            let is_same = !narrowed.contains(&stack);
            match Rc::into_inner(rendering).filter(|_| is_same).and_then(|rendering| rendering.moved(&moved)) {
                Some(rendering) => {
                    kept.values += rendering.rendered.values;
                    kept.rendered.insert(moved[stack], Rc::new(rendering));
                }
                None => kept.order.retain(|known| *known != moved[stack]),
            }
        }
        self.kept.replace(kept);
    }

    /// What a described stack consists of as the repository stands.
    fn settle(&mut self, stack: usize) {
        let Some(described) = self.stacks[stack].described.clone() else { return };
        let object = super::World::object(self, &described.object);
        let reads = object.as_ref().map(|object| described.how.may_read(object, self)).unwrap_or_default();
        let refusal = self.kept.borrow().refused.get(&stack).cloned();
        let lowered = match refusal {
            Some(refusal) => Err(refusal),
            None => object.and_then(|object| described.how.lower(&object, self)),
        };
        match lowered {
            Ok(lowered) => {
                self.stacks[stack].declaration = lowered.declaration;
                self.stacks[stack].namespace = lowered.namespace;
                if let Some(described) = &mut self.stacks[stack].described {
                    described.notes = lowered.notes;
                }
            }
            Err(refusal) => self.stacks[stack].declaration = refused(&described.how, reads, refusal),
        }
    }
}

/// Tells whether two identities are of one object, where a namespace may be left to the deployer.
fn is_same(one: &ResourceId, other: &ResourceId) -> bool {
    let (ResourceId::Kubernetes(one), ResourceId::Kubernetes(other)) = (one, other) else { return one == other };
    is_named(one, other.group(), &other.kind, other.namespace.as_deref(), &other.name)
}

/// What is known while stacks are looked for.
#[derive(Default)]
struct Search {
    /// The objects that describe something.
    objects: BTreeMap<Reference, Object>,
    /// The stacks that were rendered, and the files that each of them reads.
    done: BTreeMap<usize, BTreeSet<RepoPath>>,
    /// How many objects there are that others may refer to.
    referable: usize,
    /// What was known when a stack was last tried.
    tried: BTreeMap<usize, (usize, BTreeSet<String>)>,
    /// How many there were when what missed one was last tried again.
    seen: usize,
}

/// A stack that is known and not rendered.
fn refused(how: &How, reads: Reads, refusal: Refusal) -> Declaration {
    use crate::engine::Language;
    let language = match how {
        How::Application(_) => Language::Manifests,
        How::ApplicationSet => Language::ApplicationSet,
        How::Kustomization => Language::Kustomize,
        How::HelmRelease => Language::Helm,
    };
    Declaration::Refused { language, reads: Arc::new(reads), refusal: Box::new(refusal) }
}
