//! What jaq leaves unbounded in a program's text: nesting and recursion, which overflow the stack and so end the process.
//!
//! jaq's lexer, parser, compiler and interpreter all recurse over the text. A stack of 2 MiB bears what passes here, in a
//! debug build with a margin of about two.

use std::slice;

use jaq_core::{
    load::{
        self,
        lex::{Lexer, StrPart, Tok, Token},
        parse::{BinaryOp, Def, Pattern, Term},
    },
    path::Part,
};

/// How deep brackets and interpolated strings of a program may nest.
pub const MAX_NESTING: usize = 64;
/// How deep operators and keywords of a definition may nest, brackets counted in.
pub const MAX_OPERATORS: usize = 100;

/// Words after which something nests.
const NESTING_WORDS: &[&str] = &["if", "try", "reduce", "foreach", "label", "as", "and", "or"];

/// The place at which a text nests deeper than [`MAX_NESTING`] or [`MAX_OPERATORS`].
pub fn too_deep(text: &str) -> Option<&str> {
    brackets(text).or_else(|| operators(&Lexer::new(text).lex().ok()?, 0))
}

/// The name of the first definition that calls itself, directly or from a definition inside it.
///
/// The text must have passed [`too_deep`]; one that does not parse has none.
pub fn recursive(text: &str) -> Option<&str> {
    recursive_term(&load::parse(text, |parser| parser.term())?, &mut Vec::new())
}

/// Where brackets and interpolations of a text nest too deep, before a lexer that recurses over them sees it.
fn brackets(text: &str) -> Option<&str> {
    let (bytes, mut open, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        match (open.last() == Some(&b'"'), byte) {
            (true, b'\\') if bytes.get(at + 1) == Some(&b'(') => {
                open.push(b'(');
                at += 1;
            }
            (true, b'\\') => at += 1,
            (true, b'"') | (false, b')' | b']' | b'}') => _ = open.pop(),
            (true, _) => {}
            (false, b'#') => at = end_of_comment(text, at),
            (false, b'"' | b'(' | b'[' | b'{') => open.push(byte),
            (false, _) => {}
        }
        if open.len() > MAX_NESTING {
            return text.get(at..);
        }
        at += 1;
    }
    None
}

/// The last byte of a comment's line, or of a later one where lines end with an odd number of backslashes, as in jq 1.7.
fn end_of_comment(text: &str, start: usize) -> usize {
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        end += line.len();
        let line = line.trim_end_matches('\n');
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0 {
            break;
        }
    }
    end - 1
}

/// The token at which operators and keywords nest too deep, before a parser and a compiler that recurse see them.
///
/// `a | b | c` nests as `(a | (b | c))` does, and so do most operators; brackets inside count on. A definition ends at
/// its semicolon, and what comes after it nests only as deep as what stood before it.
fn operators<'s>(tokens: &[Token<&'s str>], outside: usize) -> Option<&'s str> {
    let (mut depth, mut before) = (outside, Vec::new());
    for Token(text, kind) in tokens {
        let inside = match kind {
            Tok::Block(inner) => operators(inner, depth + 1),
            Tok::Str(parts) => parts.iter().find_map(|part| match part {
                StrPart::Term(term) => operators(slice::from_ref(term), depth + 1),
                StrPart::Str(_) | StrPart::Char(_) => None,
            }),
            Tok::Word if *text == "def" => {
                before.push(depth);
                depth += 1;
                None
            }
            Tok::Sym if *text == ";" => {
                depth = before.pop().unwrap_or(outside);
                None
            }
            Tok::Word => {
                depth += usize::from(NESTING_WORDS.contains(text));
                None
            }
            Tok::Sym => {
                depth += usize::from(!matches!(*text, "." | ":"));
                None
            }
            Tok::Var | Tok::Fmt | Tok::Num => None,
        };
        if inside.is_some() || depth > MAX_OPERATORS {
            return inside.or(Some(text));
        }
    }
    None
}

/// `open` are the definitions around the term, by name and number of arguments.
fn recursive_term<'s>(term: &Term<&'s str>, open: &mut Vec<(&'s str, usize)>) -> Option<&'s str> {
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => None,
        Term::Str(_, parts) => parts.iter().find_map(|part| match part {
            StrPart::Term(term) => recursive_term(term, open),
            StrPart::Str(_) | StrPart::Char(_) => None,
        }),
        Term::Arr(Some(inner)) | Term::Neg(inner) | Term::Label(_, inner) => recursive_term(inner, open),
        Term::Obj(members) => members
            .iter()
            .find_map(|(key, value)| recursive_term(key, open).or_else(|| recursive_term(value.as_ref()?, open))),
        Term::BinOp(left, operator, right) => {
            let pattern = match operator {
                BinaryOp::Pipe(Some(pattern)) => recursive_pattern(pattern, open),
                _ => None,
            };
            pattern.or_else(|| recursive_term(left, open)).or_else(|| recursive_term(right, open))
        }
        Term::Fold(_, over, pattern, steps) => recursive_term(over, open)
            .or_else(|| recursive_pattern(pattern, open))
            .or_else(|| steps.iter().find_map(|step| recursive_term(step, open))),
        Term::TryCatch(tried, caught) => {
            recursive_term(tried, open).or_else(|| recursive_term(caught.as_deref()?, open))
        }
        Term::IfThenElse(branches, otherwise) => branches
            .iter()
            .find_map(|(condition, then)| recursive_term(condition, open).or_else(|| recursive_term(then, open)))
            .or_else(|| recursive_term(otherwise.as_deref()?, open)),
        Term::Def(definitions, rest) => definitions
            .iter()
            .find_map(|definition| recursive_definition(definition, open))
            .or_else(|| recursive_term(rest, open)),
        Term::Call(name, arguments) if open.contains(&(name, arguments.len())) => Some(name),
        Term::Call(_, arguments) => arguments.iter().find_map(|argument| recursive_term(argument, open)),
        Term::Path(of, path) => recursive_term(of, open).or_else(|| {
            path.0.iter().find_map(|(part, _)| match part {
                Part::Index(index) => recursive_term(index, open),
                Part::Range(from, to) => [from, to].into_iter().flatten().find_map(|bound| recursive_term(bound, open)),
            })
        }),
    }
}

fn recursive_definition<'s>(definition: &Def<&'s str>, open: &mut Vec<(&'s str, usize)>) -> Option<&'s str> {
    open.push((definition.name, definition.args.len()));
    let found = recursive_term(&definition.body, open);
    open.pop();
    found
}

fn recursive_pattern<'s>(pattern: &Pattern<&'s str>, open: &mut Vec<(&'s str, usize)>) -> Option<&'s str> {
    match pattern {
        Pattern::Var(_) => None,
        Pattern::Arr(items) => items.iter().find_map(|item| recursive_pattern(item, open)),
        Pattern::Obj(members) => {
            members.iter().find_map(|(key, value)| recursive_term(key, open).or_else(|| recursive_pattern(value, open)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    #[test]
    fn endless_and_bottomless_programs_are_refused() {
        for text in [
            "def f: f; f",
            "def f: 1 + f; f",
            "def f(g): g | f(g); f(.)",
            "def f: def g: f; g; f",
            "def f: [.[] | f]; f",
            "def f: {a: \"\\(f)\"}; f",
            "def f: if . then f else . end; f",
            "def f: . as {(f): $x} | $x; f",
            "def f: reduce f as $x (0; .); f",
            "def f: try f catch .; f",
            "def f: .[f:]; f",
            ".a | def f: f; f",
        ] {
            assert_eq!(
                Program::compile("", "map.jq", text).err(),
                Some(ProgramError::Recursive("f".to_owned())),
                "{text}"
            );
        }
        let hidden = "# \\\n \"\n(";
        for (open, close) in
            [("(", ")"), ("[", "]"), ("{a:", "}"), ("\"\\(", ")\""), ("(\")\" | ", ")"), ("(# )\n", ")"), (hidden, ")")]
        {
            let text = format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
            let error = Program::compile("", "map.jq", &text).expect_err(open);
            assert!(matches!(error, ProgramError::TooDeep { .. }), "{open}: {error}");
        }
        assert_eq!(Program::compile("", "map.jq", &" ".repeat(MAX_BYTES)).err(), Some(ProgramError::TooLong));
        let mut compiled = 0;
        for repeated in [
            "-",
            "if ",
            "try ",
            ".|",
            ".,",
            "def f:",
            "def f:1;",
            "def f:def g:1;",
            "1+def f:1;",
            "label $x|",
            ". as $x|",
            "1+",
            "1//",
            "reduce ",
            ".a=",
            ".a|=",
            "..",
            "not and ",
            "1 or ",
            "try 1 catch ",
            "if 1 then 1 elif ",
            ".a?",
            "?",
            ".[0]",
            ".a.b",
            "1<",
            ". as [$x]|",
            "\"\",",
            "@json ",
            "1 ",
        ] {
            for times in [MAX_OPERATORS / 3, MAX_OPERATORS / 2, MAX_OPERATORS - 1, MAX_BYTES / repeated.len() - 1] {
                // the one thing that must not happen is an overflow of the stack, which ends the process
                if let Ok(program) = Program::compile("", "map.jq", &(repeated.repeat(times) + ".")) {
                    let outcome = program.run(serde_json::from_str("[1]").expect("JSON"), 1_000);
                    compiled += usize::from(outcome.is_ok());
                }
            }
        }
        assert!(compiled > 20, "{compiled} of the programs within the limits ran");
    }
}
