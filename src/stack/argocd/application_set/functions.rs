//! The functions of a set's Go templates: sprig's, and two of Argo CD's own.

use std::rc::Rc;

use crate::engine::helm::{
    functions::Functions,
    template::{
        context::Context,
        fault::Fault,
        function::{Function, Lineage, Parameter},
        value::{Datum, Value},
    },
};
use crate::source::lineage::text::Text;

/// What Argo CD adds to sprig.
static OWN: [Function; 2] = [
    Function {
        name: "normalize",
        parameters: &[Parameter::Text],
        rest: None,
        lineage: Lineage::Derived,
        body: |_, arguments| match &arguments[0].datum {
            Datum::Text(text) => Ok(Value::text(Text::plain(normalized(&text.lossy())))),
            _ => Err(Fault::failed("normalize takes a text")),
        },
    },
    Function { name: "slugify", parameters: &[], rest: Some(Parameter::Any), lineage: Lineage::Derived, body: slugify },
];

/// All functions.
pub(super) fn all() -> Rc<Functions> {
    Rc::new(Functions::all().with(&OWN))
}

fn slugify(_: &mut Context, _: &[Value]) -> Result<Value, Fault> {
    Err(Fault::unsupported("slugify is not evaluated by this version"))
}

/// `SanitizeName`: lower case, what no name may have becomes a dash, at most 253 letters, no dash or dot at the ends.
pub(super) fn normalized(name: &str) -> String {
    let lower = name.to_lowercase();
    let allowed = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c) { c } else { '-' };
    let name: String = lower.chars().map(allowed).take(253).collect();
    name.trim_matches(['-', '.']).to_owned()
}
