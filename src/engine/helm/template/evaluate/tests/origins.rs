//! What each byte that a template prints is made of, and what it stands under.

use super::*;

/// A leaf in short: `a.yaml` of a file, `3..5` of a constant, `.image` of the values, `?.x` of a missing key.
fn leaf(leaf: LeafId, context: &Context) -> String {
    let path = |at: &PathId| context.paths.keys(*at).iter().fold(String::new(), |path, key| path + "." + key);
    match context.sets.get(leaf) {
        Leaf::File(_) => "file".into(),
        Leaf::Literal { span, .. } => format!("{}..{}", span.start, span.end),
        Leaf::Node { at, .. } => path(at),
        Leaf::Key { at, .. } => format!("key {}", path(at)),
        Leaf::Absent { at } => format!("?{}", path(at)),
        other => format!("{other:?}"),
    }
}

fn set(set: SetId, context: &Context) -> String {
    let mut leaves: Vec<String> = context.sets.leaves(set).map(|id| leaf(id, context)).collect();
    leaves.sort();
    leaves.join(" ")
}

/// Each piece: its bytes, what they are made of (`@` if verbatim, `~` if derived), and what they stand under.
fn traced(template: &str, values: &str) -> Vec<String> {
    let program = program(&[(NAME, template)]);
    let mut evaluator = Evaluator::new(&program, Context::default());
    let root = root(values, &mut evaluator.context);
    let text = evaluator.execute(NAME, root).unwrap();
    let mut at = 0;
    let pieces = text.pieces().iter().map(|piece| {
        let bytes = String::from_utf8_lossy(&text.bytes()[at..at + piece.len as usize]);
        at += piece.len as usize;
        let made_of = match piece.made_of {
            MadeOf::Verbatim { leaf: id, offset } => format!("@{}+{offset}", leaf(id, &evaluator.context)),
            MadeOf::Derived(made_of) => format!("~{}", set(made_of, &evaluator.context)),
        };
        let control = set(piece.control, &evaluator.context);
        format!("{bytes:?} {made_of}{}", if control.is_empty() { control } else { format!(" if {control}") })
    });
    pieces.collect()
}

#[test]
fn bytes_lead_to_what_says_them() {
    let values = r#"{"image": "acme/cart", "tag": "", "port": 80, "on": true, "off": false, "t": "x{{ .Values.port }}y",
        "l": ["p", "q"], "m": {"k": "v"}, "n": "a<no value>b"}"#;
    let cases: &[(&str, &[&str])] = &[
        (
            "image: {{ .Values.image }}:{{ .Values.port }}\n",
            &[
                r#""image: " @file+0"#,
                r#""acme/cart" @.image+0"#,
                r#"":" @file+26"#,
                r#""80" @.port+0"#,
                r#""\n" @file+45"#,
            ],
        ),
        // Nothing printed leaves its mark.
        ("{{ .Values.tag }}{{ .Values.x }}{{ (.Values.x).y }}", &[r#""" @.tag+0"#, r#""" ~?.x"#, r#""" ~?.x.y"#]),
        ("{{ .Values.n }}", &[r#""a" @.n+0"#, r#""" ~.n"#, r#""b" @.n+11"#]),
        // Constants.
        (r#"{{ "ab" }}{{ 3 }}{{ "a\tb" }}"#, &[r#""ab" @file+4"#, r#""3" @13..14+0"#, r#""a\tb" ~20..26"#]),
        // Conditions, taken and not.
        ("{{ if .Values.on }}a{{ else }}b{{ end }}", &[r#""a" @file+19 if .on"#]),
        ("{{ if .Values.off }}a{{ end }}c", &[r#""" ~ if .off"#, r#""c" @file+30"#]),
        ("{{ if .Values.x }}a{{ end }}", &[r#""" ~ if ?.x"#]),
        ("{{ if eq .Values.image \"z\" }}a{{ else }}b{{ end }}", &[r#""b" @file+40 if .image"#]),
        ("{{ with .Values.m }}{{ .k }}{{ end }}", &[r#""v" @.m.k+0 if .m"#]),
        (
            "{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }}{{ end }}",
            &[r#""k" @key .m.k+0 if .m"#, r#""=" @file+39 if .m"#, r#""v" @.m.k+0 if .m"#],
        ),
        // Choices.
        ("{{ or .Values.tag .Values.image }}", &[r#""acme/cart" @.image+0 if .tag"#]),
        ("{{ and .Values.on .Values.image .Values.port }}", &[r#""80" @.port+0 if .image .on"#]),
        ("{{ index .Values.l 1 }}", &[r#""q" @.l.1+0 if 19..20"#]),
        // Variables that a branch assigns, taken or not.
        (
            "{{ $x := 1 }}{{ if .Values.on }}{{ $x = .Values.port }}{{ end }}{{ $x }}",
            &[r#""" ~ if .on"#, r#""80" @.port+0 if .on"#],
        ),
        (
            "{{ $x := .Values.port }}{{ if .Values.off }}{{ $x = 2 }}{{ end }}{{ $x }}",
            &[r#""" ~ if .off"#, r#""80" @.port+0 if .off"#],
        ),
        (
            "{{ $x := .Values.port }}{{ range .Values.none }}{{ $x = 2 }}{{ end }}{{ $x }}",
            &[r#""" ~ if ?.none"#, r#""80" @.port+0 if ?.none"#],
        ),
        // What follows a possible `break` is there because it did not happen.
        (
            "{{ range .Values.l }}{{ if $.Values.off }}{{ break }}{{ end }}x{{ end }}y",
            &[
                r#""" ~ if .l .off"#,
                r#""x" @file+62 if .l .off"#,
                r#""" ~ if .l .off"#,
                r#""x" @file+62 if .l .off"#,
                r#""y" @file+72"#,
            ],
        ),
        // Templates within templates.
        (
            r#"{{ define "t" }}[{{ . }}]{{ end }}{{ if .Values.on }}{{ include "t" .Values.image }}{{ end }}"#,
            &[r#""[" @file+16 if .on"#, r#""acme/cart" @.image+0 if .on"#, r#""]" @file+24 if .on"#],
        ),
        // The text of a values string is its own template.
        ("{{ tpl .Values.t . }}", &[r#""x" @.t+0"#, r#""80" @.port+0 if .t"#, r#""y" @.t+19"#]),
        // Formats.
        (
            r#"{{ printf "%s-%d|%5v" .Values.image .Values.port .Values.on }}"#,
            &[
                r#""acme/cart" @.image+0"#,
                r#""-" @file+13"#,
                r#""%!d(float64=" ~.port"#,
                r#""80" @.port+0"#,
                r#"")" ~.port"#,
                r#""|" @file+16"#,
                r#"" " ~.on"#,
                r#""true" @.on+0"#,
            ],
        ),
        ("{{ printf \"%q\" .Values.tag }}", &[r#""\"" ~.tag"#, r#""" @.tag+0"#, r#""\"" ~.tag"#]),
        (
            "{{ print .Values.m }}",
            &[r#""map[" ~.m"#, r#""k" @key .m.k+0"#, r#"":" ~.m"#, r#""v" @.m.k+0"#, r#""]" ~.m"#],
        ),
        (
            "{{ html .Values.n }}",
            &[r#""a" @.n+0"#, r#""&lt;" ~.n"#, r#""no value" @.n+2"#, r#""&gt;" ~.n"#, r#""b" @.n+11"#],
        ),
    ];
    for (template, pieces) in cases {
        assert_eq!(traced(template, values), *pieces, "{template}");
    }
}

#[test]
fn branches_are_remembered_once() {
    let template = "{{ range .Values.l }}{{ if $.Values.off }}a{{ end }}{{ end }}";
    let program = program(&[(NAME, template)]);
    let mut evaluator = Evaluator::new(&program, Context::default());
    let root = root(r#"{"l": [1, 2], "off": false}"#, &mut evaluator.context);
    evaluator.execute(NAME, root).unwrap();
    let branches = evaluator.take_branches();
    let seen = branches.iter().map(|branch| {
        let decided_by = set(branch.decided_by, &evaluator.context);
        (branch.span.start, branch.span.end, decided_by, branch.taken)
    });
    assert_eq!(seen.collect::<Vec<_>>(), [(0, 61, ".l".to_owned(), true), (21, 52, ".off".to_owned(), false)]);
}
