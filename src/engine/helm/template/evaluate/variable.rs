//! Variables: each template has its own, and the innermost of a name counts.

use super::super::{ast::Variable, fault::Fault};
use super::{Eval, Evaluator, Held, failure::Failure};

/// A variable.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Its name, in the text of the template that is being executed; nothing for the template's argument.
    pub(super) name: Option<Variable>,
    pub(super) held: Held,
}

/// The name of the template's argument.
const ARGUMENT: &str = "$";

impl Slot {
    /// Tells whether it is called so. `text` is that of the template that is being executed.
    fn is_called(&self, name: &str, text: &str) -> bool {
        self.name.map_or(ARGUMENT, |variable| variable.name(text)) == name
    }
}

impl Evaluator<'_> {
    /// What a variable holds.
    pub(super) fn variable(&self, variable: Variable) -> Eval<Held> {
        match self.slot(variable) {
            Some(slot) => Ok(self.variables[slot].held.clone()),
            None => Err(self.undefined(variable)),
        }
    }

    /// Gives a variable that exists a new value.
    pub(super) fn assign(&mut self, variable: Variable, mut held: Held) -> Eval<()> {
        held.value.control = self.context.sets.union(held.value.control, self.context.control);
        match self.slot(variable) {
            Some(slot) => self.variables[slot].held = held,
            None => return Err(self.undefined(variable)),
        }
        Ok(())
    }

    /// Where the innermost variable of that name is.
    pub(super) fn slot(&self, variable: Variable) -> Option<usize> {
        let text = &*self.unit().text;
        let name = variable.name(text);
        let slot = self.variables[self.frame..].iter().rposition(|slot| slot.is_called(name, text))?;
        Some(self.frame + slot)
    }

    fn undefined(&self, variable: Variable) -> Box<Failure> {
        let message = format!("undefined variable: {}", variable.name(&self.unit().text));
        self.fail(variable.span(), Fault::failed(message))
    }
}
