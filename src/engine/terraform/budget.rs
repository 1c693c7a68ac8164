//! What one evaluation may use up. Every limit ends in a [`Problem`] of the kind `Limit`.

use super::{problem::Problem, value::Value};

/// The nodes, elements and comparisons that one evaluation may go through; 290 real configurations together took 87,833.
pub const MAX_STEPS: u64 = 3_000_000;

/// What every instance of a resource may take besides, so that a hundred thousand small ones are no more than one is.
pub const INSTANCE_STEPS: u64 = 60;

/// How many instances may.
pub const MAX_INSTANCES: usize = 100_000;

/// The longest string that is made.
pub const MAX_TEXT: usize = 8 << 20;

/// The bytes of all strings that one evaluation may make.
pub const MAX_BYTES: u64 = 64 << 20;

/// The most elements of a collection that is made.
pub const MAX_ELEMENTS: usize = 1 << 20;

/// The most values within one, as often as each stands there.
pub const MAX_SIZE: usize = 1 << 22;

/// The deepest nesting of values.
pub const MAX_DEPTH: u16 = 400;

/// What may still be used up.
#[derive(Debug)]
pub struct Budget {
    steps: u64,
    bytes: u64,
    /// Instances that may still bring their own steps.
    instances: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: MAX_STEPS, bytes: MAX_BYTES, instances: MAX_INSTANCES }
    }
}

impl Budget {
    /// Takes the cost of going through so many nodes or elements.
    ///
    /// # Errors
    /// A limit when [`MAX_STEPS`] are used up.
    pub fn step(&mut self, steps: usize) -> Result<(), Problem> {
        self.steps = self
            .steps
            .checked_sub(steps as u64)
            .ok_or_else(|| Problem::limit(format!("evaluating takes more than {MAX_STEPS} steps")))?;
        Ok(())
    }

    /// Begins an instance of a resource, which brings [`INSTANCE_STEPS`] of its own.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn instance(&mut self) -> Result<(), Problem> {
        if let Some(instances) = self.instances.checked_sub(1) {
            self.instances = instances;
            self.steps += INSTANCE_STEPS;
        }
        self.step(1)
    }

    /// Takes the cost of looking through a value and its type, which is far less than that of making it.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn look(&mut self, value: &Value) -> Result<(), Problem> {
        self.step(value.size() / 64)
    }

    /// Takes the cost of a string of so many bytes, before it is made.
    ///
    /// # Errors
    /// A limit beyond [`MAX_TEXT`] for one string or [`MAX_BYTES`] for all.
    pub fn text(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes > MAX_TEXT {
            return Err(Problem::limit(format!(
                "a string of {bytes} bytes is longer than the {MAX_TEXT} that are made"
            )));
        }
        self.bytes = self
            .bytes
            .checked_sub(bytes as u64)
            .ok_or_else(|| Problem::limit(format!("evaluating makes more than {MAX_BYTES} bytes of strings")))?;
        Ok(())
    }

    /// Takes the cost of a collection of so many elements, before it is made.
    ///
    /// # Errors
    /// A limit beyond [`MAX_ELEMENTS`], or when the steps are used up.
    pub fn elements(&mut self, elements: usize) -> Result<(), Problem> {
        if elements > MAX_ELEMENTS {
            return Err(Problem::limit(format!(
                "a collection of {elements} elements is larger than the {MAX_ELEMENTS} that are made"
            )));
        }
        self.step(elements)
    }

    /// Checks that a value that was put together is not nested too deep to be walked, and not too large. Whoever makes a
    /// container of values asks this before it goes on with it.
    ///
    /// # Errors
    /// A limit beyond [`MAX_DEPTH`] or [`MAX_SIZE`].
    pub fn nested(&self, value: Value) -> Result<Value, Problem> {
        if value.depth() > MAX_DEPTH {
            return Err(Problem::limit(format!("values are nested deeper than {MAX_DEPTH} levels")));
        }
        if value.size() > MAX_SIZE {
            return Err(Problem::limit(format!("a value holds more than {MAX_SIZE} others")));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_bring_their_own_steps_up_to_a_number() {
        let mut budget = Budget::default();
        for _ in 0..MAX_INSTANCES {
            budget.instance().and_then(|()| budget.step(INSTANCE_STEPS as usize - 1)).expect("its own steps");
        }
        budget.step(MAX_STEPS as usize - 1).expect("everybody's steps");
        budget.instance().expect("the last step");
        assert!(budget.instance().is_err());
    }
}
