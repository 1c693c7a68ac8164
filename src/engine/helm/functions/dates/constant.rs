//! Go's named integers of its calendar: `time.Month` and `time.Weekday`.

use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        value::{Datum, Object, Value},
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
};

/// A month or weekday.
#[derive(Clone, Debug)]
pub struct Constant {
    /// `time.Month` or `time.Weekday`.
    pub type_name: &'static str,
    /// Its English name, which is what it prints.
    pub name: &'static str,
    /// Its number, which is what arithmetic sees.
    pub number: i64,
    /// What it is computed from.
    pub data: SetId,
}

impl Object for Constant {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> &'static str {
        "int"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, _: &[Value], _: &mut Context) -> Option<Result<Value, Fault>> {
        let text = || Value::text(Text::new(self.name.as_bytes(), MadeOf::Derived(self.data)));
        (name == "String").then(|| Ok(text()))
    }

    fn is_true(&self) -> bool {
        self.number != 0
    }

    fn print(&self, _: &mut Context) -> Result<Text, Fault> {
        Ok(Text::new(self.name.as_bytes(), MadeOf::Derived(self.data)))
    }

    fn json(&self, _: &mut Context) -> Result<Value, Fault> {
        Ok(Value::new(Datum::Int(self.number), MadeOf::Derived(self.data)))
    }
}
