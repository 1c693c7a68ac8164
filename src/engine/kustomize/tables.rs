//! Which fields the transformers work on: the tables of Kustomize, and what configurations add to them.
//!
//! References: `api/internal/plugins/builtinconfig` and `api/types/fieldspec.go` of Kustomize 5.5.0.

pub mod definitions;
pub mod read;
mod standard;

use std::{collections::HashMap, sync::Arc};

use super::{
    built_in::BuiltIn,
    context::Context,
    field_spec::FieldSpec,
    folder::Folder,
    identity::{FIRST, Gvk, LAST},
    leaf::SourceId,
    problem::Problem,
};

/// The fields that each transformer works on (`TransformerConfig`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Where `namePrefix` goes.
    pub name_prefix: Vec<FieldSpec>,
    /// Where `nameSuffix` goes.
    pub name_suffix: Vec<FieldSpec>,
    /// Where `namespace` goes, besides `metadata.namespace`.
    pub namespace: Vec<FieldSpec>,
    /// Where labels go that selectors ask for as well.
    pub common_labels: Vec<FieldSpec>,
    /// Where every item of `labels` goes, which only configurations say.
    pub labels: Vec<FieldSpec>,
    /// Where labels go that templates take as well.
    pub template_labels: Vec<FieldSpec>,
    /// Where annotations go.
    pub common_annotations: Vec<FieldSpec>,
    /// The fields that name objects of a kind.
    pub name_reference: Vec<BackReferences>,
    /// The fields in which variables stand.
    pub var_reference: Vec<FieldSpec>,
    /// The fields that are images.
    pub images: Vec<FieldSpec>,
    /// The fields that are numbers of replicas.
    pub replicas: Vec<FieldSpec>,
}

/// The tables that were merged in a build.
#[derive(Debug)]
pub struct Merges {
    built_in: Arc<BuiltIn>,
    /// By the places of the two in memory.
    done: HashMap<(*const Tables, *const Tables), Merged>,
}

/// What came of two tables, which are kept: no others can take their places in memory.
#[derive(Debug)]
struct Merged {
    _of: [Arc<Tables>; 2],
    tables: Arc<Tables>,
}

/// The fields that name objects of a kind (`NameBackReferences`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackReferences {
    /// The kind; what is empty does not matter.
    pub gvk: Gvk,
    /// The fields.
    pub specs: Vec<FieldSpec>,
}

impl Merges {
    /// Nothing merged yet.
    pub fn new(built_in: Arc<BuiltIn>) -> Self {
        Self { built_in, done: HashMap::new() }
    }

    /// Kustomize's own.
    pub fn standard(&self) -> Arc<Tables> {
        self.built_in.tables().clone()
    }

    /// What says nothing of any field.
    pub fn none(&self) -> Arc<Tables> {
        self.built_in.none().clone()
    }

    /// What two tables come to of which neither says more than Kustomize's own: nearly all kustomizations merge no others.
    fn plain(&self, one: &Arc<Tables>, other: &Arc<Tables>) -> Option<Arc<Tables>> {
        let (standard, none) = (self.built_in.tables(), self.built_in.none());
        let is_none = |tables| Arc::ptr_eq(tables, none);
        let is_standard = |tables| Arc::ptr_eq(tables, standard);
        match (is_none(one) || is_standard(one), is_none(other) || is_standard(other)) {
            (true, true) if is_none(one) => Some(other.clone()),
            (true, true) => Some(one.clone()),
            _ => None,
        }
    }
}

impl Tables {
    /// Kustomize's own.
    pub fn standard() -> Self {
        standard::tables()
    }

    /// Kustomize's own and what the files of `configurations` add (`MakeTransformerConfig`).
    ///
    /// # Errors
    /// Where a file cannot be read, and where two specifications of one field contradict each other.
    pub fn configured<'r>(
        references: impl IntoIterator<Item = &'r str>,
        folder: &Folder,
        context: &mut Context<'_>,
    ) -> Result<Arc<Self>, Problem> {
        let mut added = context.merges.none();
        for reference in references {
            let source = folder.file(reference, context)?;
            let tables = read::configuration(source, context).map_err(|problem| problem.during(reference))?;
            added = Self::merged(&added, &Arc::new(tables), context)?;
        }
        Self::merged(&context.merges.standard(), &added, context)
    }

    /// What the API definitions of `crds` say of the fields of custom kinds (`LoadConfigFromCRDs`).
    ///
    /// # Errors
    /// As [`Self::configured`].
    pub fn of_definitions<'r>(
        references: impl IntoIterator<Item = &'r str>,
        folder: &Folder,
        context: &mut Context<'_>,
    ) -> Result<Arc<Self>, Problem> {
        let mut all = context.merges.none();
        for reference in references {
            let source: SourceId = folder.file(reference, context)?;
            let tables = definitions::tables(source, context).map_err(|problem| {
                problem.during(format_args!("unable to parse open API definition from '{reference}'"))
            })?;
            all = Self::merged(&all, &Arc::new(tables), context)?;
        }
        Ok(all)
    }

    /// As [`Self::merge`]; the same two are merged once in a build, for nearly all of its kustomizations ask for the same.
    ///
    /// # Errors
    /// As [`Self::merge`].
    pub fn merged(one: &Arc<Self>, other: &Arc<Self>, context: &mut Context<'_>) -> Result<Arc<Self>, Problem> {
        context.spend(1)?;
        if let Some(merged) = context.merges.plain(one, other) {
            return Ok(merged);
        }
        let key = (Arc::as_ptr(one), Arc::as_ptr(other));
        if let Some(merged) = context.merges.done.get(&key) {
            return Ok(Arc::clone(&merged.tables));
        }
        let merged = one.merge(other, context)?;
        let merged = if merged == **one { Arc::clone(one) } else { Arc::new(merged) };
        let kept = Merged { _of: [Arc::clone(one), Arc::clone(other)], tables: Arc::clone(&merged) };
        context.merges.done.insert(key, kept);
        Ok(merged)
    }

    /// These and others.
    ///
    /// # Errors
    /// Where two specifications of one field contradict each other on whether it is made.
    pub fn merge(&self, other: &Self, context: &mut Context<'_>) -> Result<Self, Problem> {
        if self == other && *self == *context.merges.standard() {
            return Ok(self.clone());
        }
        let mut merged = self.clone();
        let lists = [
            ("NamePrefix", &mut merged.name_prefix, &other.name_prefix),
            ("NameSuffix", &mut merged.name_suffix, &other.name_suffix),
            ("NameSpace", &mut merged.namespace, &other.namespace),
            ("CommonAnnotations", &mut merged.common_annotations, &other.common_annotations),
            ("CommonLabels", &mut merged.common_labels, &other.common_labels),
            ("Labels", &mut merged.labels, &other.labels),
            ("TemplateLabels", &mut merged.template_labels, &other.template_labels),
            ("VarReference", &mut merged.var_reference, &other.var_reference),
            ("Images", &mut merged.images, &other.images),
            ("Replicas", &mut merged.replicas, &other.replicas),
        ];
        for (name, into, more) in lists {
            merge_specs(into, more, context)
                .map_err(|problem| problem.during(format_args!("failed to merge {name} fieldSpec")))?;
            sort_specs(into);
        }
        for more in &other.name_reference {
            merge_reference(&mut merged.name_reference, more, context)
                .map_err(|problem| problem.during("failed to merge NameReference fieldSpec"))?;
        }
        merged.name_reference.sort_by_cached_key(|references| sort_key(&references.gvk));
        Ok(merged)
    }
}

/// Adds specifications to others, those left out that are there already (`FsSlice.MergeAll`). One that is there counts where the
/// new one is as wide or wider.
///
/// # Errors
/// Where one that is there says otherwise whether the field is made.
pub fn merge_specs(into: &mut Vec<FieldSpec>, more: &[FieldSpec], context: &mut Context<'_>) -> Result<(), Problem> {
    let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, spec) in into.iter().enumerate() {
        by_path.entry(spec.path.clone()).or_default().push(at);
    }
    context.spend(into.len())?;
    for spec in more {
        let known = by_path.entry(spec.path.clone()).or_default();
        context.spend(1 + known.len())?;
        match known.iter().find(|at| into[**at].gvk.is_selected(&spec.gvk)) {
            Some(at) if into[*at].create != spec.create => return Err(Problem::broken("conflicting fieldspecs")),
            Some(_) => {}
            None => {
                known.push(into.len());
                into.push(spec.clone());
            }
        }
    }
    Ok(())
}

/// Adds the fields that name objects of a kind (`nbrSlice.mergeOne`).
fn merge_reference(
    into: &mut Vec<BackReferences>,
    more: &BackReferences,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    context.spend(into.len())?;
    let mut is_there = false;
    for known in into.iter_mut().filter(|known| known.gvk == more.gvk) {
        is_there = true;
        merge_specs(&mut known.specs, &more.specs, context)?;
    }
    if !is_there {
        into.push(more.clone());
    }
    Ok(())
}

fn sort_specs(specs: &mut [FieldSpec]) {
    specs.sort_by_cached_key(|spec| sort_key(&spec.gvk));
}

/// What kinds are sorted by (`Gvk.IsLessThan`).
fn sort_key(gvk: &Gvk) -> (isize, String) {
    let first = FIRST.iter().position(|kind| *kind == gvk.kind).map(|at| at as isize - FIRST.len() as isize);
    let last = LAST.iter().position(|kind| *kind == gvk.kind).map(|at| at as isize + 1);
    (first.or(last).unwrap_or(0), gvk.sort_text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::kustomize::sources::{Parsed, Sources},
        source::tree::MemoryTree,
    };

    #[test]
    fn what_is_not_merged_would_come_to_the_same() {
        let (tree, parsed) = (MemoryTree::default(), Parsed::default());
        let mut context = Context::new(Sources::new(&tree, &parsed));
        let (standard, none) = (context.merges.standard(), context.merges.none());
        for (one, other) in [(&standard, &none), (&none, &standard), (&standard, &standard), (&none, &none)] {
            let plain = context.merges.plain(one, other).expect("neither says more");
            assert_eq!(*plain, one.merge(other, &mut context).expect("they agree"));
        }
        let more = Arc::new(Tables { labels: standard.images.clone(), ..Tables::default() });
        assert_eq!(context.merges.plain(&standard, &more), None);
    }
}
