//! `sourceward rules`: what the rules are, and whether they do what their examples say.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use super::{Exit, Usage};
use crate::{
    remedy::rule::{Rule, file::RuleFile, set},
    shell::{
        rules,
        terminal::{
            answer::count,
            paint::{BOLD, DIM, GOOD, WARNING, paint, visible},
        },
    },
};

/// `--rules DIR`, which every command about rules takes.
#[derive(Debug, clap::Args)]
pub(super) struct OwnRules {
    /// A folder of further rules; one with the id of ours replaces it.
    #[arg(id = "rules", long = "rules", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl OwnRules {
    pub(super) fn read(&self) -> anyhow::Result<set::Rules> {
        rules::read(self.folder.as_deref()).map_err(|error| Usage(format!("{error:#}")).into())
    }
}

#[derive(Debug, clap::Args)]
pub struct Rules {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the rules: their ids, severities and titles.
    List {
        #[command(flatten)]
        rules: OwnRules,
    },
    /// Show one rule: why, for what, and which rules of other products mean the same.
    Show {
        /// Its id, or the id of another product's rule: `kubernetes/privileged`, `CKV_K8S_16`.
        id: String,
        #[command(flatten)]
        rules: OwnRules,
    },
    /// Run the examples of all rules.
    Test {
        #[command(flatten)]
        rules: OwnRules,
    },
    /// Print the JSON Schema of a rule's file.
    Schema,
}

impl Rules {
    pub fn run(self) -> anyhow::Result<Exit> {
        let mut out = anstream::stdout().lock();
        match self.command {
            Command::List { rules } => {
                for rule in rules.read()?.iter() {
                    let severity = serde_json::to_value(rule.severity)?;
                    writeln!(
                        out,
                        "{:52} {:9} {}",
                        rule.id,
                        severity.as_str().unwrap_or_default(),
                        visible(&rule.title)
                    )?;
                }
            }
            Command::Show { id, rules } => {
                let rules = rules.read()?;
                let mut found = rules.answering(&id).peekable();
                if found.peek().is_none() {
                    return Err(Usage(format!("there is no rule {id:?}: `sourceward rules list` lists them")).into());
                }
                for rule in found {
                    show(rule, &mut out)?;
                }
            }
            Command::Test { rules } => return test(&rules.read()?, &mut out),
            Command::Schema => {
                writeln!(out, "{}", serde_json::to_string_pretty(&schemars::schema_for!(RuleFile))?)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn show(rule: &Rule, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}  {}", paint(BOLD, &rule.id), visible(&rule.title))?;
    writeln!(out, "\n{}\n", visible(rule.rationale.trim_end()))?;
    let mut line = |name: &str, text: String| writeln!(out, "{}  {}", paint(DIM, format!("{name:12}")), visible(&text));
    line("for", rule.resources.join(", "))?;
    for (product, ids) in &rule.matches {
        line(product, ids.join(", "))?;
    }
    for (name, parameter) in &rule.parameters {
        let default = match &parameter.default {
            Some(default) => format!("{default} unless the configuration says another"),
            None => "to be said in .github/sourceward.yaml".to_owned(),
        };
        line("parameter", format!("{name}: {} ({default})", parameter.description))?;
    }
    for reference in &rule.references {
        line("see", reference.clone())?;
    }
    if !rule.has_remedy() {
        line("remedy", "none that holds for every resource: findings are refused".to_owned())?;
    }
    Ok(())
}

/// Says of each rule whether its programs compile and its examples hold.
fn test(rules: &set::Rules, out: &mut impl Write) -> anyhow::Result<Exit> {
    let (mut tested, mut failed) = (0, 0);
    for rule in rules.iter() {
        let compiled = rule.check().err().map(|error| error.what.to_string());
        let examples = rule.examples.iter().filter_map(|example| rule.disproved(example));
        let wrong: Vec<String> = match compiled {
            Some(what) => vec![what],
            None => examples.collect(),
        };
        tested += rule.examples.len();
        failed += usize::from(!wrong.is_empty());
        for what in wrong {
            writeln!(out, "{}  {}  {}", paint(WARNING, "wrong"), rule.id, visible(&what))?;
        }
    }
    let good = rules.iter().count() - failed;
    writeln!(out, "{} {}, {}", paint(GOOD, "hold:"), count(good, "rule"), count(tested, "example"))?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Refused })
}
