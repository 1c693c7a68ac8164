//! Go's `text/template` evaluation, with origins.
//!
//! The rules are those of Go 1.23's `exec.go`. What is added: every emitted byte carries what it is made of and the
//! conditions it stands under; where something printed nothing, or a branch was passed over, an empty piece says what could
//! have printed there; and a variable that some branch may assign carries the branch's condition even if none did.

mod argument;
mod call;
pub mod effect;
pub mod failure;
mod operand;
#[cfg(test)]
mod tests;
mod variable;

use crate::engine::go::quote;
use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    ast::{self, Branch, Inclusion, Node, NodeKind},
    context::{Context, MAX_TEXT},
    fault::Fault,
    function::Parameter,
    leaf::{FileId, Leaf},
    print,
    program::{Program, Template, Unit, Written},
    value::{Datum, Value},
};
use crate::source::{
    lineage::{
        hash::{Mixing, Seeded},
        sets::{LeafId, SetId},
        text::{MadeOf, Text, TextBuilder},
    },
    span::Span,
};
use effect::effects;
use failure::Failure;
use variable::Slot;

/// The deepest nesting of templates within templates; Helm allows 1,000 of each name.
pub const MAX_TEMPLATES: usize = 2_500;

/// The deepest nesting of `tpl` within `tpl`, for which Helm has no limit.
pub const MAX_TPL: usize = 100;

/// Executes the templates of a program, one after the other, in one context.
#[derive(Debug)]
pub struct Evaluator<'program> {
    /// The origins and limits, which go on from file to file.
    pub context: Context,
    /// The branches that were decided, each once: what could add a block that is not there.
    branches: Vec<BranchSeen>,
    program: &'program Program,
    /// The leaf of each unit of the program.
    leaves: Vec<LeafId>,
    /// The templates that the texts of the `tpl` calls under way define, innermost last.
    spaces: Vec<HashMap<Rc<str>, Template, Seeded>>,
    /// What `tpl` parsed.
    parsed: HashMap<Rc<[u8]>, Parsed, Seeded>,
    /// How often each name is being included.
    included: HashMap<Rc<[u8]>, usize, Seeded>,
    /// How deeply templates are nested.
    depth: usize,
    /// The template that is being executed.
    current: Option<Current>,
    variables: Vec<Slot>,
    /// The first variable of the current template.
    frame: usize,
    out: TextBuilder,
    /// What stays of each set when it decides something.
    steering: HashMap<SetId, SetId, Mixing>,
    seen: HashSet<BranchSeen, Mixing>,
    /// What could have left the current loop before now.
    breaks: SetId,
}

/// What `tpl` was given, and what that was parsed to.
type Parsed = (Arc<str>, Rc<ast::File>);

/// A decision of an `if`, `with` or `range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BranchSeen {
    /// The file.
    pub file: FileId,
    /// The node, from its first delimiter through its `end`.
    pub span: Span,
    /// What the condition looked at.
    pub decided_by: SetId,
    /// Whether the body was evaluated.
    pub taken: bool,
}

/// The template that is being executed.
#[derive(Clone, Debug)]
struct Current {
    template: Template,
    /// The leaf of its file.
    leaf: Option<LeafId>,
}

/// A value as Go's `reflect` holds it.
#[derive(Clone, Debug)]
struct Held {
    value: Value,
    /// Whether Go holds it as `interface {}`: then `nil` has a type, and neither fields nor an argument's check take it.
    boxed: bool,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Through,
    Break,
    Continue,
}

/// The result of a step of the evaluation.
type Eval<T> = Result<T, Box<Failure>>;

impl<'program> Evaluator<'program> {
    /// An evaluator of the program's templates.
    pub fn new(program: &'program Program, mut context: Context) -> Self {
        let leaves = program
            .units()
            .iter()
            .map(|unit| match unit.written {
                Written::File(file) => context.sets.leaf(Leaf::File(file)),
                Written::Text(_) => unreachable!("only `tpl` makes units of texts, and those are not the program's"),
            })
            .collect();
        Self {
            context,
            branches: Vec::new(),
            program,
            leaves,
            spaces: Vec::new(),
            parsed: HashMap::default(),
            included: HashMap::default(),
            depth: 0,
            current: None,
            variables: Vec::new(),
            frame: 0,
            out: TextBuilder::default(),
            steering: HashMap::default(),
            seen: HashSet::default(),
            breaks: SetId::EMPTY,
        }
    }

    /// What is left when nothing more is executed.
    pub fn finish(self) -> Context {
        self.context
    }

    /// The branches that were decided since this was last asked, each once.
    pub fn take_branches(&mut self) -> Vec<BranchSeen> {
        self.seen.clear();
        std::mem::take(&mut self.branches)
    }

    /// What a file's template prints with this dot, after Helm has taken `<no value>` out of it.
    ///
    /// # Errors
    /// In Helm's words and with its place, or with a limit of this version.
    pub fn execute(&mut self, name: &str, dot: Value) -> Result<Text, Box<Failure>> {
        self.execute_as_it_is(name, dot).map(|text| without_no_value(&text))
    }

    /// What a file's template prints with this dot, `<no value>` included, as other users of Go's templates print it.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_as_it_is(&mut self, name: &str, dot: Value) -> Result<Text, Box<Failure>> {
        let Some(template) = self.program.find(name).cloned() else {
            let message = format!("template: no template {name:?} associated with template \"gotpl\"");
            return Err(Failure::nowhere(Fault::failed(message)));
        };
        (self.depth, self.frame) = (0, 0);
        self.variables.clear();
        self.spaces.clear();
        self.included.clear();
        let control = self.context.control;
        let text = self.text_of(&template, dot);
        self.context.control = control;
        text.map_err(Failure::in_helms_words)
    }

    /// Executes a template into a text of its own.
    fn text_of(&mut self, template: &Template, dot: Value) -> Eval<Text> {
        let outer = self.out.begin();
        self.run(template, dot)?;
        Ok(self.out.end(outer))
    }

    /// Executes a template; its variables are its own.
    fn run(&mut self, template: &Template, dot: Value) -> Eval<()> {
        if self.depth == MAX_TEMPLATES {
            return Err(self.fail(Span::default(), Fault::limit("templates are nested too deeply")));
        }
        self.step(STEPS_OF_A_TEMPLATE, Span::default())?;
        let leaf = matches!(template.unit.written, Written::File(_)).then(|| self.leaves[template.unit.index]);
        let outer = self.current.replace(Current { template: template.clone(), leaf });
        let frame = std::mem::replace(&mut self.frame, self.variables.len());
        self.depth += 1;
        let dot = Held { value: dot, boxed: false };
        self.variables.push(Slot { name: None, held: dot.clone() });
        let walked = self.walk(&dot, template.body());
        self.variables.truncate(self.frame);
        self.depth -= 1;
        self.frame = frame;
        self.current = outer;
        walked.map(|_| ())
    }

    fn walk(&mut self, dot: &Held, nodes: &[Node]) -> Eval<Ended> {
        stacker::maybe_grow(128 << 10, 2 << 20, || {
            for node in nodes {
                let ended = self.node(dot, node)?;
                if ended != Ended::Through {
                    return Ok(ended);
                }
            }
            Ok(Ended::Through)
        })
    }

    fn node(&mut self, dot: &Held, node: &Node) -> Eval<Ended> {
        self.step(1, node.span())?;
        match &node.kind {
            NodeKind::Text => self.emit_literal(node.span())?,
            NodeKind::Action(pipeline) => {
                let value = self.pipeline(dot, pipeline)?;
                if pipeline.variables.is_empty() {
                    self.emit(&value, pipeline.span())?;
                }
            }
            NodeKind::If(branch) => return self.conditional(dot, node, branch, false),
            NodeKind::With(branch) => return self.conditional(dot, node, branch, true),
            NodeKind::Range(branch) => return self.range(dot, node, branch),
            NodeKind::Template(inclusion) => {
                let Inclusion { name, name_span, argument } = &**inclusion;
                let Some(template) = self.template(name).cloned() else {
                    let message = format!("template {} not defined", quote::quoted(name.as_bytes()));
                    return Err(self.fail(*name_span, Fault::failed(message)));
                };
                let dot = match argument {
                    None => Value::nil(),
                    Some(pipeline) => self.pipeline(dot, pipeline)?,
                };
                self.run(&template, dot)?;
            }
            NodeKind::Break => return Ok(Ended::Break),
            NodeKind::Continue => return Ok(Ended::Continue),
        }
        Ok(Ended::Through)
    }

    /// `if` and `with`.
    fn conditional(&mut self, dot: &Held, node: &Node, branch: &Branch, rebinds: bool) -> Eval<Ended> {
        let scope = self.variables.len();
        let value = self.pipeline(dot, &branch.pipeline)?;
        let taken = value.is_true();
        let decided_by = self.decided_by(&value);
        self.see(node.span(), decided_by, taken);
        let outside = self.enter(decided_by);
        let before = self.out.len();
        let ended = match &branch.otherwise {
            _ if taken && rebinds => self.walk(&Held { value, boxed: false }, &branch.body)?,
            _ if taken => self.walk(dot, &branch.body)?,
            Some(otherwise) => self.walk(dot, otherwise)?,
            None => Ended::Through,
        };
        if self.out.len() == before {
            self.out.push_bytes(&[], MadeOf::NOTHING, self.context.control);
        }
        self.variables.truncate(scope);
        let effects = effects(node, branch, &self.unit().text, decided_by);
        // What follows a possible `break` or `continue` is there because that did not happen.
        if effects.breaks {
            self.breaks = self.context.sets.union(self.breaks, decided_by);
        }
        if !effects.breaks && !effects.continues {
            self.context.control = outside;
        }
        self.mark(dot, effects, decided_by);
        Ok(ended)
    }

    fn range(&mut self, dot: &Held, node: &Node, branch: &Branch) -> Eval<Ended> {
        let scope = self.variables.len();
        let value = self.pipeline(dot, &branch.pipeline)?;
        let looked_at = branch.pipeline.rest.last().unwrap_or(&branch.pipeline.first).span();
        let items = self.items(&value, looked_at)?;
        let decided_by = self.decided_by(&value);
        self.see(node.span(), decided_by, !items.is_empty());
        let outside = self.enter(decided_by);
        let breaks = std::mem::take(&mut self.breaks);
        let before = self.out.len();
        let mut ended = Ended::Through;
        if items.is_empty() {
            if let Some(otherwise) = &branch.otherwise {
                // Go takes a `break` there for one of this loop.
                if self.walk(dot, otherwise)? == Ended::Continue {
                    ended = Ended::Continue;
                }
            }
        } else {
            let inner = self.variables.len();
            let inside = self.context.control;
            for (key, item) in items {
                self.step(1, node.span())?;
                self.context.control = self.context.sets.union(inside, self.breaks);
                match &branch.pipeline.variables[..] {
                    [] => {}
                    [one] if branch.pipeline.assigns => self.assign(*one, item.clone())?,
                    [first, second] if branch.pipeline.assigns => {
                        self.assign(*first, key)?;
                        self.assign(*second, item.clone())?;
                    }
                    [_] => self.variables[inner - 1].held = item.clone(),
                    [..] => {
                        self.variables[inner - 2].held = key;
                        self.variables[inner - 1].held = item.clone();
                    }
                }
                let ended = self.walk(&item, &branch.body)?;
                self.variables.truncate(inner);
                if ended == Ended::Break {
                    break;
                }
            }
        }
        if self.out.len() == before {
            self.out.push_bytes(&[], MadeOf::NOTHING, self.context.control);
        }
        self.variables.truncate(scope);
        let effects = effects(node, branch, &self.unit().text, decided_by);
        self.context.control = outside;
        // Conditions that could have left the loop decided what was done in it.
        let breaks = std::mem::replace(&mut self.breaks, breaks);
        let decided_by = self.context.sets.union(decided_by, breaks);
        self.mark(dot, effects, decided_by);
        Ok(ended)
    }

    /// What `range` goes through, with Go's keys.
    fn items(&mut self, value: &Value, span: Span) -> Eval<Vec<(Held, Held)>> {
        let index = |at: usize| Held { value: Value::plain(Datum::Int(at as i64)), boxed: false };
        let count = match &value.datum {
            Datum::List(list) => list.items.len(),
            Datum::Map(map) => map.len(),
            Datum::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.step(count, span)?;
        Ok(match &value.datum {
            Datum::Nil => Vec::new(),
            Datum::List(list) => {
                let boxed = list.element == super::value::Element::Any;
                let items = list.items.iter().enumerate();
                items.map(|(at, item)| (index(at), Held { value: item.clone(), boxed })).collect()
            }
            Datum::Map(map) => {
                let boxed = map.kind() != super::value::MapKind::Text;
                map.snapshot()
                    .into_iter()
                    .map(|entry| {
                        let key = Held { value: Value::text(entry.key), boxed: false };
                        (key, Held { value: entry.value, boxed })
                    })
                    .collect()
            }
            Datum::Bytes(bytes) => {
                let bytes = bytes.bytes().iter().enumerate();
                bytes
                    .map(|(at, byte)| {
                        let byte = Value::new(Datum::Byte(*byte), MadeOf::Derived(value.flow(&mut self.context).data));
                        (index(at), Held { value: byte, boxed: false })
                    })
                    .collect()
            }
            Datum::Int(_) | Datum::Int64(_) | Datum::Byte(_) | Datum::Rune(_) | Datum::Uint64(_)
                if self.context.profile.ranges_over_integers =>
            {
                return self.counted(value, span);
            }
            Datum::Object(object) if object.entries().is_some() => {
                let entries = object.entries().transpose().map_err(|fault| self.fail(span, fault))?.unwrap_or_default();
                self.step(entries.len(), span)?;
                let held = |value| Held { value, boxed: false };
                entries.into_iter().map(|(key, item)| (held(key), held(item))).collect()
            }
            _ => {
                let printed = print::value(value, &mut self.context).map_err(|fault| self.fail(span, fault))?;
                let message = format!("range can't iterate over {}", printed.lossy());
                return Err(self.fail(span, Fault::failed(message)));
            }
        })
    }

    /// Go 1.24's `range 3`: as many items as the number, of its type.
    fn counted(&mut self, value: &Value, span: Span) -> Eval<Vec<(Held, Held)>> {
        let (count, datum): (i128, fn(i64) -> Datum) = match value.datum {
            Datum::Int(count) => (count.into(), Datum::Int),
            Datum::Int64(count) => (count.into(), Datum::Int64),
            Datum::Byte(count) => (count.into(), |at| Datum::Byte(at as u8)),
            Datum::Rune(count) => (count.into(), |at| Datum::Rune(at as i32)),
            Datum::Uint64(count) => (count.into(), |at| Datum::Uint64(at as u64)),
            _ => (0, Datum::Int),
        };
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        self.context.budget.items(count).map_err(|fault| self.fail(span, fault))?;
        let item = |at| Held { value: Value::plain(datum(at as i64)), boxed: false };
        Ok((0..count).map(|at| (item(at), item(at))).collect())
    }

    /// What a value decides: its leaves without the templates' own text, which is the same in every render.
    fn decided_by(&mut self, value: &Value) -> SetId {
        let flow = value.flow(&mut self.context);
        let set = self.context.sets.union(flow.data, flow.control);
        self.steering(set)
    }

    /// A set without the templates' own text.
    fn steering(&mut self, set: SetId) -> SetId {
        if set.is_empty() {
            return set;
        }
        if let Some(known) = self.steering.get(&set) {
            return *known;
        }
        let steering = self.context.sets.filter(set, |leaf| !matches!(leaf, Leaf::File(_) | Leaf::Literal { .. }));
        self.steering.insert(set, steering);
        steering
    }

    /// Puts what follows under a condition; gives what it stood under before.
    fn enter(&mut self, condition: SetId) -> SetId {
        let outside = self.context.control;
        self.context.control = self.context.sets.union(outside, condition);
        outside
    }

    fn see(&mut self, span: Span, decided_by: SetId, taken: bool) {
        let Some(Written::File(file)) = self.current.as_ref().map(|current| &current.template.unit.written) else {
            return;
        };
        let branch = BranchSeen { file: *file, span, decided_by, taken };
        if self.seen.insert(branch) {
            self.branches.push(branch);
        }
    }

    /// Text of the template itself.
    fn emit_literal(&mut self, span: Span) -> Eval<()> {
        self.allow(span.len(), span)?;
        let control = self.context.control;
        let Some(current) = &self.current else { return Ok(()) };
        let unit = &current.template.unit;
        match (&unit.written, current.leaf) {
            (Written::File(_), leaf) => {
                let made_of = leaf.map_or(MadeOf::NOTHING, |leaf| MadeOf::Verbatim { leaf, offset: span.start as u32 });
                self.out.push_bytes(unit.slice(span).as_bytes(), made_of, control);
            }
            (Written::Text(text), _) => {
                let text = text.slice(span.start..span.end);
                push_under(&mut self.out, &text, control, &mut self.context);
            }
        }
        Ok(())
    }

    /// An action's value.
    fn emit(&mut self, value: &Value, span: Span) -> Eval<()> {
        let control = self.context.sets.union(self.context.control, value.control);
        if let Datum::Nil = value.datum {
            self.allow(NO_VALUE.len(), span)?;
            self.out.push_bytes(NO_VALUE, value.made_of, control);
            return Ok(());
        }
        let printed = match &value.datum {
            Datum::Text(text) => text.clone(),
            Datum::Object(object) => {
                object.print_in_action(&mut self.context).map_err(|fault| self.fail(span, fault))?
            }
            _ => print::value(value, &mut self.context).map_err(|fault| self.fail(span, fault))?,
        };
        self.allow(printed.len(), span)?;
        if printed.is_empty() {
            self.out.push_bytes(&[], value.made_of, control);
        }
        push_under(&mut self.out, &printed, control, &mut self.context);
        Ok(())
    }

    /// Asks whether so much more text may be printed.
    fn allow(&mut self, bytes: usize, span: Span) -> Eval<()> {
        let total = self.out.len() + bytes;
        let allowed = if total > MAX_TEXT {
            Err(Fault::limit(format!("a template prints more than {MAX_TEXT} bytes")))
        } else {
            self.context.budget.text(bytes)
        };
        allowed.map_err(|fault| self.fail(span, fault))
    }

    fn step(&mut self, steps: usize, span: Span) -> Eval<()> {
        self.context.budget.step(steps).map_err(|fault| self.fail(span, fault))
    }

    fn template(&self, name: &str) -> Option<&Template> {
        self.spaces.iter().rev().find_map(|space| space.get(name)).or_else(|| self.program.find(name))
    }

    fn current(&self) -> &Current {
        self.current.as_ref().expect("only templates that are being executed have nodes")
    }

    /// What the template that is being executed is written in.
    fn unit(&self) -> &Rc<Unit> {
        &self.current().template.unit
    }

    /// The fault with its place in the current template.
    fn fail(&self, span: Span, fault: Fault) -> Box<Failure> {
        match &self.current {
            None => Failure::nowhere(fault),
            Some(current) => Failure::at(&current.template, span, fault),
        }
    }
}

/// What entering a template costs.
const STEPS_OF_A_TEMPLATE: usize = 8;

/// What Go prints for `nil`.
const NO_VALUE: &[u8] = b"<no value>";

/// Appends a text whose pieces stand under `control` as well.
fn push_under(out: &mut TextBuilder, text: &Text, control: SetId, context: &mut Context) {
    if control.is_empty() {
        return out.push(text);
    }
    let mut last = (SetId::EMPTY, control);
    out.push_under(text, |own| {
        if own != last.0 {
            last = (own, context.sets.union(own, control));
        }
        last.1
    });
}

/// Helm's last touch on each file and each result of `tpl`: every `<no value>` goes, whoever wrote it, and leaves its origins.
fn without_no_value(text: &Text) -> Text {
    let starts = |at: &usize| text.bytes()[*at..].starts_with(NO_VALUE);
    let mut rest = text.bytes().iter().enumerate().filter(|(_, byte)| **byte == b'<').map(|(at, _)| at).filter(starts);
    let Some(first) = rest.next() else { return text.clone() };
    let mut builder = TextBuilder::default();
    let mut end = 0;
    for at in std::iter::once(first).chain(rest) {
        builder.push_slice(text, end..at);
        end = at + NO_VALUE.len();
        for slice in text.slices(at..end).filter(|slice| !slice.range.is_empty()) {
            builder.push_bytes(&[], MadeOf::Derived(slice.made_of.set()), slice.control);
        }
    }
    builder.push_slice(text, end..text.len());
    builder.build()
}
