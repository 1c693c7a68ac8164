//! `required_version`: the versions of Terraform that a configuration works with.
//!
//! Values are worked out as Terraform 1.11 does. Who pins another version 1 deploys with that one, and what differs between
//! them is told by [`demands`]: it is evaluated all the same. What no version 1 satisfies is another language, or an
//! error that every Terraform reports. The grammar is that of HashiCorp's go-version.

use super::{
    configuration::literal,
    module::{Argument, Module},
    problem::Problem,
};

/// The versions 1 that are tried, `1.0.0` to `1.99.99`: no release is beyond.
const MAX_NUMBER: u64 = 99;

/// The most different constraints of a configuration: each is held against all versions.
const MAX_CONSTRAINTS: usize = 100;

/// Looks at what the modules of a configuration say.
///
/// # Errors
/// What is no constraint, constraints that no version 1 satisfies, and more than [`MAX_CONSTRAINTS`].
pub fn check(modules: &[Module<'_>]) -> Result<(), Problem> {
    let mut all = Vec::new();
    for argument in modules.iter().flat_map(|module| &module.versions) {
        let known = all.len();
        for constraint in constraints(*argument).map_err(|problem| problem.at(argument.place()))? {
            gather(&mut all, constraint).map_err(|problem| problem.at(argument.place()))?;
        }
        // Modules mostly say the same.
        if all.len() > known && !is_possible(&all) {
            let text = literal(argument.value()).unwrap_or_default();
            let message = format!(
                "Unsupported Terraform Core version: required_version is {text:?}, and no version 1 satisfies all that is required"
            );
            return Err(Problem::unsupported(message).at(argument.place()));
        }
    }
    Ok(())
}

/// Tells whether a module works with no version before `1.minor`. What is no constraint says nothing.
pub fn demands(module: &Module<'_>, minor: u64) -> bool {
    let is_later = |constraint: Constraint| {
        let is_lower_end = !matches!(constraint.operator, Operator::NotEqual | Operator::Less | Operator::LessOrEqual);
        is_lower_end && constraint.version >= [1, minor, 0]
    };
    module.versions.iter().filter_map(|argument| constraints(*argument).ok()).flatten().any(is_later)
}

fn gather(all: &mut Vec<Constraint>, constraint: Constraint) -> Result<(), Problem> {
    if all.contains(&constraint) {
        return Ok(());
    }
    if all.len() == MAX_CONSTRAINTS {
        return Err(Problem::limit(format!("required_version has more than {MAX_CONSTRAINTS} constraints")));
    }
    all.push(constraint);
    Ok(())
}

/// One condition on a version.
#[derive(Clone, Debug, PartialEq)]
struct Constraint {
    operator: Operator,
    /// Major, minor and patch, zero where they are not written.
    version: [u64; 3],
    /// How many of them are written.
    written: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// At least this version, and the same but for the last number that is written.
    Pessimistic,
}

impl Constraint {
    fn is_kept_by(&self, version: [u64; 3]) -> bool {
        match self.operator {
            Operator::Equal => version == self.version,
            Operator::NotEqual => version != self.version,
            Operator::Greater => version > self.version,
            Operator::GreaterOrEqual => version >= self.version,
            Operator::Less => version < self.version,
            Operator::LessOrEqual => version <= self.version,
            Operator::Pessimistic => {
                let same = self.written.saturating_sub(1);
                version >= self.version && version[..same] == self.version[..same]
            }
        }
    }
}

fn is_possible(all: &[Constraint]) -> bool {
    let numbers = || 0..=MAX_NUMBER;
    let mut versions = numbers().flat_map(|minor| numbers().map(move |patch| [1, minor, patch]));
    versions.any(|version| all.iter().all(|constraint| constraint.is_kept_by(version)))
}

fn constraints(argument: Argument<'_>) -> Result<Vec<Constraint>, Problem> {
    let Some(text) = literal(argument.value()) else {
        return Err(Problem::broken("Variables not allowed: required_version is a literal string."));
    };
    text.split(',').map(|text| constraint(text.trim())).collect()
}

fn constraint(text: &str) -> Result<Constraint, Problem> {
    const OPERATORS: &[(&str, Operator)] = &[
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        ("~>", Operator::Pessimistic),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("=", Operator::Equal),
    ];
    let known = OPERATORS.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
    let (operator, rest) = known.unwrap_or((Operator::Equal, text));
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let malformed = || {
        let message = format!("Invalid version constraint: {text:?} does not use correct version constraint syntax.");
        Problem::broken(message)
    };
    if rest.contains(['-', '+']) && rest.starts_with(|char: char| char.is_ascii_digit()) {
        let message =
            format!("Invalid required_version constraint: Prerelease version constraints are not supported: {text}.");
        return Err(Problem::broken(message));
    }
    let mut version = [0; 3];
    let mut written = 0;
    for number in rest.split('.') {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let place = version.get_mut(written).filter(|_| is_number).ok_or_else(malformed)?;
        *place = number.parse().map_err(|_| malformed())?;
        written += 1;
    }
    Ok(Constraint { operator, version, written })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_1_is_found_or_not() {
        let cases = [
            (">= 1.0", true),
            ("~> 1.5", true),
            ("~> 1.5.0", true),
            ("~> 1", true),
            ("1.5.7", true),
            ("= v1.11", true),
            ("!= 1.11.4", true),
            (">= 0.13, < 2.0.0", true),
            (">0.12", true),
            ("~> 0.14", false),
            ("< 1", false),
            (">= 99.0", false),
            (">= 1.5, < 1.5", false),
            ("~> 1.5.0, >= 1.6", false),
        ];
        for (text, expected) in cases {
            let all: Result<Vec<Constraint>, Problem> = text.split(',').map(|text| constraint(text.trim())).collect();
            assert_eq!(is_possible(&all.expect(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_hundred_constraints_are_the_most() {
        let mut all = Vec::new();
        for patch in 0..MAX_CONSTRAINTS {
            gather(&mut all, constraint(&format!("!= 1.5.{patch}")).expect("a constraint")).expect("one of a hundred");
        }
        gather(&mut all, constraint("!= 1.5.7").expect("a constraint")).expect("it is one of them");
        let problem = gather(&mut all, constraint("> 1.0").expect("a constraint")).expect_err("one more");
        assert_eq!(problem.message, "required_version has more than 100 constraints");
    }

    #[test]
    fn what_is_no_constraint_is_refused() {
        for text in ["", "one", ">=", "1.", "1.2.3.4", "=> 1.0", "1.x", ">= 1.11.0-beta1", "99999999999999999999"] {
            assert!(constraint(text).is_err(), "{text}");
        }
    }
}
