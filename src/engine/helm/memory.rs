//! What a render leaves to the next one of the same chart: what each template printed, and what it read to print it.
//!
//! A proof renders a chart again and again, each time with one edit. Most templates do not read what was edited, so they
//! are not executed again: what they printed is taken over, with its origins. That is sound since a template is a function
//! of the values that it reads, of the templates of the release and of nothing else:
//!
//! - Everything that a template can reach is in the maps of its dot, and each of them notes what is asked of it
//!   ([`super::template::value::reads`]). What differs from the render before is found by comparing all maps, origins
//!   included ([`super::template::value::changes`]).
//! - A template that writes to one of those maps is seen to do so. From there on nothing is taken over, and such a render
//!   leaves nothing behind.
//! - Numbers of files, layers, leaves, sets and paths mean the same in both renders: the later one goes on with the origins
//!   of the earlier one. Where its files, layers or templates are others, nothing is taken over.
//! - What else an execution does to the render is done again: leaves are asked for in the same order, so that they are
//!   listed in the same order, branches are seen, steps and bytes are used up. Since what was read as YAML or parsed as a
//!   template before is cheaper the second time, a render that comes near a limit leaves nothing behind.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use super::{
    document::{Document, Parsed, Unreadable},
    lineage::Lineage,
    order::Head,
    render::Installation,
    sources::{Layer, LayerContent, SourceFile, Sources},
    template::{
        evaluate::{BranchSeen, Evaluator, failure::Failure},
        leaf::{Leaf, Paths},
        value::{
            Datum, Map, Value,
            changes::Changes,
            reads::{Read, Reads, Watch},
        },
    },
    values::{Prepared, Template},
};
use crate::source::lineage::{
    sets::{LeafId, SetId, Sets},
    text::Text,
};

/// The bytes, as far as they are counted, that all renders leave together.
const MAX_KEPT: usize = 32 << 20;

/// The leaves in sets beyond which a render leaves nothing, so that going on with them comes nowhere near a limit that a
/// render of its own would not meet.
const MAX_TOTAL: usize = 1 << 20;

/// The last render of each of the charts that were rendered last.
#[derive(Debug, Default)]
pub struct Memory {
    /// The latest last.
    kept: Vec<Remembered>,
}

/// A render, as far as the next one may need it.
#[derive(Debug)]
pub struct Remembered {
    installation: Installation,
    lineage: Rc<Lineage>,
    templates: Vec<Template>,
    /// The dot of each chart, and what let the chart in.
    charts: Vec<(Map, SetId)>,
    /// By template.
    outcomes: Vec<Option<Rc<Outcome>>>,
    /// The first number that no watched map has.
    next: u32,
    /// The leaves in sets when the origins were new.
    began_with: usize,
    weight: usize,
}

/// Documents in the order of their text, with what decides where each is printed.
type Documents = Rc<[(Head, Rc<Document>)]>;

/// What came of executing a template.
#[derive(Debug)]
pub struct Outcome {
    /// What it printed.
    pub text: Text,
    /// The documents in it, once they were asked for.
    documents: OnceCell<Documents>,
    branches: Box<[BranchSeen]>,
    /// The leaves that it asked for, in this order.
    leaves: Box<[LeafId]>,
    reads: Box<[Read]>,
    /// The steps and bytes that it took.
    cost: (u64, u64),
}

/// A render under way: what it can take over, and what it will leave.
#[derive(Debug)]
pub struct Recollection {
    known: Vec<Option<Rc<Outcome>>>,
    changes: Changes,
    reads: Rc<Reads>,
    outcomes: Vec<Option<Rc<Outcome>>>,
    /// Whether the maps are as they were compared, and no limit is near.
    is_sound: bool,
    began_with: usize,
}

impl Memory {
    /// Takes out the last render of a chart.
    pub fn take(&mut self, installation: &Installation) -> Option<Remembered> {
        let is_same = |kept: &Remembered| {
            let known = &kept.installation;
            (&known.chart, &known.release, known.include_crds)
                == (&installation.chart, &installation.release, installation.include_crds)
        };
        self.kept.iter().position(is_same).map(|at| self.kept.remove(at))
    }

    /// Keeps a render, and lets go of the oldest ones where that is too much.
    pub fn keep(&mut self, remembered: Remembered) {
        self.kept.push(remembered);
        while self.kept.iter().map(|kept| kept.weight).sum::<usize>() > MAX_KEPT {
            self.kept.remove(0);
        }
    }
}

impl Remembered {
    /// The origins to go on with: copied where that render is still in use, since its leaves have an order of their own.
    pub fn origins(&mut self) -> (Sets<Leaf>, Paths) {
        let (mut sets, paths) = match Rc::get_mut(&mut self.lineage) {
            Some(lineage) => (std::mem::take(lineage.sets.get_mut()), std::mem::take(&mut lineage.paths)),
            None => (self.lineage.sets.borrow().clone(), self.lineage.paths.clone()),
        };
        sets.begin_render();
        (sets, paths)
    }

    /// Tells whether everything has the number that it had.
    fn is_of(&self, prepared: &Prepared, sources: &Sources<'_>) -> bool {
        let same_file = |(a, b): (&SourceFile, &SourceFile)| a.path == b.path && a.inside == b.inside;
        let same_layer = |(a, b): (&Layer, &Layer)| {
            a.role == b.role
                && a.written == b.written
                && match (&a.content, &b.content) {
                    (LayerContent::Assigned(a), LayerContent::Assigned(b)) => a == b,
                    (
                        LayerContent::Document { document: a, base: in_a, .. },
                        LayerContent::Document { document: b, base: in_b, .. },
                    ) => (a, in_a) == (b, in_b),
                    _ => false,
                }
        };
        let same_template = |(a, b): (&Template, &Template)| {
            (&a.name, a.chart, a.file, a.is_partial) == (&b.name, b.chart, b.file, b.is_partial)
                && a.base_path == b.base_path
                && (Arc::ptr_eq(&a.text, &b.text) || a.text == b.text)
        };
        let Lineage { files, layers, .. } = &*self.lineage;
        (files.len(), layers.len()) == (sources.files().len(), sources.layers().len())
            && (self.templates.len(), self.charts.len()) == (prepared.templates.len(), prepared.charts.len())
            && files.iter().zip(sources.files()).all(same_file)
            && layers.iter().zip(sources.layers()).all(same_layer)
            && self.templates.iter().zip(&prepared.templates).all(same_template)
            && self.charts.iter().zip(&prepared.charts).all(|((_, control), chart)| *control == chart.control)
    }
}

impl Recollection {
    /// Compares what is to be rendered with the render before, and watches all of it.
    pub fn of(before: Option<&Remembered>, prepared: &Prepared, sources: &Sources<'_>) -> Self {
        let reads = Rc::new(Reads::default());
        let mut changes = Changes::new(before.map_or(0, |before| before.next), reads.clone());
        let mut known = Vec::new();
        if let Some(before) = before.filter(|before| before.is_of(prepared, sources)) {
            for ((old, _), chart) in before.charts.iter().zip(&prepared.charts) {
                changes.compare(old, &chart.dot, Some(TEMPLATE.as_bytes()));
            }
            known.clone_from(&before.outcomes);
        }
        prepared.charts.iter().for_each(|chart| changes.watch(&chart.dot));
        let outcomes = vec![None; prepared.templates.len()];
        let began_with = before.map_or(0, |before| before.began_with);
        Self { known, changes, reads, outcomes, is_sound: true, began_with }
    }

    /// A map that is made for one template, watched for what is written to it.
    pub fn watched(&self, value: Value) -> Value {
        if let Datum::Map(map) = &value.datum {
            map.watch(Watch { map: u32::MAX, reads: self.reads.clone() });
        }
        value
    }

    /// What a template prints: what it printed before, or else what `execute` gives.
    ///
    /// # Errors
    /// Where executing it fails.
    pub fn outcome(
        &mut self,
        template: usize,
        evaluator: &mut Evaluator<'_>,
        execute: impl FnOnce(&mut Evaluator<'_>) -> Result<Text, Box<Failure>>,
    ) -> Result<Rc<Outcome>, Box<Failure>> {
        let known = self.known.get_mut(template).and_then(Option::take);
        let known = known.filter(|known| self.is_sound && self.changes.spare(&known.reads));
        let outcome = match known.filter(|known| evaluator.context.budget.take(known.cost)) {
            Some(known) => {
                evaluator.context.sets.ask_again(&known.leaves);
                known
            }
            None => Rc::new(self.executed(evaluator, execute)?),
        };
        self.outcomes[template] = Some(outcome.clone());
        Ok(outcome)
    }

    fn executed(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        execute: impl FnOnce(&mut Evaluator<'_>) -> Result<Text, Box<Failure>>,
    ) -> Result<Outcome, Box<Failure>> {
        let before = evaluator.context.budget.left();
        evaluator.context.sets.begin_chapter();
        self.reads.begin();
        let text = execute(evaluator)?;
        let after = evaluator.context.budget.left();
        self.is_sound &= !self.reads.is_written() && evaluator.context.budget.is_ample();
        Ok(Outcome {
            text,
            documents: OnceCell::new(),
            branches: evaluator.take_branches().into(),
            leaves: evaluator.context.sets.chapter().into(),
            reads: self.reads.noted(),
            cost: (before.0 - after.0, before.1 - after.1),
        })
    }

    /// What is left to the next render; nothing where that could not go by it.
    pub fn remembered(
        self,
        installation: &Installation,
        prepared: Prepared,
        lineage: Rc<Lineage>,
    ) -> Option<Remembered> {
        let total = lineage.sets.borrow().total();
        let began_with = if self.began_with == 0 { total } else { self.began_with };
        if !self.is_sound || total > MAX_TOTAL || total / 4 > began_with {
            return None;
        }
        let texts: usize = self.outcomes.iter().flatten().map(|outcome| outcome.weight()).sum();
        let weight = texts + total * size_of::<LeafId>() * 8 + self.changes.entries() * ENTRY;
        Some(Remembered {
            installation: installation.clone(),
            lineage,
            templates: prepared.templates,
            charts: prepared.charts.into_iter().map(|chart| (chart.dot, chart.control)).collect(),
            outcomes: self.outcomes,
            next: self.changes.next(),
            began_with,
            weight,
        })
    }
}

impl Outcome {
    /// The branches that were decided, each once.
    pub fn branches(&self) -> &[BranchSeen] {
        &self.branches
    }

    /// The documents that were printed.
    ///
    /// # Errors
    /// Why Helm cannot read them.
    pub fn documents(&self, parsed: &mut Parsed) -> Result<Documents, String> {
        if let Some(documents) = self.documents.get() {
            return Ok(documents.clone());
        }
        let read = |document: Document| {
            let value = document.value().map_err(Unreadable::to_string)?;
            Ok((Head::of(value.map(|value| &**value))?, Rc::new(document)))
        };
        let documents = parsed.documents(&self.text).into_iter().map(read).collect::<Result<Rc<[_]>, String>>()?;
        Ok(self.documents.get_or_init(|| documents).clone())
    }

    fn weight(&self) -> usize {
        size_of_val(&*self.branches)
            + size_of_val(&*self.leaves)
            + size_of_val(&*self.reads)
            // The documents hold another copy.
            + 2 * (self.text.len() + size_of_val(self.text.pieces()))
    }
}

/// The key of a dot that is another for each template.
pub const TEMPLATE: &str = "Template";

/// The bytes that an entry of a map takes with its share of what is around it.
const ENTRY: usize = 200;
