//! The proof that an edit does what is wanted and nothing else: render before, render after, compare.
//!
//! [`Proved`] can only be made here, and only a [`Proved`] can become a pull request.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    hands::Hands,
    plan::{Plan, SourceEdit},
};
use crate::{
    engine::{Declaration, Language, Rendered, Resource},
    model::{
        diff::{FieldChange, differences},
        pointer::Pointer,
        refusal::{Code, Refusal},
        resource::ResourceId,
        value::same,
    },
    source::{diff::unified, path::RepoPath, tree::Overlay},
    stack::{
        carriers::{self, Carriers},
        catalog::Catalog,
        edited::Edited,
        owner::Owned,
    },
};

/// An edit that was proved.
#[derive(Clone, Debug)]
pub struct Proved {
    stack: String,
    resource: ResourceId,
    edits: Vec<SourceEdit>,
    files: BTreeMap<RepoPath, FileChange>,
    proof: Proof,
    hands: Hands,
}

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Its text before; absent where the edit makes the file.
    pub before: Option<String>,
    /// Its text after.
    pub after: String,
}

/// What rendering showed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The fields that changed: exactly the wanted ones.
    pub changed: Vec<ProvedChange>,
    /// Fields that follow from those, such as checksums, or that carry them: what an Argo CD or Flux object says of the stack.
    pub derived: Vec<ProvedChange>,
    /// The stacks that read an edited file, all rendered before and after.
    pub stacks: Vec<String>,
}

/// A field that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProvedChange {
    /// Of which resource.
    pub resource: ResourceId,
    /// Which field, from what to what.
    #[serde(flatten)]
    pub field: FieldChange,
}

impl Proved {
    /// The stack that declares the resource.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The resource, as it is declared.
    pub fn resource(&self) -> &ResourceId {
        &self.resource
    }

    /// The edits.
    pub fn edits(&self) -> &[SourceEdit] {
        &self.edits
    }

    /// The edited files.
    pub fn files(&self) -> &BTreeMap<RepoPath, FileChange> {
        &self.files
    }

    /// What rendering showed.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The same edit, with what is known of who changed the live resource.
    pub fn by(self, hands: Hands) -> Self {
        Self { hands, ..self }
    }

    /// Who changed the live resource, and what of it is left to others.
    pub fn hands(&self) -> &Hands {
        &self.hands
    }

    /// Both as one, where `next` was proved on the tree that this one makes: each step moves exactly what it should, and so
    /// do both. `None` where they touch one field, of which the second would have the last word.
    pub(super) fn followed_by(&self, next: &Self) -> Option<Self> {
        let overlaps = |a: &ProvedChange, b: &ProvedChange| {
            let (a_path, b_path) = (a.field.path.tokens(), b.field.path.tokens());
            a.resource == b.resource && (a_path.starts_with(b_path) || b_path.starts_with(a_path))
        };
        if next.proof.changed.iter().any(|new| self.proof.changed.iter().any(|old| overlaps(old, new))) {
            return None;
        }
        let mut joined = self.clone();
        joined.hands = joined.hands.and(next.hands.clone());
        joined.edits.extend(next.edits.iter().cloned());
        for (path, file) in &next.files {
            match joined.files.get_mut(path) {
                Some(known) => known.after = file.after.clone(),
                None => {
                    joined.files.insert(path.clone(), file.clone());
                }
            }
        }
        joined.proof.changed.extend(next.proof.changed.iter().cloned());
        for derived in &next.proof.derived {
            let same = |known: &&mut ProvedChange| {
                known.resource == derived.resource && known.field.path == derived.field.path
            };
            match joined.proof.derived.iter_mut().find(same) {
                Some(known) => known.field.after = derived.field.after.clone(),
                None => joined.proof.derived.push(derived.clone()),
            }
        }
        for stack in &next.proof.stacks {
            if !joined.proof.stacks.contains(stack) {
                joined.proof.stacks.push(stack.clone());
            }
        }
        Some(joined)
    }

    /// The unified diff over all files, as `git apply` takes it.
    pub fn diff(&self) -> String {
        self.files.iter().map(|(path, file)| unified(path, file.before.as_deref(), Some(&file.after))).collect()
    }
}

/// What may happen beside the wanted change of the one resource.
#[derive(Clone, Copy)]
pub struct Leeway<'l> {
    /// What another resource may become: the same declaration rendered elsewhere becomes what the same rule wants.
    pub becomes: &'l dyn Fn(&Resource) -> Option<Value>,
    /// Which resources may appear: those that have to stand beside the one.
    pub appears: &'l dyn Fn(&Resource) -> bool,
}

impl Leeway<'_> {
    /// Nothing.
    pub const NONE: Leeway<'static> = Leeway { becomes: &|_| None, appears: &|_| false };

    /// What is rendered after the edit without the resources that may appear, which go to the proof; nothing where none did.
    fn without_new(&self, before: &Rendered, after: &Rendered, proof: &mut Proof) -> Option<Rendered> {
        if after.resources.len() <= before.resources.len() {
            return None;
        }
        let is_known = |resource: &Resource| before.resources.iter().any(|known| known.id == resource.id);
        let (new, rest): (Vec<_>, Vec<_>) =
            after.resources.iter().cloned().partition(|resource| !is_known(resource) && (self.appears)(resource));
        let mut apart = Rendered { resources: rest, ..after.clone() };
        for resource in new {
            let address = resource.id.to_string();
            let is_of_it = |what: &String| what.strip_prefix(&address).is_some_and(|rest| rest.starts_with(['.', '[']));
            apart.unseen.retain(|what, _| !is_of_it(what));
            let field = FieldChange { path: Pointer::root(), before: None, after: Some((*resource.value).clone()) };
            proof.changed.push(ProvedChange { resource: resource.id, field });
        }
        Some(apart)
    }
}

/// Proves a plan: renders every stack that reads an edited file, as it stands and as it would be. What
/// `leeway` allows may happen beside the wanted change.
///
/// # Errors
/// `shared-source` where anything else would move or might, `proof-failed` where the resource would not become what is
/// wanted.
pub fn prove(
    catalog: &Catalog<'_>,
    owned: &Owned,
    wanted: &Value,
    plan: Plan,
    leeway: Leeway<'_>,
) -> Result<Proved, Refusal> {
    let changed = plan.files.iter().map(|(path, text)| (path.clone(), Some(text.as_bytes().into()))).collect();
    let after = Overlay::new(catalog.tree(), changed);
    let edited = Edited::new(catalog, &after, plan.files.keys());
    let carriers = Carriers::of(catalog, owned.stack);
    let mut readers: Vec<usize> = (0..catalog.stacks().len()).filter(|&stack| edited.touches(stack)).collect();
    // What carries the edit is looked at also where another stack stands for it.
    let carrying = carriers.stacks();
    readers.extend(carrying.iter().filter(|&&stack| stack >= catalog.stacks().len() && edited.touches(stack)));
    let mut proof = Proof { changed: Vec::new(), derived: Vec::new(), stacks: Vec::new() };
    for stack in readers {
        let name = &catalog.stack(stack).name;
        if stack != owned.stack {
            if is_apart(&catalog.stack(stack).declaration, catalog.rendered(stack).ok().as_deref(), &plan) {
                continue;
            }
            refuse_unevaluated(name, &catalog.stack(stack).declaration, catalog.rendered(stack).err(), &plan)?;
        }
        let (before, after) = match (catalog.rendered(stack), edited.rendered(stack)) {
            // The field's tool cannot render it either, before or after: nothing of it is deployed that could move.
            (Err(before), Err(after)) if before.code == Code::StackUnreadable && before.message == after.message => {
                continue;
            }
            (Ok(_), Err(after)) if after.code == Code::StackUnreadable => {
                return Err(failed(&plan, format!("after the edit, {}", after.message)));
            }
            (Err(before), _) if catalog.stack(stack).described.is_some() && stack != owned.stack => {
                return Err(unseen(name, &before, &plan));
            }
            (before, after) => (before?, after?),
        };
        // What the resource itself describes follows it, as it does in the cluster.
        if stack != owned.stack && carriers::follows(catalog, stack, owned.stack, owned.resource()) {
            proof.stacks.push(name.clone());
            continue;
        }
        let target = (stack == owned.stack).then_some((owned.resource, wanted));
        let carries = |resource: &Resource, at: &Pointer| carriers.carries(stack, resource, at);
        compare(name, (&before, &after), target, (leeway, &carries), &mut proof)?;
        refuse_unnamed(name, &before)?;
        proof.stacks.push(name.clone());
    }
    if proof.changed.is_empty() {
        return Err(failed(&plan, "the edit changes nothing that is rendered".to_owned()));
    }
    let mut files = BTreeMap::new();
    for (path, after) in plan.files {
        let before = catalog.tree().read(&path).ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        files.insert(path, FileChange { before, after });
    }
    let stack = catalog.stacks()[owned.stack].name.clone();
    Ok(Proved {
        stack,
        resource: owned.resource().id.clone(),
        edits: plan.edits,
        files,
        proof,
        hands: Hands::default(),
    })
}

/// Tells whether a root module, of which only its evaluation tells what it reads, reads no edited file after all.
fn is_apart(declaration: &Declaration, rendered: Option<&Rendered>, plan: &Plan) -> bool {
    let (Declaration::Terraform(_), Some(rendered)) = (declaration, rendered) else { return false };
    plan.files.keys().all(|file| !rendered.files.contains(file))
}

/// A root module that cannot be evaluated here cannot be shown not to move.
fn refuse_unevaluated(
    name: &str,
    declaration: &Declaration,
    refused: Option<Refusal>,
    plan: &Plan,
) -> Result<(), Refusal> {
    let is_terraform = declaration.language() == Language::Terraform;
    let Some(refused) = refused.filter(|_| is_terraform) else { return Ok(()) };
    if refused.code != Code::EngineUnsupported {
        return Ok(());
    }
    let file = plan.files.keys().find(|file| declaration.may_read(file)).cloned().unwrap_or_default();
    Err(Refusal::new(
        Code::SharedSource,
        format!("{file} may also be read by the stack {name}, and {}", refused.message),
        "make the change by hand, where its effect on that stack can be seen",
    )
    .at(file, None))
}

/// A stack that is described here and cannot be rendered here cannot be shown not to move.
fn unseen(name: &str, why: &Refusal, plan: &Plan) -> Refusal {
    let file = plan.files.keys().next().cloned().unwrap_or_default();
    let message = format!("the stack {name} may read {file} too, and cannot be rendered: {}", why.message);
    Refusal::new(Code::SharedSource, message, why.hint.clone()).at(file, None)
}

/// A stack that names a resource anew in every render never renders the same twice, so that nothing can be proved of it.
fn refuse_unnamed(name: &str, rendered: &Rendered) -> Result<(), Refusal> {
    let unnamed = rendered.resources.iter().find_map(|resource| Some((resource, resource.renamed_by()?)));
    let Some((resource, what)) = unnamed else { return Ok(()) };
    let (file, line) = resource.declared_at();
    let message = format!(
        "the stack {name} names {} anew in every render ({what}), so no two renders of it are the same",
        resource.id
    );
    let hint = "give the resource a name that stays, or change the source by hand";
    Err(Refusal::new(Code::ProofFailed, message, hint).at(file, Some(line)))
}

/// Tells whether a field carries what is edited.
type Carries<'c> = &'c dyn Fn(&Resource, &Pointer) -> bool;

/// Adds the fields that changed in a stack to the proof, where they are exactly the wanted ones: of the target, or none at
/// all. Digests of what changed may change with it.
fn compare(
    stack: &str,
    (before, after): (&Rendered, &Rendered),
    target: Option<(usize, &Value)>,
    (leeway, carries): (Leeway<'_>, Carries<'_>),
    proof: &mut Proof,
) -> Result<(), Refusal> {
    let shared = |what: String| {
        Refusal::new(
            Code::SharedSource,
            format!("the edit would also {what} of the stack {stack}"),
            "give this resource a source of its own, or report the drift for all that share it",
        )
    };
    let apart = leeway.without_new(before, after, proof);
    let after = apart.as_ref().unwrap_or(after);
    if before.resources.len() != after.resources.len() {
        return Err(shared("add or remove resources".to_owned()));
    }
    let (known, found) = (skipped(before), skipped(after));
    if known != found {
        let new = found.iter().find(|skipped| !known.contains(skipped)).map_or("more is read", |(_, why)| why);
        return Err(shared(format!("change what is passed over ({new})")));
    }
    let missing = |rendered: &Rendered| rendered.missing.iter().map(|it| it.below.clone()).collect::<Vec<_>>();
    if missing(before) != missing(after) {
        return Err(shared("change which resources can be told".to_owned()));
    }
    let broken = |rendered: &Rendered| rendered.broken.iter().map(|it| it.message.clone()).collect::<Vec<_>>();
    if broken(before) != broken(after) {
        return Err(shared("change what the field's tool stops at".to_owned()));
    }
    let pairs = pairs(before, after).map_err(shared)?;
    if let Some(what) = moved(&before.unseen, &after.unseen) {
        return Err(shared(format!("change what {what} is made of, which only shows when it is applied,")));
    }
    let renamed: Vec<(&str, &str)> = pairs.iter().filter_map(|(_, old, new)| renamed(&old.id, &new.id)).collect();
    for (index, old, new) in pairs {
        let is_changed = !std::ptr::eq(&*old.value, &*new.value) && !same(&old.value, &new.value);
        let peer = match target {
            Some((position, _)) if position == index => None,
            _ if is_changed => (leeway.becomes)(old),
            _ => None,
        };
        let expected = match (target, &peer) {
            (Some((position, wanted)), _) if position == index => wanted,
            (_, Some(wanted)) => wanted,
            _ => &old.value,
        };
        let (derived, stray) = strays(expected, &new.value, &renamed, &|change| {
            carries(old, &change.path) || (!std::ptr::eq(expected, &*old.value) && old.echoes(expected, change))
        });
        proof.derived.extend(derived.into_iter().map(|field| ProvedChange { resource: new.id.clone(), field }));
        if let Some(stray) = stray {
            let place = format!("{stray} of {}", new.id);
            if std::ptr::eq(expected, &*old.value) {
                return Err(shared(format!("change {place}")));
            }
            let (file, line) = old.declared_at();
            let hint = "change the source by hand";
            return Err(Refusal::new(
                Code::ProofFailed,
                format!("rendered after the edit, {place} is not as wanted"),
                hint,
            )
            .at(file, Some(line)));
        }
        if !std::ptr::eq(expected, &*old.value) {
            let fields = differences(&old.value, expected).into_iter();
            proof.changed.extend(fields.map(|field| ProvedChange { resource: new.id.clone(), field }));
        }
    }
    Ok(())
}

/// The resources before and after with the position before: each with that of its lasting identity. Where none carries a hash
/// in its name, the order is the same as well.
fn pairs<'r>(before: &'r Rendered, after: &'r Rendered) -> Result<Vec<(usize, &'r Resource, &'r Resource)>, String> {
    let in_order = || before.resources.iter().zip(&after.resources).enumerate();
    let moved: Vec<_> = in_order().map(|(_, pair)| pair).filter(|(old, new)| old.id != new.id).collect();
    match moved.first() {
        None => return Ok(in_order().map(|(index, (old, new))| (index, old, new)).collect()),
        Some((old, new)) if !moved.iter().any(|(old, new)| old.stem.is_some() && new.stem.is_some()) => {
            return Err(format!("turn {} into {}", old.id, new.id));
        }
        Some(_) => {}
    }
    let mut found: BTreeMap<ResourceId, &Resource> = BTreeMap::new();
    for new in &after.resources {
        if found.insert(new.lasting_id(), new).is_some() {
            return Err(format!("leave two resources named {}", new.lasting_id()));
        }
    }
    let pair = |(index, old): (usize, &'r Resource)| {
        let new = found.get(&old.lasting_id()).ok_or_else(|| format!("remove {}", old.id))?;
        Ok((index, old, *new))
    };
    before.resources.iter().enumerate().map(pair).collect()
}

/// The names of a resource whose content moved the hash in its name.
fn renamed<'r>(old: &'r ResourceId, new: &'r ResourceId) -> Option<(&'r str, &'r str)> {
    match (old, new) {
        (ResourceId::Kubernetes(old), ResourceId::Kubernetes(new)) if old.name != new.name => {
            Some((&old.name, &new.name))
        }
        _ => None,
    }
}

/// The first digest that is not the same.
fn moved<'r>(before: &'r BTreeMap<String, u64>, after: &'r BTreeMap<String, u64>) -> Option<&'r str> {
    let differs = |(what, digest): &(&'r String, &u64)| before.get(*what) != Some(*digest);
    let gone = before.keys().find(|what| !after.contains_key(*what));
    after.iter().find(differs).map(|(what, _)| what).or(gone).map(String::as_str)
}

/// What was passed over, without the lines, which any insertion moves.
fn skipped(rendered: &Rendered) -> Vec<(&RepoPath, &str)> {
    rendered.skipped.iter().map(|skipped| (&skipped.file, skipped.why.as_str())).collect()
}

/// The digests and names with digests that are not as expected, and the first other field that is not.
fn strays(
    expected: &Value,
    actual: &Value,
    renamed: &[(&str, &str)],
    carries: &dyn Fn(&FieldChange) -> bool,
) -> (Vec<FieldChange>, Option<Pointer>) {
    if std::ptr::eq(expected, actual) || same(expected, actual) {
        return (Vec::new(), None);
    }
    let (derived, strays): (Vec<_>, Vec<_>) = differences(expected, actual)
        .into_iter()
        .partition(|change| is_digest(change) || is_name(change, renamed) || carries(change));
    (derived, strays.into_iter().next().map(|change| change.path))
}

/// Tells whether a field is a digest of something else, by which a change of that restarts pods: an annotation or label that
/// is called so, or is as long as one.
fn is_digest(field: &FieldChange) -> bool {
    let (Some(Value::String(before)), Some(Value::String(after))) = (&field.before, &field.after) else { return false };
    let digits = |text: &str| text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = field.path.last().unwrap_or_default().to_ascii_lowercase();
    let is_noted = field.path.parent().is_some_and(|map| matches!(map.last(), Some("annotations" | "labels")));
    let is_named = ["checksum", "hash", "digest"].iter().any(|word| name.contains(word));
    is_noted && before.len() == after.len() && digits(before) && digits(after) && (is_named || before.len() >= 32)
}

/// Tells whether a field is the name of something that was renamed by its content, which whoever mentions it follows.
fn is_name(field: &FieldChange, renamed: &[(&str, &str)]) -> bool {
    let (Some(Value::String(before)), Some(Value::String(after))) = (&field.before, &field.after) else { return false };
    renamed.iter().any(|(old, new)| before == old && after == new)
}

fn failed(plan: &Plan, message: String) -> Refusal {
    let refusal = Refusal::new(Code::ProofFailed, message, "change the source by hand");
    match plan.edits.first() {
        Some(edit) => refusal.at(&edit.file, Some(edit.line)),
        None => refusal,
    }
}
