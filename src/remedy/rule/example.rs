//! The examples of a rule, which are its tests.

use serde_json::Value;

use super::{
    Rule,
    desired::{Asked, Silent},
    file::Example,
};
use crate::model::value::same;

impl Rule {
    /// What is wrong with an example, in one sentence; nothing where the rule does what it says.
    pub fn disproved(&self, example: &Example) -> Option<String> {
        self.try_example(example).err().map(|why| format!("{}: {why}", example.name))
    }

    fn try_example(&self, example: &Example) -> Result<(), String> {
        let asked = Asked { parameters: &example.parameters, container: example.container.as_deref() };
        let broken = |value: &Value| self.is_broken_by(value).map_err(|error| error.to_string());
        let mut shows_something = false;
        if let Some(keeps) = &example.keeps {
            shows_something = true;
            if broken(keeps)? == Some(true) {
                return Err("the rule is broken by what is said to keep it".to_owned());
            }
        }
        if let Some(before) = &example.before {
            shows_something = true;
            if broken(before)? == Some(false) {
                return Err("the rule is kept by what is said to break it".to_owned());
            }
            match (self.desired(before, asked), &example.after) {
                (Ok(found), Some(after)) if !same(&found, after) => {
                    return Err(format!("expected {after}, found {found}"));
                }
                (Ok(found), Some(_)) => {
                    let is_whole = example.container.is_none() && self.companions.is_empty();
                    if is_whole && broken(&found)? == Some(true) {
                        return Err("what the patch makes of it breaks the rule as well".to_owned());
                    }
                }
                (Ok(found), None) if same(&found, before) && !self.companions.is_empty() => {}
                (Ok(found), None) => return Err(format!("expected no remedy, found {found}")),
                (Err(silent), Some(_)) => return Err(format!("expected a remedy, found {silent:?}")),
                (Err(Silent::Failed(error)), None) => return Err(error.to_string()),
                (Err(_), None) => {}
            }
        }
        if let Some(declared) = &example.declared {
            let weakened = |live: &Value| self.is_weakened(declared, live).map_err(|error| error.to_string());
            if let Some(live) = &example.live {
                shows_something = true;
                if !weakened(live)? {
                    return Err("the drift is not held".to_owned());
                }
            }
            if let Some(harmless) = &example.harmless {
                shows_something = true;
                if weakened(harmless)? {
                    return Err("the harmless drift is held".to_owned());
                }
            }
        }
        if shows_something { Ok(()) } else { Err("it shows nothing".to_owned()) }
    }
}
