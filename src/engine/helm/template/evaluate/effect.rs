//! What a conditional node may change besides printing, found without evaluating it.
//!
//! `{{ if .x }}{{ $y = 1 }}{{ end }}` makes `$y` depend on `.x` even where `.x` is false: the branch that was not taken is
//! the one whose effect has to be known. So the bodies are read, not run.

use std::rc::Rc;

use super::super::{
    ast::{Branch, Command, Node, NodeKind, Operand, OperandKind, Pipeline},
    value::{Datum, Map, Value},
};
use super::{Evaluator, Held};
use crate::source::lineage::sets::SetId;

/// What the bodies of a conditional node may change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The variables that are assigned somewhere in them.
    variables: Vec<Rc<str>>,
    /// The maps that are written to, and the key where it is a constant.
    maps: Vec<(Operand, Option<Rc<[u8]>>)>,
    /// Whether a `break` in them leaves the loop around them.
    pub(in super::super) breaks: bool,
    /// Whether a `continue` in them ends the round of the loop around them.
    pub(in super::super) continues: bool,
}

/// Functions that write into their first argument.
const WRITERS: &[&str] = &["set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"];

/// What the node may change; nothing if nothing decides it. It is read once for all renders.
pub(super) fn effects<'node>(node: &'node Node, branch: &'node Branch, decided_by: SetId) -> &'node Effects {
    const NONE: &Effects = &Effects { variables: Vec::new(), maps: Vec::new(), breaks: false, continues: false };
    if decided_by.is_empty() {
        return NONE;
    }
    branch.effects.get_or_init(|| {
        let mut effects = Effects::default();
        let loops = matches!(node.kind, NodeKind::Range(_));
        let rebinds = loops || matches!(node.kind, NodeKind::With(_));
        effects.read_body(&branch.body, loops, rebinds);
        if let Some(otherwise) = &branch.otherwise {
            effects.read_body(otherwise, false, false);
        }
        effects.variables.sort_unstable();
        effects.variables.dedup();
        effects
    })
}

impl Evaluator<'_> {
    /// Marks everything that the node may have changed as decided by its condition.
    pub(super) fn mark(&mut self, dot: &Held, effects: &Effects, decided_by: SetId) {
        for name in &effects.variables {
            if let Some(slot) = self.variables[self.frame..].iter_mut().rfind(|slot| slot.name == *name) {
                let control = &mut slot.held.value.control;
                *control = self.context.sets.union(*control, decided_by);
            }
        }
        for (operand, key) in &effects.maps {
            let Some(map) = self.map_of(dot, operand) else { continue };
            map.add_control(decided_by, &mut self.context);
            match key {
                Some(key) => map.add_entry_control(key, decided_by, &mut self.context),
                None => {
                    for entry in map.snapshot() {
                        map.add_entry_control(entry.key.bytes(), decided_by, &mut self.context);
                    }
                }
            }
        }
    }

    /// The map that an operand names now, if it does.
    fn map_of(&self, dot: &Held, operand: &Operand) -> Option<Map> {
        let (start, fields) = match &operand.kind {
            OperandKind::Dot => (&dot.value, &[][..]),
            OperandKind::Field(fields) => (&dot.value, &fields[..]),
            OperandKind::Variable { name, fields } => {
                let slot = self.variables[self.frame..].iter().rfind(|slot| slot.name == *name)?;
                (&slot.held.value, &fields[..])
            }
            _ => return None,
        };
        let map = |value: &Value| match &value.datum {
            Datum::Map(map) => Some(map.clone()),
            _ => None,
        };
        fields.iter().try_fold(map(start)?, |at, field| map(&at.get(field.text.as_bytes())?))
    }
}

impl Effects {
    /// `in_loop`: the body is a loop's own, so that its `break`s stay in it. `rebound`: the dot is not the node's.
    fn read_body(&mut self, nodes: &[Node], in_loop: bool, rebound: bool) {
        for node in nodes {
            match &node.kind {
                NodeKind::Text => {}
                NodeKind::Action(pipeline) => self.read_pipeline(pipeline, rebound),
                NodeKind::Template(inclusion) => {
                    inclusion.argument.iter().for_each(|pipeline| self.read_pipeline(pipeline, rebound));
                }
                NodeKind::Break => self.breaks |= !in_loop,
                NodeKind::Continue => self.continues |= !in_loop,
                NodeKind::If(branch) => self.read_branch(branch, in_loop, in_loop, rebound, rebound),
                NodeKind::With(branch) => self.read_branch(branch, in_loop, in_loop, rebound, true),
                NodeKind::Range(branch) => self.read_branch(branch, in_loop, true, rebound, true),
            }
        }
    }

    fn read_branch(&mut self, branch: &Branch, outer_loop: bool, in_loop: bool, rebound: bool, body_rebound: bool) {
        self.read_pipeline(&branch.pipeline, rebound);
        self.read_body(&branch.body, in_loop, body_rebound);
        if let Some(otherwise) = &branch.otherwise {
            self.read_body(otherwise, outer_loop, rebound);
        }
    }

    fn read_pipeline(&mut self, pipeline: &Pipeline, rebound: bool) {
        if pipeline.assigns {
            self.variables.extend(pipeline.variables.iter().map(|variable| variable.name.clone()));
        }
        for command in &pipeline.commands {
            self.read_command(command, rebound);
        }
    }

    fn read_command(&mut self, command: &Command, rebound: bool) {
        if let [Operand { kind: OperandKind::Function(name), .. }, target, rest @ ..] = &command.operands[..]
            && WRITERS.contains(&&**name)
        {
            let of_dot = matches!(target.kind, OperandKind::Dot | OperandKind::Field(_));
            let key = match rest.first().map(|operand| &operand.kind) {
                Some(OperandKind::Text(key)) if matches!(&**name, "set" | "unset") => Some(key.clone()),
                _ => None,
            };
            if !(of_dot && rebound) {
                self.maps.push((target.clone(), key));
            }
        }
        for operand in &command.operands {
            self.read_operand(operand, rebound);
        }
    }

    fn read_operand(&mut self, operand: &Operand, rebound: bool) {
        match &operand.kind {
            OperandKind::Pipeline(pipeline) => self.read_pipeline(pipeline, rebound),
            OperandKind::Chain { of, .. } => self.read_operand(of, rebound),
            _ => {}
        }
    }
}
