//! What is new in every run, and what depends on the machine of the run: a plan may know it, a commit does not.

use super::{
    Function,
    Takes::{Number as ANumber, String as AString},
    argument::{a_string, takes, text},
};
use crate::engine::terraform::{
    types::Type,
    unknown::{Reason, Unknown},
    value::Value,
};

/// The functions whose answers differ from run to run.
pub const FUNCTIONS: &[Function] = &[
    Function::new("timestamp", &[], a_string, |_, _, _| Ok(of_run("timestamp()"))),
    Function::new("plantimestamp", &[], a_string, |_, _, _| Ok(of_run("plantimestamp()"))),
    Function::new("uuid", &[], a_string, |_, _, _| Ok(of_run("uuid()"))),
    Function::new("bcrypt", &[takes("str", AString)], a_string, |_, _, _| Ok(of_run("bcrypt()")))
        .rest(takes("cost", ANumber)),
    Function::new("rsadecrypt", &[takes("ciphertext", AString), takes("privatekey", AString)], a_string, |_, _, _| {
        Ok(Value::not_known(Type::String, Unknown::not_null(Reason::Unsupported("rsadecrypt()".into()))))
    }),
    Function::new("abspath", &[takes("path", AString)], a_string, |context, arguments, _| {
        // What it is made relative to is the folder of the run, which a checkout has under the name that it has here.
        let folder = context.runs_in.as_ref().and_then(|folder| folder.resolve(text(&arguments[0])).ok());
        Ok(of_run("abspath()").refined(|refinement| refinement.with_folder(folder.unwrap_or_default())))
    }),
    Function::new("pathexpand", &[takes("path", AString)], a_string, |_, arguments, _| {
        let path = text(&arguments[0]);
        // Only the home folder is the run's; every other path stays as it is.
        if path.starts_with('~') { Ok(of_run("pathexpand()")) } else { Ok(Value::text(path)) }
    }),
];

/// A string that only a run knows.
fn of_run(what: &str) -> Value {
    Value::not_known(Type::String, Unknown::not_null(Reason::Run(what.into())))
}
