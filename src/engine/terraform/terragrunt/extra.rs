//! Arguments that Terragrunt adds to those of Terraform: flags, and files of variables.

use super::{At, CHECKOUT};
use crate::{
    engine::terraform::{
        evaluate::Evaluator,
        leaf::{FileId, Role},
        problem::Problem,
        scope::Stop,
        value::Value,
    },
    source::{
        hcl::tree::{Block, Expression, ExpressionKind},
        path::RepoPath,
    },
};

/// Flags that change no value, as far as they begin like this.
const HARMLESS: &[&str] = &["lock", "parallelism", "compact-warnings", "no-color", "input", "refresh"];

impl Evaluator<'_, '_> {
    /// The files of variables of one block, by its name, or why they are not told.
    pub(super) fn extra_files(
        &mut self,
        at: &At,
        file: FileId,
        block: &Block,
        names: &Value,
    ) -> Result<Result<(String, Vec<RepoPath>), Problem>, Stop> {
        let name = block.labels.first().map(|label| label.text.to_string()).unwrap_or_default();
        let untold = |what: &str| Ok(Err(Problem::unsupported(format!("{what} of extra_arguments {name:?}"))));
        if block.body.blocks().next().is_some() {
            return untold("a block");
        }
        let (mut required, mut optional, mut plans) = (Vec::new(), Vec::new(), false);
        for attribute in block.body.attributes() {
            let what = &*attribute.name.text;
            match what {
                "commands" => plans = is_of_plans(&attribute.value),
                "arguments" if is_harmless(&attribute.value) => {}
                "required_var_files" | "optional_var_files" => {
                    let said = self.said(&attribute.value, at, file, Role::Local, &["terraform", what], names)?;
                    let all =
                        said.as_sequence().and_then(|all| all.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
                    let Some(paths) = all else { return untold(what) };
                    let found = if what == "required_var_files" { &mut required } else { &mut optional };
                    for path in paths {
                        // Others are counted from where Terraform runs: a copy of the module.
                        if !path.starts_with(CHECKOUT) {
                            return untold("a relative path");
                        }
                        found.push(self.context.files.resolve(path)?);
                    }
                }
                _ => return untold(what),
            }
        }
        // Whether they are there or not, the unit depends on them.
        let are_there: Vec<bool> =
            required.iter().chain(&optional).map(|path| self.context.files.entry(path).is_some()).collect();
        let are_there = are_there[required.len()..].iter();
        required.extend(optional.into_iter().zip(are_there).filter(|(_, is_there)| **is_there).map(|(path, _)| path));
        if !required.is_empty() && !plans {
            return untold("a file for some commands alone");
        }
        Ok(Ok((name, required)))
    }
}

/// Tells whether commands are both those that plan and those that apply.
fn is_of_plans(commands: &Expression) -> bool {
    match &commands.kind {
        ExpressionKind::Tuple(items) => ["plan", "apply"]
            .iter()
            .all(|command| items.iter().any(|item| item.literal().is_some_and(|text| *text.value == **command))),
        ExpressionKind::Call(call) => &*call.name.text == "get_terraform_commands_that_need_vars",
        _ => false,
    }
}

/// Tells whether arguments change no value.
fn is_harmless(arguments: &Expression) -> bool {
    let ExpressionKind::Tuple(items) = &arguments.kind else { return false };
    items.iter().all(|item| {
        item.literal().is_some_and(|text| {
            let flag = text.value.trim_start_matches('-');
            HARMLESS.iter().any(|known| flag.starts_with(known))
        })
    })
}
