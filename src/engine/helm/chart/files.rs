//! `.Files`: what a chart holds besides templates and values.

use std::{any::Any, cell::OnceCell, rc::Rc, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::glob::Glob;
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::Body,
        value::{Datum, Element, List, Map, MapKind, Object, Value},
    },
    source::lineage::{
        sets::{Flow, LeafId, SetId},
        text::{MadeOf, Text, TextBuilder},
    },
};

/// The files of a chart, or those of them that match a pattern.
#[derive(Clone)]
pub struct Files {
    entries: Rc<[File]>,
    /// Names behind which there may be more files: links, which helm follows.
    links: Rc<[String]>,
    to_yaml: Body,
}

/// One of the files.
#[derive(Clone, Debug)]
pub struct File {
    /// The name in the chart.
    pub name: Rc<str>,
    /// The bytes, or why they are not known.
    pub content: Result<Content, Fault>,
}

/// The bytes of a file, which become a text where a template asks for them: few of a chart's files are asked for.
#[derive(Clone, Debug)]
pub struct Content {
    bytes: Arc<[u8]>,
    /// The bytes in front that are no part of the text.
    skipped: usize,
    leaf: LeafId,
    text: OnceCell<Text>,
}

impl Content {
    /// The bytes behind the first `skipped` ones, which are the leaf's content.
    pub fn new(bytes: Arc<[u8]>, skipped: usize, leaf: LeafId) -> Self {
        Self { bytes, skipped, leaf, text: OnceCell::new() }
    }

    fn text(&self) -> &Text {
        self.text.get_or_init(|| Text::verbatim(&self.bytes[self.skipped..], self.leaf))
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.leaf, self.skipped) == (other.leaf, other.skipped)
            && (Arc::ptr_eq(&self.bytes, &other.bytes) || self.bytes == other.bytes)
    }
}

impl File {
    fn text(&self) -> Result<&Text, Fault> {
        self.content.as_ref().map(Content::text).map_err(Fault::clone)
    }
}

impl Files {
    /// Files by name; `to_yaml` is the function of that name, which `AsConfig` and `AsSecrets` print with.
    pub fn new(mut entries: Vec<File>, links: Vec<String>, to_yaml: Body) -> Self {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Self { entries: entries.into(), links: links.into(), to_yaml }
    }

    fn content(&self, name: &str) -> Result<Option<Text>, Fault> {
        let linked = |link: &&String| name == *link || name.starts_with(&format!("{link}/"));
        if let Some(link) = self.links.iter().find(linked) {
            return Err(Fault::unsupported(format!("{link} is a link, which helm follows and this does not")));
        }
        let found = self.entries.binary_search_by(|file| (*file.name).cmp(name));
        found.ok().map(|at| self.entries[at].text().cloned()).transpose()
    }

    /// Nothing may be behind links where all files are asked for.
    fn all(&self) -> Result<&[File], Fault> {
        match self.links.first() {
            Some(link) => Err(Fault::unsupported(format!("{link} is a link, which helm follows and this does not"))),
            None => Ok(&self.entries),
        }
    }

    /// The files by their base names, each printed by `of`, as YAML.
    fn printed(
        &self,
        context: &mut Context,
        of: fn(&mut Context, &Text) -> Result<Text, Fault>,
    ) -> Result<Value, Fault> {
        let map = Map::new(MapKind::Text);
        for file in self.all()? {
            let text = of(context, file.text()?)?;
            let base = file.name.rsplit('/').next().unwrap_or_default();
            map.insert(Text::plain(base), Value::text(text));
        }
        (self.to_yaml)(context, &[Value::plain(Datum::Map(map))])
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|file| &file.name)).finish()
    }
}

/// A text in base64, which is recomputed when any byte of it changes.
fn base64_of(context: &mut Context, text: &Text) -> Result<Text, Fault> {
    context.budget.text(text.len().div_ceil(3) * 4)?;
    let Flow { data, .. } = Value::text(text.clone()).flow(context);
    Ok(Text::new(STANDARD.encode(text.bytes()).as_bytes(), MadeOf::Derived(data)))
}

/// The only argument, which must be a text.
fn name_of<'a>(method: &str, arguments: &'a [Value]) -> Result<&'a Text, Fault> {
    match arguments {
        [Value { datum: Datum::Text(text), .. }] => Ok(text),
        [other] => {
            let found = other.type_name();
            Err(Fault::failed(format!("wrong type for value; expected string; got {found}")))
        }
        _ => {
            let count = arguments.len();
            Err(Fault::failed(format!("wrong number of args for {method}: want 1 got {count}")))
        }
    }
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn field(&self, name: &str) -> Option<Value> {
        let content = self.content(name).ok()?;
        Some(Value::plain(content.map_or(Datum::List(List::nil(Element::Byte)), Datum::Bytes)))
    }

    fn call(&self, name: &str, arguments: &[Value], context: &mut Context) -> Option<Result<Value, Fault>> {
        let one = |of: &dyn Fn(&str) -> Result<Value, Fault>| {
            name_of(name, arguments).and_then(|argument| of(&argument.lossy()))
        };
        let none = |count: usize| match count {
            0 => Ok(()),
            count => Err(Fault::failed(format!("wrong number of args for {name}: want 0 got {count}"))),
        };
        let result = match name {
            "Get" => one(&|file| Ok(Value::text(self.content(file)?.unwrap_or_default()))),
            "GetBytes" => one(&|file| Ok(Value::plain(Datum::Bytes(self.content(file)?.unwrap_or_default())))),
            "Glob" => one(&|pattern| {
                let glob = Glob::new(pattern);
                let entries = self.all()?.iter().filter(|file| glob.matches(&file.name)).cloned().collect();
                let links = Rc::default();
                Ok(Value::plain(Datum::Object(Rc::new(Self { entries, links, to_yaml: self.to_yaml }))))
            }),
            "Lines" => one(&|file| {
                let Some(content) = self.content(file)? else { return Ok(Value::texts(Vec::new())) };
                lines(&content).map(Value::texts)
            }),
            "AsConfig" => none(arguments.len()).and_then(|()| self.printed(context, |_, text| Ok(text.clone()))),
            "AsSecrets" => none(arguments.len()).and_then(|()| self.printed(context, base64_of)),
            _ => return None,
        };
        let asked = arguments.iter().fold(SetId::EMPTY, |set, argument| {
            let Flow { data, control } = argument.flow(context);
            context.sets.union_all([set, data, control])
        });
        Some(result.map(|value| value.under(asked, context)))
    }

    fn is_true(&self) -> bool {
        !self.entries.is_empty()
    }

    fn print(&self, context: &mut Context) -> Result<Text, Fault> {
        let mut out = TextBuilder::default();
        out.push(&Text::plain("map["));
        for (index, file) in self.all()?.iter().enumerate() {
            let content = file.text()?;
            context.budget.text(content.len() * 4)?;
            let Flow { data, control } = Value::text(content.clone()).flow(context);
            let space = if index > 0 { " " } else { "" };
            out.push(&Text::plain(format!("{space}{}:", file.name)));
            out.push_bytes(&numbers(content.bytes()), MadeOf::Derived(data), control);
        }
        out.push(&Text::plain("]"));
        Ok(out.build())
    }

    fn json(&self, context: &mut Context) -> Result<Value, Fault> {
        let map = Map::new(MapKind::Any);
        for file in self.all()? {
            let text = base64_of(context, file.text()?)?;
            map.insert(Text::plain(&*file.name), Value::text(text));
        }
        Ok(Value::plain(Datum::Map(map)))
    }

    fn entries(&self) -> Option<Result<Vec<(Value, Value)>, Fault>> {
        let entry = |file: &File| {
            let content = file.text()?.clone();
            Ok((Value::text(Text::plain(&*file.name)), Value::plain(Datum::Bytes(content))))
        };
        Some(self.all().and_then(|files| files.iter().map(entry).collect()))
    }

    fn is_same(&self, other: &dyn Object) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let same = |(a, b): (&File, &File)| {
            a.name == b.name
                && match (&a.content, &b.content) {
                    (Ok(a), Ok(b)) => a.is_same(b),
                    (Err(a), Err(b)) => a == b,
                    _ => false,
                }
        };
        self.links == other.links
            && self.entries.len() == other.entries.len()
            && self.entries.iter().zip(other.entries.iter()).all(same)
    }
}

/// Bytes as Go prints a `[]byte`: numbers between brackets.
fn numbers(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 4 + 2);
    out.push(b'[');
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        if *byte >= 100 {
            out.push(b'0' + byte / 100);
        }
        if *byte >= 10 {
            out.push(b'0' + byte / 10 % 10);
        }
        out.push(b'0' + byte % 10);
    }
    out.push(b']');
    out
}

/// The lines without their breaks; one break at the very end counts for none. Go fails on an empty file.
fn lines(content: &Text) -> Result<Vec<Text>, Fault> {
    let bytes = content.bytes();
    let end = match bytes.last() {
        None => return Err(Fault::failed("runtime error: index out of range [-1]")),
        Some(b'\n') => bytes.len() - 1,
        Some(_) => bytes.len(),
    };
    let (mut lines, mut start) = (Vec::new(), 0);
    for at in (0..end).filter(|at| bytes[*at] == b'\n') {
        lines.push(content.slice(start..at));
        start = at + 1;
    }
    lines.push(content.slice(start..end));
    Ok(lines)
}
