//! What credentials look like, whatever they are called.

use std::ops::Range;

use super::census::Census;

/// Beginnings that issuers give their credentials, and how many characters of `[A-Za-z0-9_-]` must follow at least.
const PREFIXES: &[(&str, usize)] = &[
    ("AKIA", 16),
    ("ASIA", 16),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 15),
    ("gldt-", 15),
    ("glrt-", 15),
    ("glptt-", 15),
    ("glsa_", 20),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxe-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("sk_live_", 10),
    ("rk_live_", 10),
    ("sk_test_", 10),
    ("whsec_", 20),
    ("sk-ant-", 20),
    ("sk-proj-", 20),
    ("AIza", 33),
    ("ya29.", 20),
    ("GOCSPX-", 20),
    ("npm_", 30),
    ("pypi-AgE", 20),
    ("hf_", 30),
    ("hvs.", 20),
    ("hvb.", 20),
    ("dop_v1_", 30),
    ("shpat_", 20),
    ("dckr_pat_", 15),
    ("NRAK-", 20),
    ("lin_api_", 20),
    ("ATATT3x", 20),
    ("AGE-SECRET-KEY-1", 40),
    ("PMAK-", 20),
    ("dapi", 32),
    ("SG.", 40),
    ("tfp_", 20),
    ("sq0csp-", 20),
    ("EAACEdEose0cBA", 10),
    ("figd_", 20),
    ("ntn_", 30),
    ("CCIPAT_", 20),
];

/// The prefixes that begin with a byte, a bit for each.
const BY_FIRST: [u64; 256] = {
    assert!(PREFIXES.len() <= 64);
    let (mut table, mut index) = ([0; 256], 0);
    while index < PREFIXES.len() {
        table[PREFIXES[index].0.as_bytes()[0] as usize] |= 1 << index;
        index += 1;
    }
    table
};

/// The parts of a text that have the shape of a credential; `census` is the text's.
pub fn credentials(text: &str, census: &Census) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut past = [0; PREFIXES.len()];
    let bytes = text.as_bytes();
    // A prefix begins a word: every report is looked at, so one pass over the words has to do for all prefixes.
    let mut within = false;
    for (at, byte) in bytes.iter().enumerate() {
        let begins = !within;
        within = byte.is_ascii_alphanumeric();
        let mut likely = if begins { BY_FIRST[usize::from(*byte)] } else { 0 };
        while likely != 0 {
            let index = likely.trailing_zeros() as usize;
            likely &= likely - 1;
            let (prefix, least) = &PREFIXES[index];
            if at < past[index] || !bytes[at..].starts_with(prefix.as_bytes()) {
                continue;
            }
            let end = at + prefix.len() + run(&text[at + prefix.len()..], b"_-.");
            past[index] = end;
            let body = &text[at + prefix.len()..end];
            if body.len() >= *least && is_random(prefix, body) {
                found.push(at..end);
            }
        }
    }
    if census.has_all(b"eyJ.") {
        found.extend(tokens(text));
    }
    if census.has_all(b":/@") {
        found.extend(userinfo(text));
    }
    if census.has_any(b"/=") {
        found.extend(webhooks(text));
    }
    found
}

/// Private keys in PEM, from their first line to their last, or to the end where that is missing.
pub fn private_keys(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find("-----BEGIN ").map(|at| from + at) {
        let label = &text[at + 11..];
        from = at + 11;
        let Some(close) = label.find("-----") else { break };
        if close > 60 || !(label[..close].contains("PRIVATE KEY") || label[..close].contains("PGP PRIVATE")) {
            continue;
        }
        let body = from + close + 5;
        let end = text[body..].find("-----END ").map_or(text.len(), |end| {
            let end = body + end + 9;
            text[end..].find("-----").map_or(text.len(), |close| end + close + 5)
        });
        found.push(at..end);
        from = end;
    }
    found
}

/// Tells whether a whole value is one long word of random letters and digits; `hex` also counts hexadecimal digits alone.
pub fn is_random_word(value: &str, hex: bool) -> bool {
    let word = value.trim().trim_end_matches('=');
    let only_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    if only_hex {
        return hex && word.len() >= 32 && entropy(word) > 2.5;
    }
    let count = |test: fn(&u8) -> bool| word.bytes().filter(test).count();
    (32..=512).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/_-".contains(&b))
        && word.bytes().filter(|b| b"_-".contains(b)).count() <= word.len() / 16
        && count(u8::is_ascii_uppercase) >= 4
        && count(u8::is_ascii_lowercase) >= 4
        && count(u8::is_ascii_digit) >= 3
        && entropy(word) >= 4.0
}

/// Shannon entropy in bits a character.
fn entropy(word: &str) -> f64 {
    let mut counts = [0_u32; 256];
    word.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = word.len().max(1) as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length).map(|p| -p * p.log2()).sum()
}

/// The length of a run of letters, digits and some other bytes.
fn run(text: &str, more: &[u8]) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || more.contains(b)).count()
}

/// A credential's body is not words or a run of capitals: `npm_config_registry_default_location`, `AKIA…` must be capitals.
fn is_random(prefix: &str, body: &str) -> bool {
    let digits = body.bytes().any(|b| b.is_ascii_digit());
    let mixed = body.bytes().any(|b| b.is_ascii_uppercase()) && body.bytes().any(|b| b.is_ascii_lowercase());
    match prefix {
        "AKIA" | "ASIA" => body[..16].bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
        "npm_" | "hf_" | "dapi" | "ntn_" => digits && !body.contains('_'),
        "SG." => body.contains('.') && mixed,
        _ => digits || mixed,
    }
}

/// JSON Web Tokens: three base64url parts, the first two of which begin like `{"`.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let part = |from: usize| run(&text[from..], b"_-");
    let (mut found, mut past) = (Vec::new(), 0);
    for (at, _) in text.match_indices("eyJ") {
        if at < past {
            continue;
        }
        let first = at + part(at);
        past = first;
        if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) || !text[first..].starts_with(".eyJ") {
            continue;
        }
        let second = first + 1 + part(first + 1);
        let end = if text[second..].starts_with('.') { second + 1 + part(second + 1) } else { second };
        if end - at >= 30 {
            found.push(at..end);
        }
    }
    found
}

/// The password of `scheme://user:password@host`, and a token that stands there alone.
fn userinfo(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let authority =
            text[start..].find(|c: char| c.is_whitespace() || "/\"'`<>\\".contains(c)).unwrap_or(text.len() - start);
        let Some(user) = text[start..start + authority].rfind('@') else { continue };
        let (user, from) = (&text[start..start + user], start);
        match user.split_once(':') {
            Some((name, password)) if !password.is_empty() && !super::name::is_reference(password) => {
                found.push(from + name.len() + 1..from + user.len());
            }
            None if is_random_word(user, true) => found.push(from..from + user.len()),
            _ => {}
        }
    }
    found
}

/// Webhook addresses that are their own credential, and signed storage keys.
fn webhooks(text: &str) -> Vec<Range<usize>> {
    let starts = [
        "hooks.slack.com/services/T",
        "hooks.slack.com/workflows/T",
        "discord.com/api/webhooks/",
        "discordapp.com/api/webhooks/",
        "AccountKey=",
        "SharedAccessKey=",
        "SharedAccessSignature=",
        "outlook.office.com/webhook/",
    ];
    let mut found = Vec::new();
    for start in starts {
        let mut past = 0;
        for (at, _) in text.match_indices(start) {
            let from = at + start.len();
            if at < past {
                continue;
            }
            let end = from + run(&text[from..], b"/_-+=%@");
            past = end;
            if end - from >= 16 {
                found.push(from..end);
            }
        }
    }
    found
}
