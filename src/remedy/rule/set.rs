//! All rules that a process knows: those of the binary and the operator's own.

use std::{collections::BTreeMap, sync::Arc};

use include_dir::{Dir, File, include_dir};
use serde_json::Value;

use super::{
    Action, Decline, New, Operation, Rule, RuleError,
    condition::{Condition, Fault, Run},
    desired::parameter,
    file::{Op, OperationFile, RuleFile},
    path::Path,
};

const EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/remediations");
const PRELUDE: &str = "prelude.jq";

/// The kinds of Kubernetes that have a pod template.
pub const WORKLOADS: [&str; 10] = [
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "PodTemplate",
    "Rollout.argoproj.io",
];

/// The longest file of a rule, in bytes.
const MAX_FILE_BYTES: usize = 64 << 10;

/// The rules that a process knows.
#[derive(Debug, Default)]
pub struct Rules {
    by_id: BTreeMap<String, Rule>,
    /// The rules that answer a sender's rule, by its id in one spelling.
    by_match: BTreeMap<String, Vec<String>>,
    /// The rules that speak of a kind of resource.
    by_kind: BTreeMap<String, Vec<String>>,
}

impl Rules {
    /// The rules that are part of the binary.
    ///
    /// # Errors
    /// Where one is no rule, which a test rules out.
    pub fn embedded() -> Result<Self, RuleError> {
        let (mut rules, ours) = (Self::default(), prelude());
        for (path, content) in embedded_files(&EMBEDDED) {
            if path.ends_with(".yaml") {
                rules.add(read(path, content, &ours, None)?);
            }
        }
        Ok(rules)
    }

    /// These rules and those of files: paths relative to a folder of rules (`kubernetes/privileged.yaml`) with their content.
    /// One with the id of ours replaces it. Their programs are run by `run`, and are compiled now, after the definitions of
    /// their `prelude.jq` or of ours.
    ///
    /// # Errors
    /// The first file that is no rule.
    pub fn with_files<P: AsRef<str>, C: AsRef<[u8]>>(
        mut self,
        files: impl IntoIterator<Item = (P, C)>,
        run: &Run,
    ) -> Result<Self, RuleError> {
        let files: BTreeMap<String, C> =
            files.into_iter().map(|(path, content)| (path.as_ref().to_owned(), content)).collect();
        let own = files.get(PRELUDE).and_then(|content| str::from_utf8(content.as_ref()).ok());
        let prelude = own.map_or_else(prelude, Arc::from);
        for (path, content) in files.iter().filter(|(path, _)| path.ends_with(".yaml")) {
            let rule = read(path, content.as_ref(), &prelude, Some(run))?;
            rule.conditions()
                .try_for_each(Condition::check)
                .map_err(|error| rule.error(Fault::Found(error.to_string())))?;
            self.add(rule);
        }
        Ok(self)
    }

    /// The rule of an id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.by_id.get(id)
    }

    /// All rules, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.by_id.values()
    }

    /// The rules that answer a sender's rule, or ours of that id.
    pub fn answering(&self, id: &str) -> impl Iterator<Item = &Rule> {
        let own = self.get(id);
        let others = self.by_match.get(&spelled(id)).into_iter().flatten().filter_map(|id| self.get(id));
        own.into_iter().chain(others)
    }

    /// The rules that speak of a kind of object or a type of resource.
    pub fn about(&self, kind: &str) -> impl Iterator<Item = &Rule> {
        self.by_kind.get(kind).into_iter().flatten().filter_map(|id| self.get(id))
    }

    fn add(&mut self, rule: Rule) {
        if self.by_id.contains_key(&rule.id) {
            for ids in self.by_match.values_mut().chain(self.by_kind.values_mut()) {
                ids.retain(|id| *id != rule.id);
            }
        }
        for id in rule.matches.iter().flat_map(|(_, ids)| ids) {
            self.by_match.entry(spelled(id)).or_default().push(rule.id.clone());
        }
        for kind in &rule.resources {
            self.by_kind.entry(kind.clone()).or_default().push(rule.id.clone());
        }
        self.by_id.insert(rule.id.clone(), rule);
    }
}

impl Rule {
    /// Its programs.
    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let own = self.when.iter().chain(&self.weakens);
        own.chain(self.declines.iter().filter_map(|decline| decline.when.as_ref()))
            .chain(self.patch.iter().filter_map(|operation| operation.of.as_ref()))
            .chain(self.patch.iter().filter_map(|operation| match &operation.action {
                Action::Add { value: New::Computed(program), .. } | Action::Replace(New::Computed(program)) => {
                    Some(program)
                }
                Action::Add { .. } | Action::Replace(_) | Action::Remove => None,
            }))
    }

    /// Compiles all its programs.
    ///
    /// # Errors
    /// The first that is none.
    pub fn check(&self) -> Result<(), RuleError> {
        self.conditions().try_for_each(Condition::check).map_err(|error| self.error(Fault::Found(error.to_string())))
    }
}

/// One spelling of a sender's rule id: Trivy alone writes `KSV017`, `KSV-0017` and `AVD-KSV-0017`.
fn spelled(id: &str) -> String {
    let id = id.to_ascii_uppercase();
    let id = id.strip_prefix("AVD-").unwrap_or(&id);
    match id.strip_prefix("KSV").map(|rest| rest.trim_start_matches('-').trim_start_matches('0')) {
        Some(number) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("KSV{number}")
        }
        _ => id.to_owned(),
    }
}

/// The definitions that our programs share.
fn prelude() -> Arc<str> {
    EMBEDDED.get_file(PRELUDE).and_then(File::contents_utf8).unwrap_or_default().into()
}

fn read(path: &str, content: &[u8], prelude: &Arc<str>, run: Option<&Run>) -> Result<Rule, RuleError> {
    let id = path.strip_suffix(".yaml").unwrap_or(path);
    let error = |what: String| RuleError { rule: id.to_owned(), what: Fault::Found(what) };
    if content.len() > MAX_FILE_BYTES {
        return Err(error(format!("the file is longer than {MAX_FILE_BYTES} bytes")));
    }
    let text = str::from_utf8(content).map_err(|_| error("the file is not UTF-8 text".to_owned()))?;
    let file: RuleFile = serde_yaml::from_str(text).map_err(|wrong| error(wrong.to_string()))?;
    if file.id != id {
        return Err(error(format!("its id is {:?}, and it has to be called as its file", file.id)));
    }
    let domain = id.rsplit_once('/').map_or("", |(domain, _)| domain);
    if !matches!(domain, "kubernetes" | "terraform/aws" | "terraform/google" | "terraform/azure") {
        return Err(error(
            "its folder is none of kubernetes, terraform/aws, terraform/google, terraform/azure".to_owned(),
        ));
    }
    rule(file, prelude, run).map_err(error)
}

fn rule(file: RuleFile, prelude: &Arc<str>, run: Option<&Run>) -> Result<Rule, String> {
    let condition = |text: String| Condition::new(prelude, text, run);
    let mut resources = Vec::new();
    for kind in file.resources {
        match kind.as_str() {
            "workloads" => resources.extend(WORKLOADS.map(str::to_owned)),
            _ => resources.push(kind),
        }
    }
    if file.when.is_none() && file.weakens.is_none() {
        return Err("it has neither `when` nor `weakens`, so nothing breaks it".to_owned());
    }
    if resources.is_empty() || file.examples.is_empty() {
        return Err("it names no resources, or has no examples".to_owned());
    }
    let mut patch = Vec::new();
    for OperationFile { op, path, value, compute, keep, of } in file.patch {
        let path = Path::read(&path)?;
        let value = match (value, compute) {
            (Some(_), Some(_)) => return Err("an operation has a value or computes one".to_owned()),
            (value, None) => value.map(New::Said),
            (None, Some(program)) => Some(New::Computed(condition(program))),
        };
        let action = match (op, value) {
            (Op::Add, Some(value)) => Action::Add { value, keep },
            (Op::Replace, Some(value)) if !keep => Action::Replace(value),
            (Op::Remove, None) if !keep => Action::Remove,
            (Op::Remove, _) => return Err("an operation that removes has no value".to_owned()),
            _ => return Err("an operation needs a value, and only one that adds can keep what is there".to_owned()),
        };
        if let Action::Add { value: New::Said(value), .. } | Action::Replace(New::Said(value)) = &action {
            for name in parameters_of(value) {
                if !file.parameters.contains_key(&name) {
                    return Err(format!("it uses the parameter {name}, which it does not describe"));
                }
            }
        }
        patch.push(Operation { action, path, of: of.map(condition) });
    }
    let decline =
        |decline: super::file::DeclineFile| Decline { when: decline.when.map(condition), because: decline.because };
    Ok(Rule {
        id: file.id,
        title: file.title,
        severity: file.severity,
        rationale: file.rationale,
        references: file.references,
        matches: file.matches.into_iter().collect(),
        resources,
        when: file.when.map(condition),
        weakens: file.weakens.map(condition),
        adoption: file.adoption,
        patch,
        companions: file.companions,
        declines: file.declines.into_iter().map(decline).collect(),
        parameters: file.parameters.into_iter().collect(),
        examples: file.examples,
    })
}

/// The parameters that a value stands for.
fn parameters_of(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => match parameter(map) {
            Some(name) => vec![name.to_owned()],
            None => map.values().flat_map(parameters_of).collect(),
        },
        Value::Array(items) => items.iter().flat_map(parameters_of).collect(),
        _ => Vec::new(),
    }
}

fn embedded_files(folder: &'static Dir<'static>) -> Vec<(&'static str, &'static [u8])> {
    let mut files: Vec<_> = folder.files().filter_map(|file| Some((file.path().to_str()?, file.contents()))).collect();
    files.extend(folder.dirs().flat_map(embedded_files));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_has_many_spellings() {
        for (id, one) in [
            ("KSV017", "KSV17"),
            ("AVD-KSV-0017", "KSV17"),
            ("KSV-0017", "KSV17"),
            ("AVD-AWS-0107", "AWS-0107"),
            ("CKV_K8S_16", "CKV_K8S_16"),
            ("require-probes", "REQUIRE-PROBES"),
        ] {
            assert_eq!(spelled(id), one, "{id}");
        }
    }
}
