//! Trimming, cutting, joining, indenting and quoting, byte for byte as Go's `strings` and sprig do it, with every byte
//! that is only moved keeping its origin.

pub(super) mod cut;
pub(super) mod join;
mod layout;
mod quote;

use super::argument::{decided, text};
use crate::engine::helm::template::{
    context::Context,
    fault::Fault,
    function::{Body, Function, Lineage, Parameter},
    value::{Datum, Value},
};
use Parameter::{Any, Int, Text};

/// The functions of texts.
pub const FUNCTIONS: &[Function] = &[
    own("trim", &[Text], cut::trim),
    own("trimAll", &[Text, Text], cut::trim_all),
    own("trimall", &[Text, Text], cut::trim_all),
    own("trimSuffix", &[Text, Text], cut::trim_suffix),
    own("trimPrefix", &[Text, Text], cut::trim_prefix),
    own("trunc", &[Int, Text], cut::trunc),
    own("substr", &[Int, Int, Text], cut::substr),
    own("abbrev", &[Int, Text], cut::abbrev),
    own("abbrevboth", &[Int, Int, Text], cut::abbrevboth),
    own("split", &[Text, Text], cut::split),
    own("splitn", &[Text, Int, Text], cut::splitn),
    own("splitList", &[Text, Text], cut::split_list),
    derived("initials", &[Text], initials),
    own("nospace", &[Text], layout::nospace),
    own("indent", &[Int, Text], layout::indent),
    own("nindent", &[Int, Text], layout::nindent),
    own("wrap", &[Int, Text], layout::wrap),
    own("wrapWith", &[Int, Text, Text], layout::wrap_with),
    own("repeat", &[Int, Text], layout::repeat),
    own("replace", &[Text, Text, Text], join::replace),
    own("join", &[Text, Any], join::join),
    own("toStrings", &[Any], join::to_strings),
    own("sortAlpha", &[Any], join::sort_alpha),
    own("toString", &[Any], join::to_string),
    Function { rest: Some(Any), ..own("cat", &[], join::cat) },
    Function { rest: Some(Any), ..own("quote", &[], quote::quote) },
    Function { rest: Some(Any), ..own("squote", &[], quote::squote) },
    own("plural", &[Text, Text, Int], plural),
    derived("contains", &[Text, Text], contains),
    derived("hasPrefix", &[Text, Text], has_prefix),
    derived("hasSuffix", &[Text, Text], has_suffix),
];

const fn own(name: &'static str, parameters: &'static [Parameter], body: Body) -> Function {
    Function { name, parameters, rest: None, lineage: Lineage::Own, body }
}

const fn derived(name: &'static str, parameters: &'static [Parameter], body: Body) -> Function {
    Function { name, parameters, rest: None, lineage: Lineage::Derived, body }
}

fn contains(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let found = find(text(&arguments[1])?.bytes(), text(&arguments[0])?.bytes()).is_some();
    Ok(Value::plain(Datum::Bool(found)))
}

fn has_prefix(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let found = text(&arguments[1])?.bytes().starts_with(text(&arguments[0])?.bytes());
    Ok(Value::plain(Datum::Bool(found)))
}

fn has_suffix(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let found = text(&arguments[1])?.bytes().ends_with(text(&arguments[0])?.bytes());
    Ok(Value::plain(Datum::Bool(found)))
}

fn plural(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let chosen = &arguments[usize::from(super::argument::int(&arguments[2])? != 1)];
    let control = decided(context, chosen, &arguments[2..]);
    Ok(Value { control, ..chosen.clone() })
}

/// goutils' `Initials`, which reads each byte as a character: the first byte after white space, as Latin-1.
fn initials(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(&arguments[0])?;
    context.budget.text(text.len())?;
    let mut after_gap = true;
    let mut made = String::new();
    for rune in text.bytes().iter().copied().map(char::from) {
        if rune.is_whitespace() {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            made.push(rune);
        }
    }
    Ok(Value::text(crate::source::lineage::text::Text::plain(made)))
}

/// Where bytes first occur in others; an empty needle occurs at once.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [byte] => haystack.iter().position(|other| other == byte),
        [first, ..] => {
            let last = haystack.len().checked_sub(needle.len())?;
            let mut at = 0;
            while at <= last {
                at += haystack[at..=last].iter().position(|byte| byte == first)?;
                if haystack[at..].starts_with(needle) {
                    return Some(at);
                }
                at += 1;
            }
            None
        }
    }
}
