//! A jq program from data: compiled once, run once a value, with nothing of the machine in reach.
//!
//! Two folders of data are programs: how a sender's deliveries map to findings (`webhooks/`), and what breaks a rule
//! (`remediations/`). `webhook` and `remedy` do not know each other and both run them, so what they share lives below both.
//!
//! `jaq` runs it. Its authors promise no bounds on time or memory, so programs come only from the binary or from the
//! operator's own folder, never from a watched repository or a request, and the shell gives each run a deadline. What can
//! be bounded here is: size and nesting of the text, recursive definitions (they overflow the stack, which no deadline
//! survives), outputs, and the nesting of what comes out. `halt`, `debug` and `stderr` fail; `env`, `now`, `input` and the
//! local time do not exist, so that the same bytes give the same outputs anywhere.

pub mod guard;

use std::fmt;

use jaq_core::{
    Compiler, Ctx, Error, Exn, Filter, RunPtr, Vars,
    data::JustLut,
    load::{self, Arena, File, Loader},
    native::{Fun, bome, run, v},
};
use jaq_json::{Num, Val};
use serde_json::{Map, Number, Value};

use guard::{MAX_NESTING, MAX_OPERATORS};

/// The longest text of a program with its prelude, in bytes; the parser recurses over it.
pub const MAX_BYTES: usize = 64 * 1024;
/// How deep an output may nest: what `serde_json` reads back.
const MAX_DEPTH: usize = 128;

/// What a message quotes of a value at most, in characters: error texts of jq hold the whole value.
const MAX_QUOTED: usize = 200;

/// Functions of jaq's library that reach outside, differ between machines, or overflow on hostile numbers.
const LEFT_OUT: &[&str] = &[
    "env",
    "now",
    "halt",
    "debug_empty",
    "stderr_empty",
    "localtime",
    "strflocaltime",
    "gmtime",
    "mktime",
    "strftime",
    "strptime",
    "fromjson",
];

/// The name of the definitions that programs share.
pub const PRELUDE: &str = "prelude.jq";

type Data = JustLut<Val>;

/// A compiled program; any number of threads may run it at once.
pub struct Program {
    filter: Filter<Data>,
}

/// Why a text is no program. Lines begin with 1.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProgramError {
    /// Longer than [`MAX_BYTES`].
    #[error("the program is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Nested deeper than [`MAX_NESTING`] brackets or [`MAX_OPERATORS`] operators.
    #[error(
        "{place}: the program is nested too deep: at most {MAX_NESTING} brackets and {MAX_OPERATORS} operators, use definitions"
    )]
    TooDeep {
        /// Where it becomes too deep.
        place: Place,
    },
    /// A definition that calls itself, which nothing would bound.
    #[error("the definition of {0} calls itself: use reduce, range or map instead")]
    Recursive(String),
    /// Not jq, or a name that does not exist here.
    #[error("{place}: {detail}")]
    Wrong {
        /// Where.
        place: Place,
        /// What was expected.
        detail: String,
    },
}

/// A line of a program's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text: `prelude.jq`, which programs share, or the program's own name.
    pub text: &'static str,
    /// The line, from 1.
    pub line: usize,
}

/// Why a run ended without an answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RunError {
    /// The program stopped with an error, its own or jq's.
    #[error("{0}")]
    Failed(String),
    /// More than were asked for.
    #[error("the program yields more than {0} outputs for one item")]
    TooMany(usize),
    /// An output that JSON cannot hold exactly.
    #[error("output {output} is not JSON: {detail}")]
    NotJson {
        /// Its number, from 1.
        output: usize,
        /// What JSON cannot hold.
        detail: &'static str,
    },
}

impl Program {
    /// Compiles a program after the definitions of a prelude. Errors call the program by its name, `map.jq`, and count the
    /// lines of each text on its own.
    pub fn compile(prelude: &str, name: &'static str, program: &str) -> Result<Self, ProgramError> {
        let whole = format!("{}\n{program}", prelude.trim_end());
        if whole.len() > MAX_BYTES {
            return Err(ProgramError::TooLong);
        }
        let first_line = prelude.trim_end().lines().count().max(1);
        let place = |part: &str| {
            let line = whole[..load::span(&whole, part).start].matches('\n').count() + 1;
            if line <= first_line {
                Place { text: PRELUDE, line }
            } else {
                Place { text: name, line: line - first_line }
            }
        };
        if let Some(part) = guard::too_deep(&whole) {
            return Err(ProgramError::TooDeep { place: place(part) });
        }
        let wrong = |part: &str, detail: String| ProgramError::Wrong { place: place(part), detail };
        if let Some(name) = guard::recursive(&whole) {
            return Err(ProgramError::Recursive(name.to_owned()));
        }
        let arena = Arena::default();
        let loader = Loader::new(jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()));
        let modules = loader
            .load(&arena, File { code: whole.as_str(), path: () })
            .map_err(|errors| first(errors).map_or_else(|| unexplained(name), |error| explained(error, name, wrong)))?;
        let filter = Compiler::default().with_funs(functions()).compile(modules).map_err(|errors| {
            let undefined = first(errors).and_then(|undefined| undefined.into_iter().next());
            undefined.map_or_else(
                || unexplained(name),
                |(call, what)| wrong(call, format!("undefined {} {call}", what.as_str())),
            )
        })?;
        Ok(Self { filter })
    }

    /// Runs the program over one item and gives its outputs, `limit` at most, in order.
    ///
    /// It neither ends nor prints anything of the process, whatever the program does, but it may run for ever and, in an
    /// arithmetic overflow of jaq, panic: the caller gives it a thread with a deadline.
    pub fn run(&self, item: Val, limit: usize) -> Result<Vec<Value>, RunError> {
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new([]));
        let mut outputs = Vec::new();
        for output in self.filter.id.run((context, item)) {
            if outputs.len() == limit {
                return Err(RunError::TooMany(limit));
            }
            let output = output.map_err(|exception| RunError::Failed(told(exception)))?;
            let number = outputs.len() + 1;
            outputs.push(json(&output, 0).map_err(|detail| RunError::NotJson { output: number, detail })?);
        }
        Ok(outputs)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program(…)")
    }
}

/// `prelude.jq line 3`, `map.jq line 7`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.text, self.line)
    }
}

/// A text cut after 200 characters with `…`, since what it quotes is of any length.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a program may call: jaq's library without what is left out, and stand-ins for what its definitions need.
fn functions() -> impl Iterator<Item = Fun<Data>> {
    let failing = |name: &'static str| {
        let fail: RunPtr<Data> = |_| bome(Err(Error::str("halt, debug and stderr are not available here")));
        run::<Data>((name, v(usize::from(name == "halt")), fail))
    };
    // jaq's own reader recurses without a limit over what may be a hostile string
    let from_json: RunPtr<Data> = |(_, value)| {
        let text = value.try_as_utf8_bytes_owned();
        bome(text.and_then(|text| {
            serde_json::from_slice(&text).map_err(|error| Error::str(format_args!("fromjson: {error}")))
        }))
    };
    jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .filter(|(name, ..)| !LEFT_OUT.contains(name))
        .chain(["halt", "debug_empty", "stderr_empty"].map(failing))
        .chain([run::<Data>(("fromjson", v(0), from_json))])
}

fn first<F, E>(errors: Vec<(F, E)>) -> Option<E> {
    errors.into_iter().next().map(|(_, error)| error)
}

fn unexplained(name: &'static str) -> ProgramError {
    ProgramError::Wrong { place: Place { text: name, line: 1 }, detail: "this is no jq program".to_owned() }
}

fn explained(
    error: load::Error<&str>,
    name: &'static str,
    wrong: impl Fn(&str, String) -> ProgramError,
) -> ProgramError {
    let told = match error {
        load::Error::Io(errors) => {
            errors.into_iter().next().map(|(path, _)| wrong(path, "import and include are not available".to_owned()))
        }
        load::Error::Lex(errors) => {
            errors.into_iter().next().map(|(expected, found)| wrong(found, format!("expected {}", expected.as_str())))
        }
        load::Error::Parse(errors) => {
            errors.into_iter().next().map(|(expected, found)| wrong(found, format!("expected {}", expected.as_str())))
        }
    };
    told.unwrap_or_else(|| unexplained(name))
}

/// An output as JSON; numbers stay what they were, or it is an error.
fn json(value: &Val, depth: usize) -> Result<Value, &'static str> {
    if depth > MAX_DEPTH {
        return Err("it is nested deeper than 128 levels");
    }
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(value) => Value::Bool(*value),
        Val::Num(Num::Int(value)) => Value::from(i64::try_from(*value).map_err(|_| "a number is too large")?),
        Val::Num(Num::Float(value)) => {
            Value::Number(Number::from_f64(*value).ok_or("a number is not finite, as after a division by zero")?)
        }
        Val::Num(number @ (Num::BigInt(_) | Num::Dec(_))) => {
            let number: Number = number.to_string().parse().map_err(|_| "a number is too large")?;
            if matches!(value, Val::Num(Num::BigInt(_))) && number.is_f64() {
                return Err("a whole number does not fit into 64 bits");
            }
            Value::Number(number)
        }
        Val::TStr(text) => Value::String(str::from_utf8(text).map_err(|_| "a string is not UTF-8")?.to_owned()),
        Val::BStr(_) => return Err("a byte string has no place in JSON"),
        Val::Arr(items) => items.iter().map(|item| json(item, depth + 1)).collect::<Result<_, _>>()?,
        Val::Obj(members) => {
            let mut map = Map::new();
            for (key, value) in members.iter() {
                let Value::String(key) = json(key, depth + 1)? else {
                    return Err("a key of an object is not a string");
                };
                map.insert(key, json(value, depth + 1)?);
            }
            Value::Object(map)
        }
    })
}

/// What an exception says, without quotes around a program's own words.
fn told(exception: Exn<'_, Val>) -> String {
    match exception.get_err().map(Error::into_val) {
        Ok(Val::TStr(text)) => cut(&String::from_utf8_lossy(&text)),
        Ok(other) => cut(&other.to_string()),
        Err(_) => "the program stopped".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    const LIMIT: usize = 1_000;

    fn item(value: Value) -> Val {
        Val::deserialize(value).expect("JSON is a value")
    }

    fn program(text: &str) -> Program {
        Program::compile("", "map.jq", text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_reaches_outside_does_not_exist() {
        for text in [
            "env",
            "$ENV",
            "env.PATH",
            "now",
            "input",
            "[inputs]",
            "localtime",
            "\"%Z\" | strflocaltime(\"x\")",
            "input_filename",
        ] {
            let error = Program::compile("", "map.jq", text).expect_err(text);
            assert!(matches!(error, ProgramError::Wrong { .. }), "{text}: {error}");
        }
        for text in ["import \"a\" as a; .", "include \"a\"; ."] {
            let error = Program::compile("", "map.jq", text).expect_err(text).to_string();
            assert!(error.contains("not available"), "{text}: {error}");
        }
    }

    #[test]
    fn a_halting_or_printing_program_fails_and_the_process_goes_on() {
        for text in ["halt", "halt(3)", "halt_error", "\"x\" | halt_error(2)", "debug", "stderr", "debug(\"x\")"] {
            let error = program(text).run(item(json!(1)), LIMIT).expect_err(text).to_string();
            assert_eq!(error, "halt, debug and stderr are not available here", "{text}");
        }
        assert_eq!(
            program("error").run(item(json!("own words")), LIMIT),
            Err(RunError::Failed("own words".to_owned()))
        );
        assert_eq!(program("error(null)").run(item(json!(1)), LIMIT), Err(RunError::Failed("null".to_owned())));
    }

    #[test]
    fn errors_name_the_line_of_the_text_they_are_in() {
        let at = |prelude: &str, text: &str| Program::compile(prelude, "map.jq", text).expect_err(text).to_string();
        assert_eq!(at("def a: 1;\n\n", "a |\n b"), "map.jq line 2: undefined filter b");
        assert_eq!(at("def a: 1;\ndef b: c;", "a"), "prelude.jq line 2: undefined filter c");
        assert_eq!(at("", "{a: 1"), "map.jq line 1: expected closing brace");
        assert_eq!(at("def a: 1;", "# one\nif . then 1 else"), "map.jq line 2: expected term");
        assert_eq!(at("", ""), "map.jq line 1: expected term");
    }

    #[test]
    fn numbers_stay_exact_and_what_json_cannot_hold_is_an_error() {
        let numbers =
            json!([i64::MIN, i64::MAX, u64::MAX, 1_795_244_400_123_456_789_i64, 0.1, 1.0, -0.0, 1e300, 5e-324]);
        assert_eq!(program(".").run(item(numbers.clone()), LIMIT), Ok(vec![numbers.clone()]));
        assert_eq!(program("tojson | fromjson").run(item(numbers.clone()), LIMIT), Ok(vec![numbers]));
        assert_eq!(program("1.50").run(item(json!(null)), LIMIT), Ok(vec![json!(1.5)]));
        for text in ["1 / 0", "nan", ". + .", "{(\"1\" | tonumber | tojson | tobytes): 1}", "\"x\" | tobytes"] {
            let error = program(text).run(item(json!(u64::MAX)), LIMIT).expect_err(text);
            assert!(matches!(error, RunError::NotJson { output: 1, .. }), "{text}: {error}");
        }
    }

    #[test]
    fn outputs_and_quotations_are_bounded() {
        assert_eq!(program("range(.)").run(item(json!(LIMIT)), LIMIT).map(|all| all.len()), Ok(LIMIT));
        assert_eq!(program("range(infinite)").run(item(json!(0)), LIMIT), Err(RunError::TooMany(LIMIT)));
        assert_eq!(program("repeat(.)").run(item(json!(0)), LIMIT), Err(RunError::TooMany(LIMIT)));
        assert_eq!(program("empty").run(item(json!(0)), LIMIT), Ok(Vec::new()));
        let deep = program("reduce range(200) as $i (0; [.])").run(item(json!(0)), LIMIT);
        assert!(matches!(deep, Err(RunError::NotJson { .. })), "{deep:?}");
        let told = program(".a").run(item(json!("ä".repeat(10_000))), LIMIT).expect_err("no object").to_string();
        assert_eq!(told.chars().count(), MAX_QUOTED + 1);
        let hostile =
            program("fromjson").run(item(json!("[".repeat(500_000))), LIMIT).expect_err("too deep").to_string();
        assert!(hostile.contains("recursion limit"), "{hostile}");
    }

    #[test]
    fn one_program_serves_several_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&program("."));
    }
}
