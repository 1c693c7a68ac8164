//! Hostile input ends in an error, soon and without filling the memory.

use std::{
    fs,
    sync::LazyLock,
    time::{Duration, Instant},
};

use sourceward::source::yaml::{
    parse::{MAX_ALIASES, MAX_BYTES, MAX_DEPTH, Problem, parse},
    resolve::{MAX_ALIASED_VALUES, Reader, Unresolvable, value},
};

/// Far more than needed in a debug build, far less than anything that is not linear would take.
const SOON: Duration = Duration::from_secs(5);

/// How long this thread has computed, which a busy machine does not change; where the system does not tell (Linux does in
/// `proc_pid_schedstat(5)`, in nanoseconds), the time that has passed.
fn computed() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let began = *START;
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.as_deref().and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| began.elapsed(), Duration::from_nanos)
}

fn problem(text: &str) -> Option<Problem> {
    let start = computed();
    let problem = parse(text).err().map(|error| error.problem);
    let took = computed() - start;
    assert!(took < SOON, "{took:?} for {} bytes of {:?}", text.len(), &text[..20]);
    problem
}

fn unresolvable(text: &str) -> Option<Unresolvable> {
    let start = computed();
    let stream = parse(text).expect("it parses");
    let document = &stream.documents[0];
    let mut problem = None;
    for reader in [Reader::Manifest, Reader::Kustomize] {
        problem = value(document, document.root.expect("a root"), reader).err().map(|error| error.problem);
    }
    let took = computed() - start;
    assert!(took < SOON, "{took:?} for {:?}", &text[..text.len().min(20)]);
    problem
}

#[test]
fn depth_size_nodes_and_aliases_are_limited() {
    let nested = |open: &str, depth: usize, close: &str| format!("{}{}", open.repeat(depth), close.repeat(depth));
    assert_eq!(problem(&nested("[", MAX_DEPTH, "]")), None);
    assert_eq!(problem(&nested("[", MAX_DEPTH + 1, "]")), Some(Problem::TooDeep));
    assert_eq!(problem(&nested("- ", MAX_DEPTH, "")), None);
    assert_eq!(problem(&nested("- ", MAX_DEPTH + 1, "")), Some(Problem::TooDeep));
    for text in ["{a: ", "[", "- ", "? ", "a: [", "[{a: ", "{? "] {
        assert!(problem(&text.repeat(50_000)).is_some(), "{text:?}");
    }
    assert_eq!(problem(&"[".repeat(100_000)), Some(Problem::TooDeep));
    assert_eq!(problem(&format!("[{}]", "1,".repeat(1_000_000))), Some(Problem::TooManyNodes));
    assert_eq!(problem(&"- 1\n".repeat(300_000)), Some(Problem::TooManyNodes));
    assert_eq!(problem(&"---\n- 1\n".repeat(200_000)), Some(Problem::TooManyNodes));
    assert_eq!(problem(&format!("- &a 1\n{}", "- *a\n".repeat(MAX_ALIASES))), None);
    assert_eq!(problem(&format!("- &a 1\n{}", "- *a\n".repeat(MAX_ALIASES + 1))), Some(Problem::TooManyAliases));
    assert_eq!(problem(&"---\n".repeat(400_000)), Some(Problem::TooManyNodes));
    let handles: String = (0..80_000).map(|at| format!("%TAG !a{at}! b\n")).collect();
    assert_eq!(problem(&format!("{handles}---\na: !a7!b c\n")), None);
    let prefix = format!("%TAG !a! {}\n---\n{}", "x".repeat(1 << 20), "- !a!b c\n".repeat(9_000));
    assert!(problem(&prefix).is_some());
    assert_eq!(problem(&" ".repeat(MAX_BYTES + 1)), Some(Problem::TooLarge(MAX_BYTES + 1)));
}

#[test]
fn alias_and_merge_bombs_are_refused() {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merges = "a0: &a0 {k0: 1, k1: 1, k2: 1, k3: 1, k4: 1, k5: 1, k6: 1, k7: 1, k8: 1}\n".to_owned();
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        aliases += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", "));
        merges += &format!("a{level}: &a{level} {{<<: [{}]}}\n", [below.as_str(); 9].join(", "));
    }
    assert_eq!(unresolvable(&aliases), Some(Unresolvable::TooLarge));
    assert_eq!(unresolvable(&merges), Some(Unresolvable::TooLarge));
    let empty = merges.replace("{k0: 1, k1: 1, k2: 1, k3: 1, k4: 1, k5: 1, k6: 1, k7: 1, k8: 1}", "{}");
    assert_eq!(unresolvable(&empty), Some(Unresolvable::TooLarge));
    let chain: String = (1..5_000).map(|at| format!("- &a{at} [*a{}]\n", at - 1)).collect();
    assert_eq!(unresolvable(&format!("- &a0 [x]\n{chain}")), Some(Unresolvable::TooDeep));
    let chain: String = (1..5_000).map(|at| format!("- &a{at} {{<<: *a{}}}\n", at - 1)).collect();
    assert_eq!(unresolvable(&format!("- &a0 {{x: 1}}\n{chain}")), Some(Unresolvable::TooDeep));
    let items = "1, ".repeat(1_000);
    let times = |times: usize| format!("- &a [{items}]\n{}", "- *a\n".repeat(times));
    assert_eq!(unresolvable(&times(MAX_ALIASED_VALUES / 1_002)), None);
    assert_eq!(unresolvable(&times(MAX_ALIASED_VALUES / 1_002 + 1)), Some(Unresolvable::TooLarge));
    let word = "x".repeat(1 << 20);
    assert_eq!(unresolvable(&format!("- &a {word}\n{}", "- *a\n".repeat(900))), Some(Unresolvable::TooLarge));
    let keyed = format!("- &a |\n  {word}\n{}", "- {? *a : 1}\n".repeat(900));
    assert_eq!(unresolvable(&keyed), Some(Unresolvable::TooLarge));
    assert_eq!(unresolvable("a: &a [*a]"), Some(Unresolvable::Cycle("a".to_owned())));
    assert_eq!(unresolvable("a: &a {b: {c: *a}}"), Some(Unresolvable::Cycle("a".to_owned())));
    assert!(unresolvable("a: &a {<<: *a}").is_some());
    assert!(unresolvable("a: &a {<<: [*a, *a], b: 1}").is_some());
}

#[test]
fn time_grows_with_the_text_only() {
    let much = |piece: &str| piece.repeat((1 << 18) / piece.len());
    for (text, fine) in [
        (format!("{}a: 1\n", much("# a comment\n")), true),
        (format!("a:\n{}  b: 1\n", much("  # a comment\n")), true),
        (format!("[{}]", much("# a comment\n")), true),
        (format!("a: {}\n", much("word ")), true),
        (format!("a: {}\n", much("word\n  ")), true),
        (format!("a: '{}'\n", much("word\n\n  ")), true),
        (format!("a: \"{}\"\n", much("\\n\\\n  ")), true),
        (format!("a: |\n{}", much("  word\n")), true),
        (format!("a: >\n{}", much("  word\n\n   more\n")), true),
        (format!("a:{}1\n", much(" ")), true),
        (much("\n"), true),
        (much("\r"), true),
        (much("---\n# a comment\n"), true),
        (much("--- scalar\n...\n"), true),
        (format!("? {}\n: 1\n", much("word ")), true),
        (format!("a: {{{}}}\n", much("key: value, ")), true),
        (much("key: {a: [b, c]}\n"), true),
        (format!("{}: 1\n", much("word")), false),
        (much("[a: "), false),
        (format!("a: \"{}", much("word ")), false),
        (format!("a: !{}\n", much("%41")), true),
        (format!("a: &{} 1\n", much("word")), true),
    ] {
        assert_eq!(problem(&text).is_none(), fine, "{:?}", &text[..20]);
    }
}
