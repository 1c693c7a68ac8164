//! The functions that Terragrunt adds to Terraform's, and what becomes of the path of the checkout in those of Terraform.

use super::{At, CHECKOUT, MARK, NAME};
use crate::{
    engine::terraform::{
        evaluate::Evaluator,
        leaf::{Leaf, Role, Says},
        problem::Problem,
        scope::Stop,
        types::Type,
        unknown::Reason,
        value::{Datum, Value},
    },
    source::{lineage::text::Text, path::RepoPath},
};

/// Functions whose answers depend on the machine, the run, a command or a secret.
const OPEN: &[&str] = &[
    "get_env",
    "run_cmd",
    "get_platform",
    "get_terraform_command",
    "get_terraform_cli_args",
    "get_aws_account_alias",
    "get_aws_account_id",
    "get_aws_caller_identity_arn",
    "get_aws_caller_identity_user_id",
    "sops_decrypt_file",
    "get_terragrunt_source_cli_flag",
    "get_default_retryable_errors",
    "get_working_dir",
    "read_tfvars_file",
    "mark_as_read",
    "mark_glob_as_read",
    "constraint_check",
    "deep_merge",
    "get_terraform_commands_that_need_vars",
    "get_terraform_commands_that_need_locking",
    "get_terraform_commands_that_need_input",
    "get_terraform_commands_that_need_parallelism",
    "timecmp",
];

/// Functions of Terraform whose answers are the same wherever the checkout is, or hold its path.
const SAFE: &[&str] = &[
    "basename",
    "coalesce",
    "concat",
    "dirname",
    "file",
    "fileexists",
    "format",
    "join",
    "jsondecode",
    "lookup",
    "merge",
    "templatefile",
    "toset",
    "tolist",
    "tomap",
    "tostring",
    "trimprefix",
    "yamldecode",
];

/// Tells whether a value holds a path of the checkout.
pub fn holds_checkout(value: &Value) -> bool {
    match value.datum() {
        Datum::String(string) => string.as_str().contains(MARK),
        Datum::Sequence(elements) => elements.iter().any(holds_checkout),
        Datum::Mapping(mapping) => {
            mapping.entries().iter().any(|entry| entry.key.as_str().contains(MARK) || holds_checkout(&entry.value))
        }
        _ => false,
    }
}

impl Evaluator<'_, '_> {
    /// The answer of a function of Terragrunt; nothing where it is one of Terraform's.
    ///
    /// # Errors
    /// What Terragrunt refuses.
    pub(in crate::engine::terraform) fn terragrunt_call(
        &mut self,
        name: &str,
        values: &[Value],
        at: &At,
    ) -> Result<Option<Value>, Stop> {
        let folder = at.config.parent().unwrap_or_default();
        let path = match name {
            "get_terragrunt_dir" => absolute(&folder),
            "get_original_terragrunt_dir" => absolute(&at.original.parent().unwrap_or_default()),
            "get_repo_root" => absolute(&RepoPath::root()),
            "get_path_from_repo_root" => relative(&RepoPath::root(), &folder),
            "get_path_to_repo_root" => relative(&folder, &RepoPath::root()),
            "get_parent_terragrunt_dir" => absolute(&self.included(at, values)?.unwrap_or(folder)),
            "path_relative_to_include" => relative(&self.included(at, values)?.unwrap_or(folder.clone()), &folder),
            "path_relative_from_include" => {
                let included = self.included(at, values)?.unwrap_or(folder.clone());
                relative(&folder, &included)
            }
            "find_in_parent_folders" => return self.parent_file(at, values).map(Some),
            "read_terragrunt_config" => return self.other_config(at, values).map(Some),
            _ if OPEN.contains(&name) => return Ok(Some(self.open_call(name, values))),
            _ if SAFE.contains(&name) => return Ok(None),
            _ if self.meets_checkout(values)? => return Ok(Some(self.open_call(name, values))),
            _ => return Ok(None),
        };
        Ok(Some(self.path_value(&path)))
    }

    /// Tells whether values hold a path of the checkout.
    pub(in crate::engine::terraform) fn meets_checkout(&mut self, values: &[Value]) -> Result<bool, Stop> {
        self.context.budget.step(values.iter().map(Value::size).fold(0, usize::saturating_add))?;
        Ok(values.iter().any(holds_checkout))
    }

    /// An answer that nobody knows here.
    pub(in crate::engine::terraform) fn open_call(&mut self, name: &str, values: &[Value]) -> Value {
        let flow = self.flow_of(values);
        Value::unknown_of(Type::Dynamic, Reason::Run(format!("{name}()").into())).with_flow(flow)
    }

    fn path_value(&mut self, path: &str) -> Value {
        let says = Says::BuiltIn("a path of Terragrunt");
        let at = self.path(&["path"]);
        let leaf = self.context.sets.leaf(Leaf { says, role: Role::BuiltIn, place: None, path: at });
        Value::string(Text::verbatim(path.as_bytes(), leaf))
    }

    /// The folder of what a file includes; nothing where it includes nothing.
    fn included(&self, at: &At, values: &[Value]) -> Result<Option<RepoPath>, Stop> {
        let found = match (&at.includes[..], values) {
            ([], _) => return Ok(None),
            ([(_, only)], _) => only,
            (all, [name]) => {
                let found = name.as_str().and_then(|name| all.iter().find(|(known, _)| known == name));
                let Some((_, path)) = found else {
                    return Err(Problem::broken("no include block has this name").into());
                };
                path
            }
            _ => return Err(Problem::broken("which of several includes is meant has to be said").into()),
        };
        Ok(Some(found.parent().unwrap_or_default()))
    }

    /// A file of a folder above the one that is read.
    fn parent_file(&mut self, at: &At, values: &[Value]) -> Result<Value, Stop> {
        let name = match values.first() {
            None => NAME,
            Some(name) => match name.as_str() {
                Some("") => NAME,
                Some(name) => name,
                None => return Ok(self.open_call("find_in_parent_folders", values)),
            },
        };
        let mut folder = at.config.parent().unwrap_or_default();
        while let Some(above) = folder.parent() {
            if let Ok(path) = above.resolve(name)
                && (self.context.files.entry(&path).is_some() || self.context.files.is_folder(&path))
            {
                return Ok(self.path_value(&absolute(&path)));
            }
            folder = above;
        }
        match values.get(1) {
            Some(otherwise) => Ok(otherwise.clone()),
            None => Err(Problem::broken(format!("find_in_parent_folders: no folder above has {name:?}")).into()),
        }
    }

    /// What another file says.
    fn other_config(&mut self, at: &At, values: &[Value]) -> Result<Value, Stop> {
        let Some(text) = values.first().and_then(Value::as_str) else {
            return Ok(self.open_call("read_terragrunt_config", values));
        };
        let path = self.config_path(&at.config, text)?;
        if self.context.files.entry(&path).is_none() {
            return match values.get(1) {
                Some(otherwise) => Ok(otherwise.clone()),
                None => Err(Problem::broken(format!("read_terragrunt_config: {path} is not there")).into()),
            };
        }
        if matches!(path.name(), "terragrunt.stack.hcl" | "terragrunt.values.hcl") || !path.as_str().ends_with(".hcl") {
            return Ok(self.open_call("read_terragrunt_config", values));
        }
        let inner = At {
            config: path.clone(),
            file: path,
            is_included: false,
            includes: Vec::new(),
            original: at.original.clone(),
            depth: at.depth + 1,
        };
        self.config(&inner).map(|config| config.value())
    }
}

/// The path that a file of the repository has in the checkout.
fn absolute(path: &RepoPath) -> String {
    if path.as_str().is_empty() { CHECKOUT.to_owned() } else { format!("{CHECKOUT}/{path}") }
}

/// The way from one folder to another.
fn relative(from: &RepoPath, to: &RepoPath) -> String {
    let parts = |path: &RepoPath| -> Vec<String> {
        path.as_str().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let way: Vec<String> = up.chain(to[shared..].iter().cloned()).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}
