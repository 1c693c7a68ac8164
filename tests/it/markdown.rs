//! Hostile text in Markdown: at every place where foreign text stands, against a parser.
//!
//! GitHub reads mentions, references, emoji codes and bare links only outside of code. So the same page is made once of
//! harmless and once of hostile words: where both have the same tree, and outside of code the same text, no link, image, mention,
//! HTML, reference or marker came from those words.

use std::{collections::BTreeMap, env};

use comrak::{
    Arena, Options,
    nodes::{AstNode, NodeValue},
    parse_document,
};
use serde_json::{Value, json};
use sourceward::{
    model::{
        finding::{Finding, Intent},
        fingerprint::Fingerprint,
        refusal::{Attempt, Code, Refusal},
        resource::{ResourceId, TerraformId},
    },
    remedy::{
        Verdict,
        check::Check,
        dashboard::{self, Act, Entry, Section},
        explain,
        markdown::{block, cell, code},
        proof::Proved,
        pull_request::{Circumstances, PullRequest, marker::marker, pull_request},
        report::{Answered, sarif::sarif, summary::summary},
    },
};

use crate::{
    pull_request::{finding, verdict},
    remote::Chance,
};

/// How many hostile texts there are, unless `SOURCEWARD_HOSTILE_TEXTS` says otherwise.
const TEXTS: u64 = 10_000;

/// The words of one pull request.
const WORDS: usize = 13;

/// Text as an attacker words it: what GitHub reads in Markdown, in its own files and in our texts, in any order.
fn hostile(chance: &mut Chance) -> String {
    const PIECES: &[&str] = &[
        // Mentions, references, links.
        "@octocat",
        "@acme/sre",
        "@everyone",
        "#1",
        "#123",
        "GH-1",
        "acme/shop#1",
        "acme#1",
        "fixes #1",
        "closes acme/shop#2",
        "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
        "acme/shop@deadbee",
        "https://evil.test/?a=b&c=d",
        "http://1.2.3.4",
        "ftp://evil.test",
        "www.evil.test",
        "evil.test",
        "//evil.test",
        "javascript:alert(1)",
        "mailto:a@evil.test",
        "a@evil.test",
        "<https://evil.test>",
        "<a@evil.test>",
        "[x](https://evil.test)",
        "[x](<y> \"t\")",
        "![x](y)",
        "[x][a]",
        "[a]",
        "\n[a]: https://evil.test\n",
        "[[wiki]]",
        "[^1]",
        "\n[^1]: x\n",
        "](",
        "[",
        "]",
        "(",
        ")",
        ":+1:",
        // HTML.
        "<b>",
        "</b>",
        "<img src=x onerror=alert(1)>",
        "<script>",
        "<style>",
        "</details>",
        "<details open>",
        "<summary>",
        "<table><tr><td>",
        "<br/>",
        "<?php",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE x>",
        "<!-- ",
        "-->",
        "<!--",
        "--!>",
        "<!-->",
        "<!-- sourceward:{\"version\":1} -->",
        "<!-- sourceward-dashboard -->",
        "\n- [x] <!-- sourceward-box:retry 0000000000000000000000000000000000000000000000000000000000000000 -->",
        "&lt;",
        "&#64;",
        "&#x60;",
        "&commat;octocat",
        "&num;1",
        "&NewLine;",
        // Code.
        "`",
        "``",
        "```",
        "````",
        "~~~",
        "\n~~~~\n",
        "\n```\n",
        "\n```mermaid\n",
        "\n```math\n",
        "\n```suggestion\n",
        "\\",
        "\\`",
        "`` ` ``",
        // Blocks.
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\t",
        "    ",
        "\n    ",
        "\n# x\n",
        "\n- [ ] x",
        "\n* x",
        "\n1. x",
        "\n> [!WARNING]\n> ",
        "\n> ",
        "\n---\n",
        "\n===\n",
        "---",
        "***",
        "|",
        "\\|",
        "||",
        "|---|",
        "\n|a|b|\n|---|---|\n",
        "\n:::\n",
        "+++\n",
        "  \n",
        // Inline.
        "*a*",
        "__b__",
        "~~c~~",
        "*",
        "_",
        "~",
        "$x$",
        "$$",
        "$`x`$",
        "$",
        "==x==",
        "{{ x }}",
        "${{ github.token }}",
        "$(id)",
        "%25",
        "%0A",
        "\u{1b}[31m",
        "\u{0}",
        "\u{7}",
        "\u{8}",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffd}",
        // What is not seen, or shown otherwise.
        "\u{200b}",
        "\u{200d}",
        "\u{ad}",
        "\u{2060}",
        "\u{202e}",
        "\u{202a}",
        "\u{2066}",
        "\u{2069}",
        "\u{61c}",
        "\u{200f}",
        "\u{a0}",
        "\u{3000}",
        "\u{180e}",
        "\u{fe0f}",
        "\u{e0041}",
        "\u{1f3f4}\u{e0067}\u{e007f}",
        "@\u{200b}octocat",
        "Ｇｉｔ",
        "е",
        "ä",
        "a\u{308}",
        "😀",
        "👩\u{200d}💻",
        // Ours and GitHub's words.
        "/sourceward adopt",
        "\n/sourceward adopt\n",
        "[skip ci]",
        "Signed-off-by: a <a@b>",
        "::error::x",
        "a",
        "x y",
        "",
        " ",
    ];
    let mut text = String::new();
    for _ in 0..chance.below(6) {
        match chance.below(12) {
            0 => text.push_str(
                &["`", "~", "$", "<", "-", "|", "#", "\\"][chance.below(8) as usize].repeat(chance.below(40) as usize),
            ),
            1 => text.extend((0..chance.below(8)).filter_map(|_| char::from_u32(chance.below(0x80) as u32))),
            2 => text.extend((0..chance.below(4)).filter_map(|_| char::from_u32(chance.below(0x11_0000) as u32))),
            3 => text.push_str(&format!(
                "{}#{}",
                ["", "acme/shop", "GH-"][chance.below(3) as usize],
                chance.below(99_999)
            )),
            _ => text.push_str(PIECES[chance.below(PIECES.len() as u64) as usize]),
        }
    }
    text
}

/// The Markdown tree of a text: kinds of nodes, HTML without its digests, and the text outside of code.
fn skeleton(body: &str) -> String {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.autolink = true;
    extension.table = true;
    extension.strikethrough = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.alerts = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.wikilinks_title_after_pipe = true;
    options.parse.relaxed_autolinks = true;
    let arena = Arena::new();
    let mut out = String::new();
    describe(parse_document(&arena, body, &options), &mut out);
    out
}

fn describe<'a>(node: &'a AstNode<'a>, out: &mut String) {
    // Digests and revisions are ours and differ.
    let ours = |html: &str| html.chars().filter(|c| !c.is_ascii_hexdigit()).collect::<String>();
    match &node.data().value {
        NodeValue::Text(text) => out.push_str(text),
        NodeValue::Code(_) => out.push('§'),
        NodeValue::CodeBlock(block) => out.push_str(&format!("block({})", block.info)),
        NodeValue::HtmlBlock(html) => out.push_str(&format!("html({})", ours(&html.literal))),
        NodeValue::HtmlInline(html) => out.push_str(&format!("html({})", ours(html))),
        other => out.push_str(format!("\n{other:?}").split(['(', '{', ' ']).next().unwrap_or_default()),
    }
    for child in node.children() {
        describe(child, out);
    }
}

/// A repository and a finding with foreign text at every place that reaches a pull request.
fn everywhere(words: &[String; WORDS]) -> (Vec<(String, String)>, Value) {
    let [path, name, key, declared, live, context, title, seen, user, via, rule, stack, _] = words;
    let path: String = path.chars().filter(|c| !matches!(c, '\0' | '\\' | '/')).take(40).collect();
    let comment: String = context
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{feff}'))
        .collect();
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("n{name}")},
        "data": {format!("k{key}"): format!("a{declared}"), "other": context},
    });
    let text = format!("# {comment}\n{}\n", serde_json::to_string_pretty(&object).expect("JSON"));
    let files = vec![
        (format!("k8s/p{path}.yaml"), text),
        (
            ".github/sourceward.yaml".to_owned(),
            json!({"version": 1, "stacks": [{"name": format!("s{stack}"), "manifests": {"path": "k8s"}}]}).to_string(),
        ),
    ];
    let pointer = format!("/data/{}", format!("k{key}").replace('~', "~0").replace('/', "~1"));
    let finding = json!({
        "intent": "drift", "title": title, "first_seen": seen, "actor": {"user": user, "via": via},
        "rule": {"id": rule, "name": title},
        "resource": {"kubernetes": {"apiVersion": "v1", "kind": "ConfigMap", "name": format!("n{name}")}},
        "patch": [{"op": "replace", "path": pointer, "value": format!("b{live}")}],
    });
    (files, finding)
}

fn proved(words: &[String; WORDS]) -> Option<(Finding, Box<Proved>)> {
    let (files, of) = everywhere(words);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let finding = finding(of);
    match verdict(&files, &finding) {
        Verdict::Patched(proved) => Some((finding, proved)),
        _ => None,
    }
}

const WITHHELD: &str = "\nLines that look secret are not shown; the commit holds only what was there already.\n";

/// What is written of a proved edit: the pull request, its check, the explanation, the summary of a step.
fn written(words: &[String; WORDS]) -> Option<(PullRequest, [String; 4])> {
    let (finding, proved) = proved(words)?;
    let around = Circumstances { sender: Some(&words[WORDS - 1]), ..Circumstances::default() };
    let wanted = pull_request(&finding, &proved, &Fingerprint::of(&finding), around);
    let check = Check::proved(&proved);
    let (check, why) = (format!("{}\n\n{}\n\n{}", check.title, check.summary, check.text), explain::of_proved(&proved));
    let note = Some(words[0].clone());
    let step = summary(&[Answered { finding, verdict: Verdict::Patched(proved), proposed: None, note }], 0, &[]);
    // Chance also makes values that look secret, which a sentence of ours stands for.
    let body = wanted.body.replacen(WITHHELD, "", 1);
    Some((wanted, [body, check, why, step]))
}

/// What is written where nothing can be proposed, and the dashboard: every word stands at every place for foreign text.
fn refused(words: &[String; WORDS]) -> Vec<String> {
    let check = |check: Check| format!("{}\n\n{}\n\n{}", check.title, check.summary, check.text);
    let mut tried = Vec::new();
    let (mut entries, mut answers, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    let sections =
        [Section::Open, Section::Storm, Section::Waiting, Section::Refused, Section::GivenUp, Section::Ignored];
    for (number, word) in words.iter().enumerate() {
        let refusal = Refusal::new(Code::NoRule, word, word).at(word, Some(3));
        tried.push(Attempt { site: word.clone(), why: word.clone() });
        let act = (number % 2 == 0).then(|| Act::Retry(Fingerprint::of_text("x")));
        let section = sections[number % sections.len()];
        entries.push(Entry { section, what: word.clone(), why: Some(word.clone()), number: None, act });
        pages.push(check(Check::refused(&refusal)));
        pages.push(check(Check::queued(Some(1), Err(word.clone()))));
        pages.push(explain::of_failure(word));
        pages.push(format!("x {} y", code(word, 80)));
        pages.push(format!("| a | b |\n|---|---|\n| {} | x |\n", cell(word, 80)));
        pages.push(format!("{}\nx", block("diff", &format!("z{word}"))));
        let resource = ResourceId::Terraform(TerraformId { address: word.clone() });
        let finding = Finding::about(Intent::Drift, resource);
        answers.push(Answered { finding, verdict: Verdict::Refused(refusal), proposed: None, note: None });
    }
    let board = dashboard::body(&entries, &BTreeMap::new());
    assert_eq!(dashboard::ticked(&board), [], "{words:?}");
    let refusal = Refusal { tried, ..Refusal::new(Code::NoRule, words[0].as_str(), words[1].as_str()) };
    pages.extend([board, explain::of_refusal(&refusal), summary(&answers, 0, &[])]);
    pages
}

fn same(page: &str, of: &str, expected: &(String, usize)) {
    assert_eq!(skeleton(page), expected.0, "made of {of:?}:\n{page}");
    assert_eq!(page.matches("<!--").count(), expected.1, "made of {of:?}:\n{page}");
}

fn harmless(page: &str) -> (String, usize) {
    (skeleton(page), page.matches("<!--").count())
}

#[test]
fn hostile_words_never_leave_code() {
    let texts = env::var("SOURCEWARD_HOSTILE_TEXTS").map_or(TEXTS, |count| count.parse().expect("a number"));
    let seed = env::var("PROPTEST_RNG_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut chance = Chance(seed);
    let plain: [String; WORDS] = std::array::from_fn(|_| "x".to_owned());
    let expected = written(&plain).expect("a harmless pull request").1.each_ref().map(|page| harmless(page));
    let expected_refused: Vec<_> = refused(&plain).iter().map(|page| harmless(page)).collect();
    let (mut made, mut proposed) = (0, 0);
    while made < texts {
        let words: [String; WORDS] = std::array::from_fn(|_| hostile(&mut chance));
        made += WORDS as u64;
        for (page, expected) in refused(&words).iter().zip(&expected_refused) {
            same(page, &words.concat(), expected);
        }
        let Some((wanted, pages)) = written(&words) else { continue };
        proposed += WORDS as u64;
        for (page, expected) in pages.iter().zip(&expected) {
            same(page, &words.concat(), expected);
        }
        assert_eq!(marker(&wanted.body), Some(wanted.marker), "{}", wanted.body);
        assert!(wanted.title.len() <= 100 && wanted.branch.as_str().len() <= 100);
        let lower = format!("{}\n{}", wanted.title, wanted.commit_message).to_ascii_lowercase();
        for bad in ["@", "#", "://", "www.", "gh-", "[", "<", "`", "$", "--"] {
            assert!(!lower.contains(bad), "{bad} in {lower}");
        }
        assert!(wanted.commit_message.is_ascii());
        assert!(wanted.commit_message.lines().next().is_some_and(|subject| subject.len() <= 72));
    }
    assert!(proposed * 2 > made, "only {proposed} of {made} reached a pull request");
}

/// The test above would notice: each of these leaves the code that it stands in.
#[test]
fn what_leaves_code_is_found() {
    let harmless = skeleton("x `y` z\n");
    for text in ["`y", "y` @octocat `", "y` #1 `", "y` https://evil.test `", "y` <b> `", "y`\n\n# x `", "y` ![x](y) `"]
    {
        assert_ne!(skeleton(&format!("x `{text}` z\n")), harmless, "{text}");
    }
    assert_ne!(skeleton("<!-- a -->\nx\n"), skeleton("<!-- a --><img>\nx\n"));
}

/// SARIF reads `[words](place)` as a link (section 3.11.6), and what cannot be seen misleads there too.
#[test]
fn sarif_holds_no_link_and_nothing_unseen() {
    let mut chance = Chance(1);
    let words = ["[x](https://evil.test)".to_owned(), "a\u{202e}b\u{200b}".to_owned()];
    for word in words.into_iter().chain((0..500).map(|_| hostile(&mut chance))) {
        let resource = ResourceId::Terraform(TerraformId { address: word.clone() });
        let mut finding = Finding::about(Intent::Drift, resource);
        finding.rule = serde_json::from_value(json!({"id": word, "name": word})).expect("a rule");
        let verdict = Verdict::Refused(Refusal::new(Code::NoRule, word.as_str(), word.as_str()));
        let log = sarif(&[Answered { finding, verdict, proposed: None, note: None }], "1");
        let run = &log["runs"][0];
        for said in
            [&run["results"][0]["message"]["text"], &run["tool"]["driver"]["rules"][0]["shortDescription"]["text"]]
        {
            let said = said.as_str().expect("a text");
            assert!(!said.contains("]("), "{said}");
            assert!(!said.chars().any(|c| c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c)), "{said:?}");
        }
    }
}
