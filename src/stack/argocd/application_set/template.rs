//! Templates of a set: every text of a value rendered with parameters, by Go's templates or by name alone.

use std::{collections::BTreeMap, ops::Range, rc::Rc, sync::Arc};

use serde_json::{Map, Value};

use super::{
    fast, functions,
    parameters::{self, Layers, Parameters},
};
use crate::{
    engine::{
        helm::template::{
            context::Context,
            evaluate::Evaluator,
            leaf::{FileId, Leaf},
            parse::parse,
            program::{Program, Source},
            value::{self, Datum},
        },
        parts::{Part, Place},
    },
    model::{
        pointer::Pointer,
        refusal::{Code, Refusal},
    },
    source::lineage::text::MadeOf,
    stack::object::Object,
};

/// The texts of an object with what says their parts.
pub(super) type Texts = BTreeMap<Pointer, Vec<Part>>;

/// A rendered text.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendered {
    pub text: String,
    pub parts: Vec<RenderedPart>,
}

/// A part of a rendered text.
#[derive(Clone, Debug)]
pub(super) struct RenderedPart {
    pub range: Range<usize>,
    pub from: From,
    /// The first byte of where it is from; absent where it was computed.
    pub offset: Option<usize>,
}

/// Where a part is from.
#[derive(Clone, Debug)]
pub(super) enum From {
    /// The template itself.
    Template,
    /// A parameter, by its layer and its place in it.
    Parameter(u32, Pointer),
}

/// Renders the texts of one set.
pub(super) struct Renderer<'o> {
    object: &'o Object,
    /// Whether texts are Go templates.
    pub is_go: bool,
    /// The origins and limits, which go on from text to text.
    context: Context,
}

impl<'o> Renderer<'o> {
    pub(super) fn new(object: &'o Object) -> Self {
        let is_go = object.get("/spec/goTemplate") == Some(&Value::Bool(true));
        Self { object, is_go, context: Context::default() }
    }

    /// A value with every text in it rendered, keys included.
    ///
    /// # Errors
    /// Where Argo CD fails, and at limits.
    pub(super) fn value(
        &mut self,
        template: &Value,
        at: &Pointer,
        parameters: &Parameters,
        layers: &Layers,
        place: &dyn Fn(&Pointer, &Value) -> Place,
        texts: &mut Texts,
    ) -> Result<Value, Refusal> {
        Ok(match template {
            Value::String(text) if text.contains("{{") => {
                let rendered = self.text(text, parameters)?;
                let parts = located(&rendered.parts, layers, &place(at, template));
                texts.insert(at.clone(), parts);
                Value::String(rendered.text)
            }
            Value::Array(items) => {
                let mut rendered = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    rendered.push(self.value(item, &at.join(index.to_string()), parameters, layers, place, texts)?);
                }
                Value::Array(rendered)
            }
            Value::Object(map) => {
                let mut rendered = Map::with_capacity(map.len());
                for (key, value) in map {
                    let key = if key.contains("{{") { self.text(key, parameters)?.text } else { key.clone() };
                    let value = self.value(value, &at.join(&key), parameters, layers, place, texts)?;
                    rendered.insert(key, value);
                }
                Value::Object(rendered)
            }
            other => other.clone(),
        })
    }

    /// A text rendered.
    ///
    /// # Errors
    /// Where Argo CD fails, and at limits.
    pub(super) fn text(&mut self, text: &str, parameters: &Parameters) -> Result<Rendered, Refusal> {
        let failed = |why: String| {
            let message = format!("a template of {} does not render: {why}", self.object.at.id);
            Refusal::new(Code::StackUnreadable, message, "mend the template, or what generates its parameters")
        };
        if !text.contains("{{") {
            let part = RenderedPart { range: 0..text.len(), from: From::Template, offset: Some(0) };
            return Ok(Rendered { text: text.to_owned(), parts: vec![part] });
        }
        if !self.is_go {
            return fast::render(text, parameters).map_err(failed);
        }
        let functions = functions::all();
        let ast = parse(text, &|name| functions.contains(name)).map_err(|error| failed(error.message.clone()))?;
        let source = Source { name: "template".into(), file: FileId(0), text: Arc::from(text), ast: Rc::new(ast) };
        let program = Program::new(functions, vec![source]);
        let mut context = std::mem::take(&mut self.context);
        let dot = value::Value::plain(Datum::Map(parameters::map(parameters, &mut context)));
        let mut evaluator = Evaluator::new(&program, context);
        let result = evaluator.execute_as_it_is("template", dot);
        self.context = evaluator.finish();
        let printed = result.map_err(|failure| {
            use crate::engine::helm::template::fault::FaultKind;
            let mut refusal = failed(failure.reason.clone());
            if failure.kind != FaultKind::Failed {
                refusal.code = Code::EngineUnsupported;
            }
            refusal
        })?;
        let Some(text) = printed.as_str() else { return Err(failed("it prints what is no text".to_owned())) };
        if text.contains("<no value>") {
            return Err(failed("it mentions a parameter that is not there".to_owned()));
        }
        let sets = &self.context.sets;
        let mut parts = Vec::new();
        for slice in printed.slices(0..printed.len()).filter(|slice| !slice.range.is_empty()) {
            let (leaf, offset) = match slice.made_of {
                MadeOf::Verbatim { leaf, offset } => (Some(leaf), Some(offset as usize)),
                MadeOf::Derived(set) => (set.single(), None),
            };
            let from = match leaf.map(|leaf| sets.get(leaf)) {
                Some(Leaf::File(_)) => From::Template,
                Some(Leaf::Node { layer, at }) => {
                    let keys = self.context.paths.keys(*at);
                    From::Parameter(layer.0, Pointer::of(keys))
                }
                _ => continue,
            };
            parts.push(RenderedPart { range: slice.range, from, offset });
        }
        Ok(Rendered { text: text.to_owned(), parts })
    }
}

/// Parts with the places that say them.
pub(super) fn located(parts: &[RenderedPart], layers: &Layers, template: &Place) -> Vec<Part> {
    let located = |part: &RenderedPart| {
        let place = match &part.from {
            From::Template => template.clone(),
            From::Parameter(layer, at) => layers.place(*layer, at)?,
        };
        Some(Part { range: part.range.clone(), place, offset: part.offset })
    };
    parts.iter().filter_map(located).collect()
}
