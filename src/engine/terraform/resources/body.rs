//! The arguments and blocks of one instance.

use std::rc::Rc;

use crate::{
    engine::terraform::{
        evaluate::{ANYTHING, Evaluator},
        leaf::{Leaf, PathId, Place, Role, Says},
        module::{Definition, Mode, Nested},
        problem::Problem,
        scope::{InstanceId, Name, Repetition, Scope, Sees, Stop},
        types::Type,
        unknown::{Reason, Refinement, Unknown},
        value::{Datum, Entry, Key, Value},
    },
    source::{
        hcl::tree::{Attribute, Block, Body, Item},
        lineage::{
            sets::{Flow, SetId},
            text::Text,
        },
        span::Span,
    },
};

/// The arguments that every resource has.
const META: &[&str] = &["count", "for_each", "provider", "depends_on"];

/// The blocks that every resource has.
const META_BLOCKS: &[&str] = &["lifecycle", "connection", "provisioner"];

/// What a body is evaluated with.
#[derive(Clone, Copy)]
struct Setting<'s> {
    scope: Scope<'s>,
    /// The address of the instance, for what only the provider knows of it.
    address: &'s str,
}

impl<'p> Evaluator<'p, '_> {
    /// What a plan knows of one instance of a resource.
    pub(super) fn instance(
        &mut self,
        instance: InstanceId,
        (mode, ty, name): (Mode, &'p str, &'p str),
        definition: &'p Definition<'p>,
        repetition: &Repetition,
        address: &Rc<str>,
    ) -> Result<Value, Stop> {
        let block = if mode == Mode::Managed { "resource" } else { "data" };
        let path = self.path(&[block, ty, name]);
        let sees = Sees::Module(instance, repetition);
        let scope = Scope { file: definition.file, role: Role::Resource, path, names: None, sees };
        let setting = Setting { scope, address };
        let mut entries = Vec::new();
        for argument in definition.arguments.iter().filter(|argument| !META.contains(&argument.name())) {
            let scope = Scope { file: argument.file, ..scope };
            entries.push(self.argument(argument.attribute, scope)?);
        }
        let blocks: Vec<Nested<'p>> =
            definition.blocks.iter().filter(|nested| !META_BLOCKS.contains(&nested.kind())).copied().collect();
        let blocks: Vec<(Scope<'_>, &Block)> =
            blocks.iter().map(|nested| (Scope { file: nested.file, ..scope }, nested.block)).collect();
        self.blocks(&blocks, setting, &mut entries)?;
        for entry in &mut entries {
            if !entry.value.marks_within().is_ephemeral || mode == Mode::Ephemeral {
                continue;
            }
            // By their names, arguments that are only written are told from others: no plan has their values.
            if mode == Mode::Managed && entry.key.as_str().ends_with("_wo") {
                let flow = self.flow_of([&entry.value]);
                let value = std::mem::replace(&mut entry.value, Value::null(Type::Dynamic).with_flow(flow));
                self.hidden.push((format!("{address}.{}", entry.key.as_str()), value));
            } else {
                let message = format!(
                    "Invalid use of ephemeral value: Ephemeral values are not valid for {:?}, because it is not a write-only \
                     attribute.",
                    entry.key.as_str()
                );
                return Err(Problem::broken(message).at(definition.place()).into());
            }
        }
        let place = Place { file: definition.file, span: definition.block.span };
        let leaf = self.context.sets.leaf(Leaf { says: Says::Block, role: Role::Resource, place: Some(place), path });
        let value = if (mode, ty) == (Mode::Managed, "terraform_data") {
            built_in(entries, address, definition)?
        } else {
            Value::object(entries).opened(address.clone())
        };
        let value = value.with_data(leaf.into());
        self.conditions(definition, instance, repetition, &value)?;
        Ok(value)
    }

    /// Looks at the conditions of a resource.
    fn conditions(
        &mut self,
        definition: &'p Definition<'p>,
        instance: InstanceId,
        repetition: &Repetition,
        value: &Value,
    ) -> Result<(), Stop> {
        for lifecycle in definition.blocks_of("lifecycle") {
            for rule in lifecycle.block.body.blocks() {
                let (own, summary) = match &*rule.kind.text {
                    "precondition" => (None, "Resource precondition failed"),
                    "postcondition" => (Some(value), "Resource postcondition failed"),
                    _ => return Err(Nested { file: lifecycle.file, block: rule }.unexpected().into()),
                };
                let rule = Definition::of(lifecycle.file, rule);
                self.condition(&rule, instance, repetition, own, summary)?;
            }
        }
        Ok(())
    }

    fn argument(&mut self, attribute: &Attribute, scope: Scope<'_>) -> Result<Entry, Stop> {
        let path = self.context.paths.join(scope.path, &attribute.name.text);
        let scope = scope.at(path);
        let value = self.evaluate(&attribute.value, scope)?;
        let leaf = self.context.sets.leaf(scope.leaf(Says::Key, attribute.name.span));
        let key = Key::new(Text::verbatim(attribute.name.text.as_bytes(), leaf));
        Ok(Entry { key, value })
    }

    /// Blocks, those of one type together.
    fn blocks(
        &mut self,
        blocks: &[(Scope<'_>, &Block)],
        setting: Setting<'_>,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Stop> {
        let mut kinds: Vec<&str> = Vec::new();
        for (scope, block) in blocks {
            let kind = match (&*block.kind.text, &block.labels[..]) {
                ("dynamic", [label]) => &*label.text,
                ("dynamic", _) => {
                    return Err(scope.broken(block.span, "A dynamic block has the type of its blocks as its label."));
                }
                (kind, _) => kind,
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        for kind in kinds {
            let (mut list, mut unknown, mut control) = (Vec::<Value>::new(), None, SetId::EMPTY);
            let mut lost = Flow::default();
            for (scope, block) in blocks {
                let setting = Setting { scope: *scope, ..setting };
                if &*block.kind.text == kind {
                    let index = list.len();
                    list.push(self.block(&block.body, block.span, kind, index, setting)?);
                } else if &*block.kind.text == "dynamic" && *block.labels[0].text == *kind {
                    match self.dynamic(block, kind, list.len(), setting)? {
                        Made::Blocks(more, because) => {
                            list.extend(more);
                            control = self.context.sets.union(control, because);
                        }
                        Made::Unknown(reason, flow) => {
                            unknown = unknown.or(Some(reason));
                            lost = self.context.sets.join(lost, flow);
                        }
                    }
                }
            }
            if let Some(entry) = entries.iter().find(|entry| entry.key.as_str() == kind) {
                let message = format!("{:?} is both an argument and a block", entry.key.as_str());
                return Err(Problem::unsupported(message).into());
            }
            let value = match unknown {
                Some(reason) => {
                    let known = self.flow_of(&list);
                    let flow = self.context.sets.join(known, lost);
                    Value::unknown_of(Type::Dynamic, reason).with_flow(flow)
                }
                None => Value::tuple(list),
            };
            entries.push(Entry::plain(kind, value.under(&mut self.context.sets, control)));
        }
        Ok(())
    }

    /// One block as an object.
    fn block(
        &mut self,
        body: &Body,
        span: Span,
        kind: &str,
        index: usize,
        setting: Setting<'_>,
    ) -> Result<Value, Stop> {
        let path = self.context.paths.join(setting.scope.path, kind);
        let path: PathId = self.context.paths.join_index(path, index);
        let scope = setting.scope.at(path);
        let address = format!("{}.{kind}[{index}]", setting.address);
        let setting = Setting { scope, address: &address };
        let mut entries = Vec::new();
        let mut blocks = Vec::new();
        for item in &body.items {
            match item {
                Item::Attribute(attribute) => entries.push(self.argument(attribute, scope)?),
                Item::Block(block) => blocks.push((scope, block)),
            }
        }
        self.deeper(|evaluator| evaluator.blocks(&blocks, setting, &mut entries))?;
        let leaf = self.context.sets.leaf(scope.leaf(Says::Block, span));
        Ok(Value::object(entries).opened(address.as_str().into()).with_data(leaf.into()))
    }

    /// All that the blocks of a dynamic block can be made of, where nobody knows how many there are.
    fn any_block(
        &mut self,
        content: &Block,
        kind: &str,
        iterator: &str,
        reason: Reason,
        collection: &Value,
        setting: Setting<'_>,
    ) -> Result<Made, Stop> {
        let open = |name| Entry::plain(name, Value::unknown_of(Type::Dynamic, reason.clone()));
        let value = Value::object([open("key"), open("value")]);
        let name = Name { name: iterator, value, outer: setting.scope.names };
        let inside = Setting { scope: setting.scope.with_names(Some(&name)), address: setting.address };
        let block = self.block(&content.body, content.span, kind, 0, inside);
        let flow = block.map_or(ANYTHING, |block| self.flow_of([&block, collection]));
        Ok(Made::Unknown(reason, self.with_wording(flow, content.span, setting.scope)))
    }

    /// The blocks that a dynamic block makes.
    fn dynamic(&mut self, block: &Block, kind: &str, first: usize, setting: Setting<'_>) -> Result<Made, Stop> {
        let scope = setting.scope;
        let mut content = None;
        for nested in block.body.blocks() {
            if &*nested.kind.text != "content" || content.is_some() {
                return Err(scope.broken(nested.span, "A dynamic block has one content block and no other."));
            }
            content = Some(nested);
        }
        let Some(content) = content else {
            return Err(scope.broken(block.span, "A dynamic block has a content block."));
        };
        let Some(for_each) = block.body.attribute("for_each") else {
            return Err(
                scope.broken(block.span, "Missing required argument: A dynamic block has the argument for_each.")
            );
        };
        let iterator = match block.body.attribute("iterator").map(|attribute| &attribute.value) {
            None => kind,
            Some(name) => match &name.kind {
                crate::source::hcl::tree::ExpressionKind::Variable(name) => &*name.text,
                _ => name.literal().map(|text| &*text.value).ok_or_else(|| {
                    scope.broken(name.span, "Invalid expression: The iterator of a dynamic block is a name.")
                })?,
            },
        };
        if let Some(other) = block
            .body
            .attributes()
            .find(|attribute| !matches!(&*attribute.name.text, "for_each" | "iterator" | "labels"))
        {
            let message = format!("an argument named {:?} is not expected here", other.name.text);
            return Err(scope.broken(other.span, message));
        }
        let collection = self.evaluate(&for_each.value, scope)?;
        let wrong = |why: &str| scope.broken(for_each.value.span, format!("Invalid dynamic for_each value: {why}."));
        if collection.is_null() {
            return Err(wrong("Cannot use a null value in for_each"));
        }
        if collection.ty().is_primitive() {
            return Err(wrong("Cannot use a value of this type in for_each. An iterable collection is required"));
        }
        let control = collection.flow().control;
        let own = self.context.sets.union(control, collection.flow().data);
        if collection.ty().is_open() {
            let reason = Reason::Unsupported("the attributes of a resource one by one".into());
            return self.any_block(content, kind, iterator, reason, &collection, setting);
        }
        let is_set = matches!(collection.ty(), Type::Set(_));
        let pairs: Vec<(Value, Value)> = match collection.datum() {
            Datum::Sequence(elements) => elements
                .iter()
                .enumerate()
                .map(|(at, value)| (if is_set { value.clone() } else { Value::number(at as i64) }, value.clone()))
                .collect(),
            Datum::Mapping(mapping) => {
                mapping.entries().iter().map(|entry| (entry.key.value(), entry.value.clone())).collect()
            }
            _ => {
                let reason = collection.reason().cloned();
                let reason = reason.unwrap_or_else(|| Reason::Unsupported("a collection".into()));
                return self.any_block(content, kind, iterator, reason, &collection, setting);
            }
        };
        self.context.budget.elements(pairs.len()).map_err(|problem| scope.stop(block.span, problem))?;
        let mut made = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let value = value.with_marks(collection.marks());
            let object = Value::object([Entry::plain("key", key), Entry::plain("value", value)]);
            let name = Name { name: iterator, value: object, outer: scope.names };
            let setting = Setting { scope: scope.with_names(Some(&name)), address: setting.address };
            let value = self.block(&content.body, content.span, kind, first + made.len(), setting)?;
            made.push(value.under(&mut self.context.sets, own));
        }
        Ok(Made::Blocks(made, own))
    }
}

/// What a dynamic block makes.
enum Made {
    /// These blocks, and what decided how many.
    Blocks(Vec<Value>, SetId),
    /// Nobody knows; all that they can be made of.
    Unknown(Reason, Flow),
}

/// `terraform_data`, the one resource whose schema is part of the language.
fn built_in(entries: Vec<Entry>, address: &str, definition: &Definition<'_>) -> Result<Value, Stop> {
    let mut given = (None, None);
    for entry in entries {
        match entry.key.as_str() {
            "input" => given.0 = Some(entry),
            "triggers_replace" => given.1 = Some(entry),
            name => {
                let message = format!("an argument or block named {name:?} is not expected here");
                return Err(Problem::broken(message).at(definition.place()).into());
            }
        }
    }
    let absent = |name: &str| Entry::plain(name, Value::null(Type::Dynamic));
    let input = given.0.unwrap_or_else(|| absent("input"));
    let triggers = given.1.unwrap_or_else(|| absent("triggers_replace"));
    let reason = |name: &str| Reason::Resource(format!("{address}.{name}").into());
    let output = if input.value.is_null() {
        Value::null(input.value.ty().clone())
    } else {
        Value::unknown_of(input.value.ty().clone(), reason("output"))
    };
    let id = Unknown { reason: reason("id"), refinement: Refinement::not_null() };
    let id = Value::not_known(Type::String, id);
    Ok(Value::object([Entry::plain("id", id), input, Entry::plain("output", output), triggers]))
}
