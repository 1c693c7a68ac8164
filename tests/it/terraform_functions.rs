//! Terraform's functions, row by row: what an expression answers, as `terraform plan` says it.
//!
//! `tests/it/terraform/functions/*.txt` holds the rows: an expression, and behind a mark what terraform makes of it.
//!
//! ```text
//! => TYPE JSON   both answer this; `?` stands for what a plan does not know
//! ~> TYPE JSON   terraform answers this, we hold it unknown or cannot say it
//! !! WORDS       both refuse it with these words
//! !~ WORDS       both refuse it, we in other words
//! ~! WORDS       terraform refuses it with these words, we cannot say
//! ```
//!
//! Where terraform is on PATH, what the rows say of it is asked again, one plan a file. `UPDATE_EXPECT=1` records the rows
//! anew; a row whose answer differs stays `=>` and fails.

mod expression;
mod oracle;
mod random;

use std::{env, fs, path::PathBuf};

use sourceward::{
    engine::terraform::{
        context::Context,
        files::Files,
        functions,
        problem::{Kind, Problem},
        unknown::Reason,
        value::{Datum, Value},
    },
    source::{path::RepoPath, tree::MemoryTree},
};

use self::oracle::Said;

/// One row of a file.
struct Row {
    line: usize,
    expression: String,
    mark: String,
    says: String,
}

pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/terraform").join(name)
}

fn tables() -> Vec<PathBuf> {
    let mut tables: Vec<PathBuf> = fs::read_dir(folder("functions"))
        .expect("the rows")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    tables.sort();
    assert!(!tables.is_empty(), "no rows were found");
    tables
}

fn read(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.strip_prefix("  ") {
            Some(answer) => {
                let row = rows.last_mut().expect("an answer stands behind its expression");
                let (mark, says) = answer.split_once(' ').unwrap_or((answer, ""));
                (row.mark, row.says) = (mark.to_owned(), says.to_owned());
            }
            None => rows.push(Row {
                line: index + 1,
                expression: line.to_owned(),
                mark: String::new(),
                says: String::new(),
            }),
        }
    }
    rows
}

/// The files that rows read, for us; terraform reads them from the folder.
pub(crate) fn tree() -> MemoryTree {
    let mut files = Vec::new();
    let mut folders = vec![folder("files")];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder of files") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder("files")).expect("inside").to_string_lossy().into_owned();
            files.push((name.parse::<RepoPath>().expect("a path"), fs::read(&path).expect("a file")));
        }
    }
    MemoryTree::of(files)
}

/// What we make of an expression: the answer, or why there is none.
fn ours(expression: &str) -> Result<Value, Problem> {
    let tree = tree();
    let mut context = Context::new(Files::new(&tree, RepoPath::root()));
    expression::evaluate(&mut context, expression)
}

/// A value as rows write it.
fn spelled(value: &Value) -> String {
    let marks = if value.marks().is_sensitive { "sensitive " } else { "" };
    if !value.is_known() {
        return format!("{marks}?");
    }
    if !value.is_wholly_known() {
        return format!("{marks}{}", json(value));
    }
    format!("{marks}{} {}", value.ty(), json(value))
}

fn json(value: &Value) -> String {
    match value.datum() {
        Datum::Unknown(_) => "?".to_owned(),
        Datum::Sequence(elements) => {
            format!("[{}]", elements.iter().map(json).collect::<Vec<_>>().join(","))
        }
        Datum::Mapping(mapping) => {
            let entry = |entry: &sourceward::engine::terraform::value::Entry| {
                format!("{}:{}", quoted(entry.key.as_str()), json(&entry.value))
            };
            format!("{{{}}}", mapping.entries().iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Datum::String(string) => quoted(string.as_str()),
        Datum::Number(number) => number.spelled().expect("a number of few digits"),
        Datum::Bool(bool) => bool.to_string(),
        Datum::Null => "null".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

/// The mark of a row, given what both say.
fn mark(said: &Said, ours: &Result<Value, Problem>) -> &'static str {
    let unsupported = |value: &Value| matches!(value.reason(), Some(Reason::Unsupported(_) | Reason::Run(_)));
    match (said, ours) {
        (Said::Answer(answer), Ok(value)) if spelled(value) == *answer => "=>",
        (Said::Answer(_), Ok(value)) if unsupported(value) => "~>",
        (Said::Answer(_), Err(problem)) if problem.kind != Kind::Broken => "~>",
        (Said::Answer(_), _) => "=>",
        (Said::Refusal(words), Err(problem)) if problem.message == *words => "!!",
        (Said::Refusal(_), Err(problem)) if problem.kind == Kind::Broken => "!~",
        (Said::Refusal(_), Err(_)) => "~!",
        (Said::Refusal(_), Ok(value)) if unsupported(value) => "~!",
        (Said::Refusal(_), Ok(_)) => "!!",
    }
}

/// What is wrong with a row, if anything is.
fn misfit(row: &Row) -> Option<String> {
    let ours = ours(&row.expression);
    let says = row.says.clone();
    let said = if row.mark.ends_with('>') { Said::Answer(says) } else { Said::Refusal(says) };
    let shown = match &ours {
        Ok(value) => spelled(value),
        Err(problem) => format!("{:?}: {}", problem.kind, problem.message),
    };
    let fits = match (&said, &ours, &*row.mark) {
        (Said::Answer(answer), Ok(value), "=>") => spelled(value) == *answer,
        (Said::Answer(_), _, "=>") => false,
        (Said::Refusal(words), Err(problem), "!!") => problem.message == *words,
        (Said::Refusal(_), _, "!!") => false,
        (said, ours, mark) => self::mark(said, ours) == mark,
    };
    (!fits).then(|| format!("line {}: {}\n  {} {}\n  we say {shown}", row.line, row.expression, row.mark, row.says))
}

#[test]
fn rows_are_answered_as_they_say() {
    let (mut count, mut wrong) = (0, Vec::new());
    for table in tables() {
        if env::var_os("UPDATE_EXPECT").is_some() {
            record(&table);
        }
        let text = fs::read_to_string(&table).expect("rows");
        for row in read(&text) {
            count += 1;
            assert!(!row.mark.is_empty(), "{}:{}: a row without an answer", table.display(), row.line);
            if let Some(misfit) = misfit(&row) {
                wrong.push(format!("{}, {misfit}", table.file_name().expect("a name").to_string_lossy()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 900, "there were more rows once: {count}");
}

#[test]
fn terraform_says_what_the_rows_say() {
    if !oracle::is_there() {
        return super::tools::left_out("terraform is not on PATH");
    }
    let mut wrong = Vec::new();
    for table in tables() {
        let text = fs::read_to_string(&table).expect("rows");
        let rows = read(&text);
        let expressions: Vec<&str> = rows.iter().map(|row| &*row.expression).collect();
        for (row, said) in rows.iter().zip(oracle::ask(&expressions)) {
            let fits = match &said {
                Said::Answer(answer) => row.mark.ends_with('>') && *answer == row.says,
                Said::Refusal(words) => !row.mark.ends_with('>') && *words == row.says,
            };
            if !fits {
                wrong.push(format!("{}:{}: {}\n  {said:?}", table.display(), row.line, row.expression));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_of_terraform_is_there() {
    if !oracle::is_there() {
        return super::tools::left_out("terraform is not on PATH");
    }
    let evaluated_elsewhere = ["can", "try"];
    let missing: Vec<String> = oracle::function_names()
        .into_iter()
        .filter(|name| !evaluated_elsewhere.contains(&name.trim_start_matches("core::")))
        .filter(|name| functions::find(name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Writes the answers of a table anew.
fn record(table: &PathBuf) {
    let text = fs::read_to_string(table).expect("rows");
    let rows = read(&text);
    let expressions: Vec<&str> = rows.iter().map(|row| &*row.expression).collect();
    let mut answers = rows.iter().zip(oracle::ask(&expressions)).map(|(row, said)| {
        let mark = mark(&said, &ours(&row.expression));
        let (Said::Answer(says) | Said::Refusal(says)) = said;
        format!("  {mark} {says}\n")
    });
    let mut written = String::new();
    for line in text.lines() {
        if line.starts_with("  ") {
            continue;
        }
        written.push_str(line);
        written.push('\n');
        if !line.is_empty() && !line.starts_with('#') {
            written.push_str(&answers.next().expect("an answer for each row"));
        }
    }
    fs::write(table, written).expect("rows can be written");
}
