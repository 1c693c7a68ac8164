//! Slash-separated paths: Go's `path`, and `path/filepath` as it is on Unix, where both are the same.

use std::ops::Range;

use super::argument::{derived, derived_text, own, text};
use crate::engine::helm::template::{
    context::Context,
    fault::Fault,
    function::{Function, Parameter::Text as Path},
    value::{Datum, Value},
};

/// The functions.
pub const FUNCTIONS: &[Function] = &[
    own("base", &[Path], None, base),
    own("dir", &[Path], None, dir),
    own("clean", &[Path], None, clean),
    own("ext", &[Path], None, ext),
    derived("isAbs", &[Path], None, is_absolute),
    own("osBase", &[Path], None, base),
    own("osDir", &[Path], None, dir),
    own("osClean", &[Path], None, clean),
    own("osExt", &[Path], None, ext),
    derived("osIsAbs", &[Path], None, is_absolute),
];

fn base(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let path = text(&arguments[0])?.bytes();
    let end = path.len() - path.iter().rev().take_while(|byte| **byte == b'/').count();
    let start = path[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    match (path.is_empty(), start == end) {
        (true, _) => made(context, &arguments[0], b"."),
        (false, true) => made(context, &arguments[0], b"/"),
        (false, false) => part(context, &arguments[0], start..end),
    }
}

fn dir(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let path = text(&arguments[0])?.bytes();
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    cleaned(context, &arguments[0], &path[..end])
}

fn clean(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    cleaned(context, &arguments[0], text(&arguments[0])?.bytes())
}

fn ext(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let path = text(&arguments[0])?.bytes();
    let name = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let start = path[name..].iter().rposition(|byte| *byte == b'.').map_or(path.len(), |dot| name + dot);
    part(context, &arguments[0], start..path.len())
}

fn is_absolute(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::plain(Datum::Bool(text(&arguments[0])?.bytes().starts_with(b"/"))))
}

/// A part of the path with its own origins.
fn part(context: &mut Context, of: &Value, range: Range<usize>) -> Result<Value, Fault> {
    let part = text(of)?.slice(range);
    if part.is_empty() {
        return made(context, of, b"");
    }
    Ok(Value { datum: Datum::Text(part), ..of.clone() })
}

/// A text that was computed from the path.
fn made(context: &mut Context, of: &Value, bytes: &[u8]) -> Result<Value, Fault> {
    let flow = of.flow(context);
    let text = derived_text(context, bytes, flow.data)?;
    let made_of = crate::source::lineage::text::MadeOf::Derived(flow.data);
    Ok(Value { datum: Datum::Text(text), made_of, control: flow.control })
}

/// Go's `path.Clean` of a beginning of the path.
fn cleaned(context: &mut Context, of: &Value, path: &[u8]) -> Result<Value, Fault> {
    let absolute = path.starts_with(b"/");
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|last| *last != b"..") => {
                names.pop();
            }
            b".." if absolute => {}
            name => names.push(name),
        }
    }
    let mut clean = if absolute { b"/".to_vec() } else { Vec::new() };
    clean.extend(names.join(&b'/'));
    if clean.is_empty() {
        return made(context, of, b".");
    }
    if path.starts_with(&clean) { part(context, of, 0..clean.len()) } else { made(context, of, &clean) }
}
