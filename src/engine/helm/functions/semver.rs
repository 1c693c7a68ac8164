//! Semantic versions: `semver` and `semverCompare`, and the version object with its methods.
//!
//! Masterminds/semver 3.3.0, mistakes included.

pub mod constraint;
pub mod version;

use std::rc::Rc;

use self::{constraint::Constraints, version::Version};
use super::argument::{deep, derived, lossy, object, own, wrong_type};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Function, Parameter::Text as Spelled},
        value::{Datum, Object, Value},
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
};

/// The functions.
pub const FUNCTIONS: &[Function] =
    &[own("semver", &[Spelled], None, semver), derived("semverCompare", &[Spelled, Spelled], None, semver_compare)];

/// Go's `*semver.Version`, or `semver.Version` as the `Inc…` methods return it: the latter lacks the methods that need an
/// address.
#[derive(Clone, Debug)]
pub struct VersionObject {
    version: Version,
    is_pointer: bool,
    /// What it was parsed from.
    data: SetId,
}

fn semver(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let version = Version::parse(&lossy(&arguments[0])?).map_err(Fault::failed)?;
    let flow = deep(context, arguments)?;
    let object = VersionObject { version, is_pointer: true, data: flow.data };
    Ok(Value { datum: Datum::Object(Rc::new(object)), made_of: MadeOf::Derived(flow.data), control: flow.control })
}

fn semver_compare(_: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let constraints = Constraints::parse(&lossy(&arguments[0])?).map_err(Fault::failed)?;
    let version = Version::parse(&lossy(&arguments[1])?).map_err(Fault::failed)?;
    Ok(Value::plain(Datum::Bool(constraints.check(&version))))
}

/// What copystructure makes of an object: of a version, whose fields are private, one that is all zeros.
pub fn copied(object: &Rc<dyn Object>) -> Rc<dyn Object> {
    let any: &dyn std::any::Any = &**object;
    match any.downcast_ref::<VersionObject>() {
        Some(version) => Rc::new(VersionObject { version: Version::default(), ..version.clone() }),
        None => object.clone(),
    }
}

impl VersionObject {
    /// Go's `reflect.DeepEqual`, which looks at the private fields too.
    pub fn is_deeply(&self, other: &Self) -> bool {
        self.is_pointer == other.is_pointer && self.version == other.version
    }

    fn text(&self, text: &str) -> Value {
        let made_of = MadeOf::Derived(self.data);
        Value::new(Datum::Text(Text::new(text.as_bytes(), made_of)), made_of)
    }

    fn next(&self, version: Version) -> Value {
        let object = Self { version, is_pointer: false, data: self.data };
        Value::new(Datum::Object(Rc::new(object)), MadeOf::Derived(self.data))
    }

    fn compared(
        &self,
        name: &str,
        arguments: &[Value],
        context: &mut Context,
        answer: fn(std::cmp::Ordering) -> Datum,
    ) -> Result<Value, Fault> {
        let [argument] = arguments else { return Err(wrong_number(name, 1, arguments.len())) };
        let other = match object::<Self>(argument) {
            Some(other) if other.is_pointer => other,
            None if matches!(argument.datum, Datum::Nil) => {
                return Err(Fault::failed("runtime error: invalid memory address or nil pointer dereference"));
            }
            _ => return Err(wrong_type("*semver.Version", argument)),
        };
        let flow = argument.flow(context);
        let data = context.sets.union(self.data, flow.data);
        Ok(Value {
            datum: answer(self.version.compare(&other.version)),
            made_of: MadeOf::Derived(data),
            control: flow.control,
        })
    }
}

impl Object for VersionObject {
    fn type_name(&self) -> &'static str {
        if self.is_pointer { "*semver.Version" } else { "semver.Version" }
    }

    fn kind(&self) -> &'static str {
        if self.is_pointer { "ptr" } else { "struct" }
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, arguments: &[Value], context: &mut Context) -> Option<Result<Value, Fault>> {
        let needs_address = matches!(
            name,
            "Original" | "Compare" | "Equal" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual"
        );
        if needs_address && !self.is_pointer {
            return None;
        }
        let number = |number: u64| Value::new(Datum::Uint64(number), MadeOf::Derived(self.data));
        let version = &self.version;
        let simple = match name {
            "Major" => number(version.major),
            "Minor" => number(version.minor),
            "Patch" => number(version.patch),
            "Prerelease" => self.text(&version.prerelease),
            "Metadata" => self.text(&version.metadata),
            "Original" => self.text(&version.original),
            "String" | "Value" => self.text(&version.to_string()),
            "MarshalText" => match self.text(&version.to_string()).datum {
                Datum::Text(text) => Value::plain(Datum::Bytes(text)),
                other => Value::plain(other),
            },
            "IncMajor" => self.next(version.next_major()),
            "IncMinor" => self.next(version.next_minor()),
            "IncPatch" => self.next(version.next_patch()),
            "SetPrerelease" | "SetMetadata" => return Some(self.changed(name, arguments, context)),
            _ => {
                return self.comparison(name, arguments, context);
            }
        };
        Some(if arguments.is_empty() { Ok(simple) } else { Err(wrong_number(name, 0, arguments.len())) })
    }

    fn is_true(&self) -> bool {
        true
    }

    fn print(&self, _: &mut Context) -> Result<Text, Fault> {
        Ok(Text::new(self.version.to_string().as_bytes(), MadeOf::Derived(self.data)))
    }

    fn json(&self, _: &mut Context) -> Result<Value, Fault> {
        Ok(self.text(&self.version.to_string()))
    }
}

impl VersionObject {
    fn comparison(&self, name: &str, arguments: &[Value], context: &mut Context) -> Option<Result<Value, Fault>> {
        let answer: fn(std::cmp::Ordering) -> Datum = match name {
            "Compare" => |ordering| Datum::Int(ordering as i64),
            "Equal" => |ordering| Datum::Bool(ordering.is_eq()),
            "LessThan" => |ordering| Datum::Bool(ordering.is_lt()),
            "LessThanEqual" => |ordering| Datum::Bool(ordering.is_le()),
            "GreaterThan" => |ordering| Datum::Bool(ordering.is_gt()),
            "GreaterThanEqual" => |ordering| Datum::Bool(ordering.is_ge()),
            "MarshalJSON" | "UnmarshalJSON" | "UnmarshalText" | "Scan" => {
                return Some(Err(Fault::unsupported(format!("the method {name} of versions"))));
            }
            _ => return None,
        };
        Some(match (name, arguments) {
            ("Equal", [nil]) if matches!(nil.datum, Datum::Nil) => Ok(Value::plain(Datum::Bool(false))),
            _ => self.compared(name, arguments, context, answer),
        })
    }

    fn changed(&self, name: &str, arguments: &[Value], context: &mut Context) -> Result<Value, Fault> {
        let [argument] = arguments else { return Err(wrong_number(name, 1, arguments.len())) };
        let text = lossy(argument)?;
        let version = match name {
            "SetPrerelease" => self.version.with_prerelease(&text),
            _ => self.version.with_metadata(&text),
        }
        .map_err(Fault::failed)?;
        let flow = argument.flow(context);
        let data = context.sets.union(self.data, flow.data);
        let object = Self { version, is_pointer: false, data };
        Ok(Value { datum: Datum::Object(Rc::new(object)), made_of: MadeOf::Derived(data), control: flow.control })
    }
}

/// Go's complaint about the number of arguments of a method.
pub fn wrong_number(name: &str, wanted: usize, got: usize) -> Fault {
    Fault::failed(format!("wrong number of args for {name}: want {wanted} got {got}"))
}
