//! What must hold of every parsed template: each byte belongs to exactly one part, and each part says what its bytes say.

use std::sync::LazyLock;

use regex::Regex;
use sourceward::{
    engine::helm::template::{
        ast::{Branch, Define, File, Inclusion, Node, NodeKind, Operand, OperandKind, Pipeline},
        constant::unquote,
    },
    source::span::Span,
};

/// What may be left of a body when its nodes are taken out: trimmed white space and comments.
const REST: &str = r"(?s:[ \t\r\n]|\{\{(-[ \t\r\n])?/\*.*?\*/([ \t\r\n]-)?\}\})*";

/// An action of the given inside.
fn action(inside: &str) -> String {
    format!(r"\{{\{{(?:-[ \t\r\n])?[ \t\r\n]*{inside}[ \t\r\n]*(?:[ \t\r\n]-)?\}}\}}")
}

/// The whole of a text, made of parts.
fn pattern(parts: &[&str]) -> Regex {
    Regex::new(&format!("^{}$", parts.concat())).expect("a pattern")
}

static BODY: LazyLock<Regex> = LazyLock::new(|| pattern(&[REST]));
static ACTION: LazyLock<Regex> = LazyLock::new(|| pattern(&[&action("")]));
static TEMPLATE: LazyLock<Regex> = LazyLock::new(|| pattern(&[&action(r"template[ \t\r\n]*")]));
static BLOCK: LazyLock<Regex> = LazyLock::new(|| pattern(&[&action(r"block[ \t\r\n]*"), REST, &action("end")]));
static DEFINE: LazyLock<Regex> = LazyLock::new(|| {
    let name = r#"define[ \t\r\n]*(?:"(?:[^"\\]|\\.)*"|`[^`]*`)"#;
    pattern(&[&action(name), REST, &action("end")])
});
/// With an `end` of its own, or that of the branch behind its `else`.
static BRANCH: LazyLock<Regex> = LazyLock::new(|| {
    let open = action(r"(?:else[ \t\r\n]+)?(?:if|with|range)[ \t\r\n]*");
    let end = action("end");
    let otherwise = action("else");
    pattern(&[&open, REST, &format!("(?:{otherwise}{REST})?(?:{end})?")])
});
static LEAVE: LazyLock<Regex> = LazyLock::new(|| pattern(&[&action("(?:break|continue)")]));

/// Panics unless every byte of the text is accounted for.
pub(crate) fn check(text: &str, file: &File) {
    let outer: Vec<Span> = {
        let inside = |define: &Define| {
            let holds = |span: Span| span.start <= define.span.start && define.span.end <= span.end;
            file.body.iter().any(|node| holds(node.span()))
                || file.defines.iter().any(|other| other.span != define.span && holds(other.span))
        };
        file.defines.iter().filter(|define| !inside(define)).map(|define| define.span).collect()
    };
    let spans = sorted(file.body.iter().map(|node| node.span()).chain(outer));
    expect(text, &BODY, Span::new(0, text.len()), &spans);
    body(text, &file.body);
    for define in &file.defines {
        if text[define.span.range()].trim_start_matches(['{', '-', ' ', '\t', '\r', '\n']).starts_with("define") {
            let spans = sorted(define.body.iter().map(|node| node.span()));
            expect(text, &DEFINE, define.span, &spans);
        }
        body(text, &define.body);
    }
}

fn sorted(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.collect();
    spans.sort_by_key(|span| span.start);
    spans
}

/// What is left of a part without its parts, which must be apart from each other and in order.
fn left(text: &str, of: Span, parts: &[Span]) -> String {
    let mut left = String::new();
    let mut at = of.start;
    for part in parts {
        assert!(
            at <= part.start && part.start < part.end && part.end <= of.end,
            "{part:?} of {of:?} at {at}: {text:?}"
        );
        left.push_str(&text[at..part.start]);
        at = part.end;
    }
    left + &text[at..of.end]
}

fn expect(text: &str, pattern: &Regex, of: Span, parts: &[Span]) {
    let left = left(text, of, parts);
    assert!(pattern.is_match(&left), "{left:?} is left of {:?}", &text[of.range()]);
}

fn body(text: &str, body: &[Node]) {
    for node in body {
        self::node(text, node);
    }
}

fn node(text: &str, node: &Node) {
    let slice = &text[node.span().range()];
    match &node.kind {
        NodeKind::Text => assert!(!slice.is_empty() && !slice.contains("{{"), "{slice:?} is text"),
        NodeKind::Action(pipeline) => {
            expect(text, &ACTION, node.span(), &[pipeline.span()]);
            self::pipeline(text, pipeline);
        }
        NodeKind::If(branch) | NodeKind::With(branch) | NodeKind::Range(branch) => {
            self::branch(text, node.span(), branch)
        }
        NodeKind::Template(inclusion) => {
            let Inclusion { name, name_span, argument } = &**inclusion;
            assert_eq!(unquote(&text[name_span.range()]).as_deref(), Some(name.as_bytes()));
            let spans: Vec<Span> = [*name_span].into_iter().chain(argument.as_ref().map(|one| one.span())).collect();
            if TEMPLATE.is_match(&left(text, node.span(), &spans)) {
                assert!(slice.ends_with("}}"));
            } else {
                // The body of a block is the definition's; what it leaves is checked there.
                let close = text[spans[spans.len() - 1].end..].find("}}").expect("a delimiter") + 2;
                let opened = Span::new(node.span().start, spans[spans.len() - 1].end + close);
                let last = text[..node.span().end].rfind("{{").expect("a delimiter");
                let ends = format!("{}{}", left(text, opened, &spans), &text[last..node.span().end]);
                assert!(BLOCK.is_match(&ends), "{ends:?} is left of {slice:?}");
            }
            argument.iter().for_each(|one| pipeline(text, one));
        }
        NodeKind::Break | NodeKind::Continue => assert!(LEAVE.is_match(slice), "{slice:?}"),
    }
}

fn branch(text: &str, span: Span, branch: &Branch) {
    let nodes = || branch.body.iter().chain(branch.otherwise.iter().flatten());
    let spans: Vec<Span> = [branch.pipeline.span()].into_iter().chain(nodes().map(|node| node.span())).collect();
    expect(text, &BRANCH, span, &spans);
    pipeline(text, &branch.pipeline);
    nodes().for_each(|node| self::node(text, node));
}

fn pipeline(text: &str, pipeline: &Pipeline) {
    let spans: Vec<Span> = (pipeline.variables.iter().map(|variable| variable.span()))
        .chain(pipeline.commands().map(|command| command.span()))
        .collect();
    let left: String = left(text, pipeline.span(), &spans).split_whitespace().collect();
    let sets = match (pipeline.variables.len(), pipeline.assigns) {
        (0, _) => "",
        (1, true) => "=",
        (1, false) => ":=",
        (_, true) => ",=",
        (_, false) => ",:=",
    };
    let pipes = "|".repeat(pipeline.rest.len());
    let known = [format!("{sets}{pipes}"), format!("{sets}{pipes}|"), format!(",{pipes}"), format!(",{pipes}|")];
    assert!(known.contains(&left), "{left:?} is left of {:?}", &text[pipeline.span().range()]);
    for variable in &pipeline.variables {
        assert!(variable.name(text).starts_with('$'), "{:?}", variable.name(text));
    }
    for command in pipeline.commands() {
        let spans: Vec<Span> = command.operands().map(|operand| operand.span()).collect();
        let left = self::left(text, command.span(), &spans);
        assert!(left.trim().is_empty(), "{left:?} is left of {:?}", &text[command.span().range()]);
        command.operands().for_each(|operand| self::operand(text, operand));
    }
}

fn operand(text: &str, operand: &Operand) {
    let slice = &text[operand.span().range()];
    match &operand.kind {
        OperandKind::Dot => assert_eq!(slice, "."),
        OperandKind::Nil => assert_eq!(slice, "nil"),
        OperandKind::Bool(value) => assert_eq!(slice, value.to_string()),
        OperandKind::Number(_) => assert!(!slice.contains(char::is_whitespace) || slice.starts_with('\''), "{slice:?}"),
        OperandKind::Text(constant) => assert_eq!(unquote(slice).as_deref(), Some(&**constant.value(slice))),
        OperandKind::Function => assert!(slice.chars().all(is_alphanumeric), "{slice:?}"),
        OperandKind::Field(fields) => assert_eq!(fields.span(), operand.span()),
        OperandKind::Variable { variable, fields } => {
            let parts = [variable.span(), fields.span()];
            assert_eq!(left(text, operand.span(), &parts[..2 - usize::from(fields.is_empty())]), "");
            assert!(variable.name(text).starts_with('$'), "{slice:?}");
        }
        OperandKind::Pipeline(inner) => {
            assert_eq!(left(text, operand.span(), &[inner.span()]).split_whitespace().collect::<String>(), "()");
            pipeline(text, inner);
        }
        OperandKind::Chain { of, fields } => {
            assert_eq!(left(text, operand.span(), &[of.span(), fields.span()]), "");
            self::operand(text, of);
        }
    }
    if let OperandKind::Field(fields) | OperandKind::Variable { fields, .. } | OperandKind::Chain { fields, .. } =
        &operand.kind
    {
        let names: Vec<&str> = fields.names(text).collect();
        assert_eq!(names.iter().map(|name| format!(".{name}")).collect::<String>(), text[fields.span().range()]);
        assert!(names.iter().all(|name| !name.is_empty() && name.chars().all(is_alphanumeric)), "{names:?}");
    }
    if matches!(operand.kind, OperandKind::Number(_) | OperandKind::Text(_) | OperandKind::Bool(_)) {
        let again = super::read(&format!("{{{{ {slice} }}}}")).expect("a constant alone");
        let NodeKind::Action(pipeline) = &again.body[0].kind else { panic!("{slice:?} is no action") };
        assert_eq!(pipeline.first.first.kind, operand.kind, "{slice:?}");
    }
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}
