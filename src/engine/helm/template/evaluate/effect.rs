//! What a conditional node may change besides printing, found without evaluating it.
//!
//! `{{ if .x }}{{ $y = 1 }}{{ end }}` makes `$y` depend on `.x` even where `.x` is false: the branch that was not taken is
//! the one whose effect has to be known. So the bodies are read, not run.

use std::rc::Rc;

use super::super::{
    ast::{Branch, Command, Node, NodeKind, Operand, OperandKind, Pipeline, Variable},
    value::{Datum, Map, Value},
};
use super::{Evaluator, Held};
use crate::source::{lineage::sets::SetId, span::Span};

/// What the bodies of a conditional node may change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The variables that are assigned somewhere in them.
    variables: Vec<Variable>,
    /// The maps that are written to, and the key where it is a constant.
    maps: Vec<(Operand, Option<Rc<[u8]>>)>,
    /// Whether a `break` in them leaves the loop around them.
    pub(in super::super) breaks: bool,
    /// Whether a `continue` in them ends the round of the loop around them.
    pub(in super::super) continues: bool,
}

/// Functions that write into their first argument.
const WRITERS: &[&str] = &["set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"];

/// What the node may change; nothing if nothing decides it. It is read once for all renders. `text` is the file's.
pub(super) fn effects<'node>(
    node: &'node Node,
    branch: &'node Branch,
    text: &str,
    decided_by: SetId,
) -> &'node Effects {
    const NONE: &Effects = &Effects { variables: Vec::new(), maps: Vec::new(), breaks: false, continues: false };
    if decided_by.is_empty() {
        return NONE;
    }
    branch.effects.get_or_init(|| {
        let effects = Effects::default();
        let loops = matches!(node.kind, NodeKind::Range(_));
        let rebinds = loops || matches!(node.kind, NodeKind::With(_));
        let mut reader = Reader { text, effects };
        reader.read_body(&branch.body, loops, rebinds);
        if let Some(otherwise) = &branch.otherwise {
            reader.read_body(otherwise, false, false);
        }
        let mut effects = reader.effects;
        effects.variables.sort_unstable_by_key(|variable| variable.name(text));
        effects.variables.dedup_by_key(|variable| variable.name(text));
        Box::new(effects)
    })
}

impl Evaluator<'_> {
    /// Marks everything that the node may have changed as decided by its condition.
    pub(super) fn mark(&mut self, dot: &Held, effects: &Effects, decided_by: SetId) {
        for variable in &effects.variables {
            if let Some(slot) = self.slot(*variable) {
                let control = &mut self.variables[slot].held.value.control;
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
            OperandKind::Dot => (&dot.value, None),
            OperandKind::Field(fields) => (&dot.value, Some(fields)),
            OperandKind::Variable { variable, fields } => {
                (&self.variables[self.slot(*variable)?].held.value, Some(fields))
            }
            _ => return None,
        };
        let map = |value: &Value| match &value.datum {
            Datum::Map(map) => Some(map.clone()),
            _ => None,
        };
        let names = fields.into_iter().flat_map(|fields| fields.names(&self.unit().text));
        names.fold(map(start), |at, name| map(&at?.get(name.as_bytes())?))
    }
}

/// Collects what nodes may change.
struct Reader<'t> {
    text: &'t str,
    effects: Effects,
}

impl Reader<'_> {
    /// `in_loop`: the body is a loop's own, so that its `break`s stay in it. `rebound`: the dot is not the node's.
    fn read_body(&mut self, nodes: &[Node], in_loop: bool, rebound: bool) {
        for node in nodes {
            match &node.kind {
                NodeKind::Text => {}
                NodeKind::Action(pipeline) => self.read_pipeline(pipeline, rebound),
                NodeKind::Template(inclusion) => {
                    inclusion.argument.iter().for_each(|pipeline| self.read_pipeline(pipeline, rebound));
                }
                NodeKind::Break => self.effects.breaks |= !in_loop,
                NodeKind::Continue => self.effects.continues |= !in_loop,
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
            self.effects.variables.extend(&pipeline.variables);
        }
        for command in pipeline.commands() {
            self.read_command(command, rebound);
        }
    }

    fn read_command(&mut self, command: &Command, rebound: bool) {
        if let (OperandKind::Function, [target, rest @ ..]) = (&command.first.kind, &command.arguments[..])
            && let name = &self.text[command.first.span().range()]
            && WRITERS.contains(&name)
        {
            let of_dot = matches!(target.kind, OperandKind::Dot | OperandKind::Field(_));
            let key = match rest.first() {
                Some(Operand { kind: OperandKind::Text(key), span }) if matches!(name, "set" | "unset") => {
                    Some(key.value(&self.text[Span::from(*span).range()]).clone())
                }
                _ => None,
            };
            if !(of_dot && rebound) {
                self.effects.maps.push((target.clone(), key));
            }
        }
        for operand in command.operands() {
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
