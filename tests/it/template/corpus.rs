//! Charts on disk, wherever `SOURCEWARD_CORPUS` says: all templates parse, every byte has its place, and `gotmpl`, which was
//! written by others, makes the same trees of them.

use std::{fs, path::PathBuf, time::Instant};

use gotmpl::parse::{BranchNode, Expr, ListNode, Node as Theirs, Number, Parser, PipeNode};
use sourceward::engine::helm::template::ast::{Branch, Fields, Node, NodeKind, Operand, OperandKind, Pipeline};

use super::{read, shape};

/// All files of `templates` folders.
fn templates() -> Vec<(PathBuf, String)> {
    let Some(root) = std::env::var_os("SOURCEWARD_CORPUS") else { return Vec::new() };
    let (mut todo, mut found) = (vec![PathBuf::from(root)], Vec::new());
    while let Some(path) = todo.pop() {
        if path.is_symlink() {
        } else if path.is_dir() {
            todo.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.components().any(|part| part.as_os_str() == "templates")
            && let Ok(text) = fs::read_to_string(&path)
        {
            found.push((path, text));
        }
    }
    found.sort();
    found
}

#[test]
fn every_template_of_a_corpus_is_parsed_as_others_parse_it() {
    let (mut same, mut bytes, mut refused, mut differ) = (0, 0, Vec::new(), Vec::new());
    for (path, text) in templates() {
        let theirs = Parser::new(&text, "{{", "}}").and_then(Parser::parse);
        match (read(&text), theirs) {
            (Ok(file), theirs) => {
                shape::check(&text, &file);
                same += 1;
                bytes += text.len();
                let Ok((body, defines)) = theirs else {
                    differ.push(format!("{}: gotmpl refuses it", path.display()));
                    continue;
                };
                let ours = file.defines.iter().map(|define| (define.name.to_string(), nodes(&text, &define.body)));
                let mut ours: Vec<_> = ours.chain([(String::new(), nodes(&text, &file.body))]).collect();
                let theirs = defines.iter().map(|define| (define.name.to_string(), list(&define.body)));
                let mut theirs: Vec<_> = theirs.chain([(String::new(), list(&body))]).collect();
                ours.sort();
                theirs.sort();
                let pairs = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs);
                differ.extend(pairs.map(|(ours, theirs)| format!("{}:\n  {ours:?}\n  {theirs:?}", path.display())));
                assert_eq!(ours.len(), theirs.len(), "{}", path.display());
            }
            (Err(error), _) => refused.push(format!("{}: {error}", path.display())),
        }
    }
    let told = format!("{same} files of {bytes} bytes, {} refused: {refused:#?}", refused.len());
    assert!(differ.is_empty(), "{told}\n{} differ: {}", differ.len(), differ.join("\n"));
    assert!(refused.len() * 100 <= same, "{told}");
}

#[test]
fn a_corpus_that_was_tampered_with_is_read_or_refused() {
    let templates = templates();
    let rounds = std::env::var("SOURCEWARD_ROUNDS").map_or(1, |rounds| rounds.parse().expect("a number"));
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for _ in 0..rounds {
        for (path, text) in &templates {
            let mut text = text.clone();
            for _ in 0..=chance(4) {
                let at = text.floor_char_boundary(chance(text.len() + 1));
                let end = text.floor_char_boundary((at + chance(30)).min(text.len()));
                let (_, other) = &templates[chance(templates.len())];
                let from = other.floor_char_boundary(chance(other.len() + 1));
                let to = other.floor_char_boundary((from + chance(60)).min(other.len()));
                text.replace_range(at..end, &other[from..to]);
            }
            let started = Instant::now();
            if let Ok(file) = read(&text) {
                shape::check(&text, &file);
            }
            assert!(started.elapsed().as_secs() < 10, "{} takes too long", path.display());
        }
    }
}

/// Our tree as text. White space is left out of texts, as `gotmpl` trims too much around comments.
fn nodes(text: &str, body: &[Node]) -> String {
    let mut written = String::new();
    for node in body {
        written += &match &node.kind {
            NodeKind::Text => text[node.span().range()].split_whitespace().collect(),
            NodeKind::Action(one) => format!("{{{}}}", pipeline(text, one)),
            NodeKind::If(one) => branch(text, "if", one),
            NodeKind::With(one) => branch(text, "with", one),
            NodeKind::Range(one) => branch(text, "range", one),
            NodeKind::Template(inclusion) => {
                format!(
                    "{{template {} {:?}}}",
                    inclusion.name,
                    inclusion.argument.as_ref().map(|one| pipeline(text, one))
                )
            }
            NodeKind::Break => "{break}".into(),
            NodeKind::Continue => "{continue}".into(),
        };
    }
    written
}

fn branch(text: &str, word: &str, branch: &Branch) -> String {
    let otherwise = branch.otherwise.as_ref().map(|body| nodes(text, body));
    format!("{{{word} {}: {} else {otherwise:?}}}", pipeline(text, &branch.pipeline), nodes(text, &branch.body))
}

fn pipeline(text: &str, pipeline: &Pipeline) -> String {
    let names: Vec<&str> = pipeline.variables.iter().map(|variable| variable.name(text)).collect();
    let commands =
        pipeline.commands().map(|command| command.operands().map(|one| operand(text, one)).collect::<Vec<_>>());
    format!("{names:?} {} {:?}", pipeline.assigns, commands.collect::<Vec<_>>())
}

fn operand(text: &str, operand: &Operand) -> String {
    let written = &text[operand.span().range()];
    let after = |fields: &Fields| -> String { fields.names(text).map(|name| format!(".{name}")).collect() };
    match &operand.kind {
        OperandKind::Dot => ".".into(),
        OperandKind::Nil => "nil".into(),
        OperandKind::Bool(value) => value.to_string(),
        OperandKind::Number(number) => {
            // What Go takes for a float where the type is open.
            let float = written.contains(['p', 'P'])
                || written.contains(['.', 'e', 'E']) && !written.to_ascii_lowercase().contains("0x");
            match (number.int, number.uint) {
                (Some(int), _) if !float => int.to_string(),
                (None, Some(uint)) if !float => uint.to_string(),
                _ => format!("{:?}", number.float),
            }
        }
        OperandKind::Text(constant) => format!("{:?}", String::from_utf8_lossy(constant.value(written))),
        OperandKind::Field(fields) => after(fields),
        OperandKind::Variable { variable, fields } => format!("{}{}", variable.name(text), after(fields)),
        OperandKind::Function => written.to_string(),
        OperandKind::Pipeline(inner) => format!("({})", pipeline(text, inner)),
        OperandKind::Chain { of, fields } => format!("{}{}", self::operand(text, of), after(fields)),
    }
}

/// Their tree as the same text.
fn list(body: &ListNode) -> String {
    let mut written = String::new();
    for node in &body.nodes {
        written += &match node {
            Theirs::List(body) => list(body),
            Theirs::Text(text) => text.text.split_whitespace().collect(),
            Theirs::Action(action) => format!("{{{}}}", pipe(&action.pipe)),
            Theirs::If(one) => their_branch("if", one),
            Theirs::With(one) => their_branch("with", one),
            Theirs::Range(one) => their_branch("range", one),
            Theirs::Template(one) => format!("{{template {} {:?}}}", one.name, one.pipe.as_ref().map(pipe)),
            Theirs::Break(_) => "{break}".into(),
            Theirs::Continue(_) => "{continue}".into(),
            Theirs::Define(_) => String::new(),
        };
    }
    written
}

fn their_branch(word: &str, branch: &BranchNode) -> String {
    let otherwise = branch.else_body.as_ref().map(list);
    format!("{{{word} {}: {} else {otherwise:?}}}", pipe(&branch.pipe), list(&branch.body))
}

fn pipe(pipe: &PipeNode) -> String {
    let names: Vec<&str> = pipe.decl.iter().map(|name| &**name).collect();
    let commands = pipe.commands.iter().map(|command| command.args.iter().map(expression).collect::<Vec<_>>());
    format!("{names:?} {} {:?}", pipe.is_assign, commands.collect::<Vec<_>>())
}

fn expression(expression: &Expr) -> String {
    let after = |fields: Vec<&str>| fields.iter().map(|name| format!(".{name}")).collect::<String>();
    match expression {
        Expr::Dot(_) => ".".into(),
        Expr::Field(_, fields) => after(fields.iter().map(|name| &**name).collect()),
        Expr::Variable(_, name, fields) => format!("{name}{}", after(fields.iter().map(|name| &**name).collect())),
        Expr::Identifier(_, name) => name.to_string(),
        Expr::String(_, value) => format!("{value:?}"),
        Expr::Number(_, Number::Int(value)) => value.to_string(),
        Expr::Number(_, Number::Uint(value)) => value.to_string(),
        Expr::Number(_, Number::Float(value)) => format!("{:?}", Some(value)),
        Expr::Bool(_, value) => value.to_string(),
        Expr::Nil(_) => "nil".into(),
        Expr::Pipe(_, inner) => format!("({})", pipe(inner)),
        Expr::Chain(_, of, fields) => {
            format!("{}{}", self::expression(of), after(fields.iter().map(|name| &**name).collect()))
        }
    }
}
