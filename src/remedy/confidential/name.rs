//! Which field names hold secrets, and which values under them plainly are none.

/// What a field's name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A password: even a number may be one.
    Password,
    /// A token, key or credential.
    Credential,
    /// `secret`: the value itself, or the name of a Kubernetes object that holds it.
    Secret,
    /// Random data under this name may be a secret (`authKey`, `salt`, `session`).
    Doubtful,
    /// Random data under this name is public (`caBundle`, `checksum/config`, `publicKey`).
    Public,
    /// Nothing.
    Ordinary,
}

const PASSWORDS: [&str; 8] =
    ["password", "passwords", "passwd", "passphrase", "passphrases", "pwd", "passcode", "userpass"];
const CREDENTIALS: [&str; 6] = ["token", "tokens", "credential", "credentials", "creds", "connectionstring"];
const SECRETS: [&str; 2] = ["secret", "secrets"];

/// Words that make a following `key` a secret.
const KEY_OF: [&str; 24] = [
    "api",
    "private",
    "secret",
    "access",
    "signing",
    "encryption",
    "decryption",
    "master",
    "account",
    "storage",
    "license",
    "ssh",
    "auth",
    "deploy",
    "shared",
    "hmac",
    "session",
    "cookie",
    "jwt",
    "webhook",
    "integration",
    "ingest",
    "admin",
    "app",
];

/// Endings of names written in one word.
const ENDINGS: [(&str, Named); 12] = [
    ("password", Named::Password),
    ("passwd", Named::Password),
    ("passphrase", Named::Password),
    ("token", Named::Credential),
    ("apikey", Named::Credential),
    ("privatekey", Named::Credential),
    ("secretkey", Named::Credential),
    ("accesskey", Named::Credential),
    ("authkey", Named::Credential),
    ("signingkey", Named::Credential),
    ("encryptionkey", Named::Credential),
    ("secret", Named::Secret),
];

/// Words after the secret word that make the field something about the secret.
const ABOUT: &str = " access account accounts address age agent algorithm alg annotation annotations arn arns attempts \
    audience audiences authentication authorization bucket bytes cache check checks class cluster config configuration \
    controller count create created creation cron csi days description digest dir directory disabled disable driver enable \
    enabled encoding encryption endpoint endpoints engine env environment error errors exchange expiration expire expires expiry field \
    fields file filename files folder format from generate generation generator grant group groups header headers help hint \
    holder host hostname hour hours id identifier ids index inject injection injector interval introspection issuer issuers \
    item items kind label labels length lifetime limit limits location lookup management manager max message messages method \
    min minute minutes mode mount mounts name names namespace namespaces number operator optional options owner param \
    parameter parameters params path paths pattern period permissions placeholder plugin policies policy port prefix project \
    projection properties property prompt provider providers rate reader ref reference references refresh refs regex region \
    reload reloader renewal request requests required requirement requirements reset resource resources retention review \
    reviews revision revocation role roles rotate rotation rules schedule schema scope scopes second seconds selector \
    selectors sensitive server service settings size source sources state status storage store stores strategy suffix sync \
    table template templates timeout timestamp title ttl type types uid update uri uris url urls usage use user username \
    users validation validator validity var variable variables verification version versions volume volumes warning webhook \
    window writer ";

/// Words before the secret word that do the same.
const NOT_OF: &str =
    " allow automount disable enable existing has is max min no require requires skip use uses without ";

/// Words that make `secret` the name of an object.
const HELD_BY: &str = " external image pull registry sealed tls ";

const PUBLIC: &str = " ca cabundle bundle cert certificate certificates certs crt chain public pub checksum checksums digest \
    digests hash hashes sha sha1 sha256 sha384 sha512 md5 etag id ids uid uuid fingerprint thumbprint signature integrity \
    encrypted revision commit image images tag tags modulus n x y version name names url uri src href path description \
    nonce script template dashboard arn user_data location ";

const DOUBTFUL: [&str; 19] = [
    "key",
    "keys",
    "auth",
    "authorization",
    "salt",
    "seed",
    "pepper",
    "cookie",
    "session",
    "hmac",
    "bearer",
    "sas",
    "jwt",
    "value",
    "dsn",
    "pass",
    "license",
    "psk",
    "pin",
];

/// Tells what a field's name says of its value: `DB_PASSWORD`, `clientSecret`, `vault.example.com/agent-token`.
pub fn named(key: &str) -> Named {
    let (domain, key) = key.rsplit_once('/').unwrap_or(("", key));
    // `checksum/secret`, but not `disallow-latest-tag/secret`
    if domain.split('.').any(|label| is_in(PUBLIC, &label.to_ascii_lowercase())) {
        return Named::Public;
    }
    let words = words(key);
    for (at, word) in words.iter().enumerate() {
        let before = &words[..at];
        let last = at + 1 == words.len();
        let Some((found, used)) = secret_word(before.last().map(String::as_str), word, last) else { continue };
        let after: Vec<&str> = words[at + 1..].iter().map(String::as_str).collect();
        let (found, after) = match (found, after.as_slice()) {
            (Named::Secret, ["key" | "keys", rest @ ..] | ["access", "key", rest @ ..]) => (Named::Credential, rest),
            // `passwordKey`: the key under which an object keeps it.
            (_, ["key" | "keys", ..]) => return Named::Ordinary,
            // `credentialsSecret`: the object that keeps them.
            (_, ["secret" | "secrets"]) => (Named::Secret, &[][..]),
            (found, after) => (found, after),
        };
        let around = before[..before.len() + 1 - used].last().map_or("", String::as_str);
        let held = found == Named::Secret && is_in(HELD_BY, around);
        if held || is_in(NOT_OF, around) || after.iter().any(|word| is_in(ABOUT, word)) {
            return Named::Ordinary;
        }
        return found;
    }
    if words.iter().any(|word| is_in(PUBLIC, word)) {
        Named::Public
    } else if words.iter().any(|word| DOUBTFUL.contains(&word.as_str())) {
        Named::Doubtful
    } else {
        Named::Ordinary
    }
}

/// Tells whether a value under a secret name is one, rather than a reference to it, a switch or a template.
pub fn is_plausible(name: Named, value: &str) -> bool {
    let value = value.trim();
    if !matches!(name, Named::Password | Named::Credential | Named::Secret) || value.is_empty() || is_reference(value) {
        return false;
    }
    match name {
        Named::Password => true,
        _ if value.parse::<f64>().is_ok() || is_path(value) => false,
        Named::Secret => !is_object_name(value),
        _ => true,
    }
}

/// Tells whether a value only says where the secret is, or is a switch, a placeholder or encrypted.
pub fn is_reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let word = matches!(
        lower.as_str(),
        "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "null"
            | "none"
            | "~"
            | "{}"
            | "[]"
            | "\"\""
            | "''"
            | "nil"
            | "n/a"
            | "redacted"
            | "[redacted]"
            | "[withheld]"
            | "string"
            | "optional"
            | "required"
            | "undefined"
    );
    let starts = [
        "vault:",
        "ref+",
        "op://",
        "arn:",
        "ssm:",
        "secretsmanager:",
        "awssm:",
        "gcpsm:",
        "akv:",
        "sm://",
        "gcp://",
        "file:",
        "env:",
        "enc[",
        "projects/",
        "!vault",
        "$__",
        "/run/secrets/",
        "/var/run/",
        "/etc/",
        "var.",
        "local.",
        "data.",
        "module.",
        "each.",
        "self.",
        "random_",
        "aws_",
        "azurerm_",
        "google_",
        "kubernetes_",
        "vault_",
        "tls_",
        "&",
        "!ref",
        "!sub",
        "!getatt",
        "{{resolve:",
        "process.env",
        "os.environ",
        "os.getenv",
    ];
    let holds = ["$(", "${", "{{", "%{", "<%", "[[", "(("];
    let starred = value.len() > 2 && value.chars().all(|c| matches!(c, '*' | '•' | 'x' | 'X' | '.' | '-' | '_'));
    let variable = value.strip_prefix('$').is_some_and(|name| {
        let upper = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        !name.is_empty() && (upper || name.bytes().all(|b| b.is_ascii_lowercase() || b"-_.:".contains(&b)))
    });
    let angled = value.starts_with('<') && value.ends_with('>');
    let sealed = value.starts_with("Ag") && value.len() > 200;
    let alias =
        value.strip_prefix('*').is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    word || starred
        || variable
        || angled
        || sealed
        || alias
        || starts.iter().any(|start| lower.starts_with(start))
        || holds.iter().any(|part| value.contains(part))
}

/// `secret/data/shop/db`, `/etc/tls/tls.key`: lower-case parts of a path.
fn is_path(value: &str) -> bool {
    value.contains('/')
        && value.split('/').filter(|part| !part.is_empty()).all(|part| {
            part.len() < 40
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.:".contains(&b))
        })
}

/// `db-credentials`, `wildcard-tls`: a Kubernetes name of several words, not the random letters of a credential.
fn is_object_name(value: &str) -> bool {
    let label = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        part.len() <= 20 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) && digits <= 2
    };
    let parts: Vec<&str> = value.split(['-', '.']).collect();
    let speaks = ["secret", "cred", "tls", "cert", "auth", "token", "registry", "password", "keys"];
    parts.iter().all(|part| label(part)) && (parts.len() > 1 || speaks.iter().any(|word| value.contains(word)))
}

/// A secret word, and how many words it consists of.
fn secret_word(before: Option<&str>, word: &str, last: bool) -> Option<(Named, usize)> {
    if PASSWORDS.contains(&word) || last && matches!(word, "pass" | "pw") {
        Some((Named::Password, 1))
    } else if CREDENTIALS.contains(&word) {
        Some((Named::Credential, 1))
    } else if SECRETS.contains(&word) {
        Some((Named::Secret, 1))
    } else if matches!(word, "key" | "keys") && before.is_some_and(|before| KEY_OF.contains(&before))
        || word == "string" && before == Some("connection")
    {
        Some((Named::Credential, 2))
    } else {
        ENDINGS.iter().find(|(ending, _)| word.ends_with(ending) && word != "pullsecret").map(|(_, named)| (*named, 1))
    }
}

/// `DBPassword_2` → `db`, `password`, ``.
fn words(key: &str) -> Vec<String> {
    let chars: Vec<char> = key.chars().collect();
    let (mut words, mut word) = (Vec::new(), String::new());
    for (at, &c) in chars.iter().enumerate() {
        let follows = |test: fn(&char) -> bool| chars.get(at + 1).is_some_and(test);
        let hump = c.is_uppercase() && at > 0 && (chars[at - 1].is_lowercase() || follows(|next| next.is_lowercase()));
        if (hump || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    words.push(word);
    words
        .into_iter()
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn is_in(list: &str, word: &str) -> bool {
    !word.is_empty() && list.contains(&format!(" {word} "))
}
