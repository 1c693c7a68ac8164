//! A question about a value: a jq program, compiled when it is first asked for.
//!
//! Most processes judge resources of two or three kinds and need few of the rules' programs. Programs of an operator's own
//! rules may run for ever: they are run by whoever the operator's process gives them to, with a deadline.

use std::{fmt, sync::Arc, sync::OnceLock};

use jaq_json::Val;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{
    program::{Program, ProgramError},
    value::type_name,
};

/// What messages call a condition.
const NAME: &str = "condition";

/// How a program runs that may not end: it gets the program and a value, and gives its outputs or what went wrong.
pub type Run = Arc<dyn Fn(Arc<Program>, Value) -> Result<Vec<Value>, Fault> + Send + Sync>;

/// Why a program does not tell what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It says so itself, in words that may quote any value of the resource: they go to nobody but who writes rules.
    #[error("the program fails: {0}")]
    Said(String),
    /// What is wrong with it, in our own words, which hold nothing of the resource.
    #[error("{0}")]
    Found(String),
}

/// A question about a value.
pub struct Condition {
    text: String,
    prelude: Arc<str>,
    program: OnceLock<Result<Arc<Program>, ProgramError>>,
    run: Option<Run>,
}

impl Condition {
    /// A question of a text after a prelude's definitions.
    pub fn new(prelude: &Arc<str>, text: String, run: Option<&Run>) -> Self {
        Self { text, prelude: prelude.clone(), program: OnceLock::new(), run: run.cloned() }
    }

    /// Compiles it now, which else happens when it is first asked.
    ///
    /// # Errors
    /// Why the text is no program.
    pub fn check(&self) -> Result<(), ProgramError> {
        self.program().map(drop)
    }

    /// Whether it holds of a value.
    ///
    /// # Errors
    /// Where the program fails or answers anything but `true`, `false` or a list, which holds unless it is empty.
    pub fn holds(&self, value: &Value) -> Result<bool, Fault> {
        Ok(!self.instances(value)?.is_empty())
    }

    /// What it holds of: the items of the list that it answers; one for `true`, none for `false`.
    ///
    /// # Errors
    /// As [`Self::holds`].
    pub fn instances(&self, value: &Value) -> Result<Vec<Value>, Fault> {
        match self.answer(value)? {
            Value::Bool(holds) => Ok(if holds { vec![Value::Bool(true)] } else { Vec::new() }),
            Value::Array(instances) => Ok(instances),
            other => {
                let answer = type_name(&other);
                Err(Fault::Found(format!("a condition answers true, false or a list, and this is {answer}")))
            }
        }
    }

    /// What it answers.
    ///
    /// # Errors
    /// Where the program fails or answers more or less than one value.
    pub fn answer(&self, value: &Value) -> Result<Value, Fault> {
        let program = self.program().map_err(|error| Fault::Found(error.to_string()))?;
        let outputs = match &self.run {
            Some(run) => run(program, value.clone())?,
            None => once(&program, value)?,
        };
        let [answer] = <[Value; 1]>::try_from(outputs).map_err(|outputs| {
            Fault::Found(format!("a program of a rule answers one value, and this answers {}", outputs.len()))
        })?;
        Ok(answer)
    }

    fn program(&self) -> Result<Arc<Program>, ProgramError> {
        let compile = || Program::compile(&self.prelude, NAME, &self.text).map(Arc::new);
        self.program.get_or_init(compile).clone()
    }
}

/// Runs a program that ends, for at most two outputs: one is wanted.
///
/// # Errors
/// Where it fails.
pub fn once(program: &Program, value: &Value) -> Result<Vec<Value>, Fault> {
    let value = Val::deserialize(value).map_err(|error| Fault::Said(error.to_string()))?;
    program.run(value, 2).map_err(|error| Fault::Said(error.to_string()))
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
