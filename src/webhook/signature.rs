//! Who sent this: authentication of a delivery over its raw bytes, before anything parses them.
//!
//! Hardly any product signs its webhooks, and those that do differ in header, prefix, hash and encoding, so the ways are
//! data of the sender's manifest. Every comparison takes the same time wherever the first difference is, and every secret
//! is tried even when an earlier one fitted, so that timing tells neither bytes nor which secret is in use.

pub mod oidc;
pub mod sns;

use ::hmac::{Hmac, KeyInit, Mac};
use base64::{Engine as _, alphabet, engine};
use ring::hmac;
use serde::{Deserialize, Serialize};
use sha2::{Sha256, Sha512};

use crate::model::secret::Secret;

/// How far a Standard Webhooks timestamp may lie from our clock, in seconds (the reference libraries' tolerance).
pub const TIMESTAMP_TOLERANCE: u64 = 5 * 60;

/// Signatures of one delivery that are looked at; more is no rotation but an attempt to keep us busy.
const MAX_SIGNATURES: usize = 16;

/// One way for a sender to show who it is, as a manifest writes it: `{kind: hmac-sha256, header: X-Signature-256}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Authentication {
    /// Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`; secrets are base64, with or without `whsec_`.
    StandardWebhooks,
    /// An HMAC over the body alone: nothing in it is fresh, so a copied delivery stays valid; the inbox drops repeats.
    Hmac {
        /// The hash below the HMAC.
        hash: Hash,
        /// The header that carries the signature.
        header: String,
        /// What stands before the signature (`sha256=`).
        prefix: String,
        /// How the signature is written.
        encoding: Encoding,
    },
    /// `Authorization: Bearer <secret>` (RFC 6750): whoever reads it once can forge, so only over TLS.
    Bearer,
    /// A secret as the whole value of a header; as weak as `Bearer`.
    Header {
        /// The header's name.
        header: String,
    },
    /// `Authorization: Basic …` (RFC 7617); the secret is `user:password`.
    Basic,
    /// The secret as the last segment of the URL's path, for products that can add no header. URLs end in logs of proxies
    /// and of the product, so it is the weakest of all.
    PathToken,
    /// A client certificate that a proxy in front of us verified: the proxy writes its subject or fingerprint into a header,
    /// and the secrets are the values that may post. Counts only from the addresses of configured proxies.
    Mtls {
        /// The header that the proxy sets, whatever the client sent in it.
        header: String,
    },
    /// Amazon SNS: an RSA signature in the body, by a certificate from Amazon's own host. The secrets are the ARNs of the
    /// topics that may post, since anybody can own a topic.
    Sns,
    /// A bearer token that an issuer signed (OpenID Connect, RS256), as Google's Pub/Sub sends it. The secrets are
    /// `AUDIENCE EMAIL`: whom the token is for, and the service account that posts, since anybody can ask for a token.
    Oidc {
        /// The issuer, as `iss` of its tokens says it.
        issuer: String,
        /// Where its public keys are, as a JSON Web Key Set.
        keys: String,
    },
    /// Anybody may send anything. Never a default: an operator has to write the word.
    Insecure,
}

/// The hash of an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Hash {
    /// Broken for collisions, which an HMAC does not need; only for products that have nothing else.
    Sha1,
    Sha256,
    Sha512,
}

/// How the bytes of a signature are written in a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower-case hexadecimal digits.
    #[default]
    Hex,
    /// The standard base64 alphabet with padding (RFC 4648 §4).
    Base64,
}

/// Proof that a delivery passed [`verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    secret: Option<usize>,
}

impl Verified {
    /// The position of the secret that fitted, to see when a rotated one is no longer used; absent with `insecure`.
    pub fn secret(self) -> Option<usize> {
        self.secret
    }
}

/// Why a delivery is not accepted. The text is for our log: the answer is 401 and says nothing of the reason.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifyError {
    /// Nothing to verify with: the sender has no secret, or an empty one. It is the operator's to mend.
    #[error("no secret is configured, or an empty one: nothing can be verified")]
    NoSecret,
    /// A secret is not in the form that the kind asks for.
    #[error("secret {index} cannot be used: expected {expected}")]
    BadSecret {
        /// Its position.
        index: usize,
        /// The form it must have.
        expected: &'static str,
    },
    /// The delivery does not carry a header that the kind asks for.
    #[error("the header {0} is missing")]
    MissingHeader(String),
    /// The URL does not end in a token.
    #[error("the path ends without the token that this sender posts with")]
    MissingToken,
    /// The delivery came around the proxy that verifies client certificates.
    #[error("the delivery did not come from a configured proxy, which alone can vouch for a client certificate")]
    NotByProxy,
    /// The body is not what its sender signs.
    #[error("the body is not a signed message: {0}")]
    MalformedMessage(&'static str),
    /// The key that the signature names is not there, or cannot be read.
    #[error("the key of the signature cannot be had: {0}")]
    NoKey(&'static str),
    /// A signature of somebody whom nobody allowed.
    #[error("signed, but by or for somebody else: {0}")]
    Stranger(&'static str),
    /// A header is not of the form that the kind asks for.
    #[error("the header {header} is malformed: expected {expected}")]
    MalformedHeader {
        /// Its name.
        header: String,
        /// The form it must have.
        expected: &'static str,
    },
    /// The delivery is too old or too new: a repeat, or a clock that is wrong.
    #[error("the timestamp is {0} seconds away from our clock, {TIMESTAMP_TOLERANCE} are tolerated")]
    Timestamp(u64),
    /// Only signatures of a scheme that is not supported, such as `v1a` (ed25519).
    #[error("no signature of version v1: asymmetric signatures (v1a) are not supported, ask the sender for v1")]
    UnsupportedVersion,
    /// No secret fits: forged, changed on the way, or signed with another secret.
    #[error("no configured secret fits the delivery")]
    Mismatch,
}

impl Authentication {
    /// The name under which manifests and configurations choose it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard-webhooks",
            Self::Hmac { hash: Hash::Sha1, .. } => "hmac-sha1",
            Self::Hmac { hash: Hash::Sha256, .. } => "hmac-sha256",
            Self::Hmac { hash: Hash::Sha512, .. } => "hmac-sha512",
            Self::Bearer => "bearer",
            Self::Header { .. } => "header",
            Self::Basic => "basic",
            Self::PathToken => "path-token",
            Self::Mtls { .. } => "mtls",
            Self::Sns => "sns",
            Self::Oidc { .. } => "oidc",
            Self::Insecure => "insecure",
        }
    }

    /// Checks that deliveries could be verified with these secrets, so that a server refuses to start rather than to serve.
    pub fn check(&self, secrets: &[Secret]) -> Result<(), VerifyError> {
        if *self == Self::Insecure {
            return Ok(());
        }
        if secrets.is_empty() || secrets.iter().any(Secret::is_empty) {
            return Err(VerifyError::NoSecret);
        }
        let wrong = |expected| move |(index, _): (usize, &Secret)| VerifyError::BadSecret { index, expected };
        let mut all = secrets.iter().enumerate();
        let bad = match self {
            Self::StandardWebhooks => all
                .find(|(_, secret)| standard_key(secret).is_none_or(|key| key.is_empty()))
                .map(wrong("base64, usually after whsec_")),
            Self::Basic => all.find(|(_, secret)| !secret.expose().contains(':')).map(wrong("user:password")),
            Self::PathToken => all.find(|(_, secret)| !is_token(secret.expose())).map(wrong(TOKEN)),
            Self::Sns => all.find(|(_, secret)| !secret.expose().starts_with("arn:")).map(wrong("the ARN of a topic")),
            Self::Oidc { .. } => {
                all.find(|(_, secret)| oidc::expected(secret).is_none()).map(wrong("AUDIENCE EMAIL, with a space"))
            }
            _ => None,
        };
        bad.map_or(Ok(()), Err)
    }
}

/// What a delivery shows of its sender.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// Looks a header up without regard to case.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// What follows the sender's path in the URL, without its slash.
    pub token: Option<&'a str>,
    /// Whether the delivery came from a configured proxy.
    pub by_proxy: bool,
    /// The raw body.
    pub body: &'a [u8],
    /// What stands at [`Authentication::key_of`]'s URL, where that asked for it.
    pub key: Option<&'a [u8]>,
    /// The receiver's clock in seconds since 1970.
    pub now_unix: i64,
}

impl Authentication {
    /// The URL of the public key that the delivery has to be verified with, for kinds whose sender signs with its own.
    ///
    /// It is of the manifest, or of a host that belongs to the signer alone: nothing a delivery says leads elsewhere.
    pub fn key_of(&self, secrets: &[Secret], body: &[u8]) -> Result<Option<String>, VerifyError> {
        match self {
            Self::Sns => sns::Message::read(body)?.key_of(secrets).map(Some),
            Self::Oidc { keys, .. } => Ok(Some(keys.clone())),
            _ => Ok(None),
        }
    }
}

/// Verifies a delivery. Several secrets are valid at once, so that one can be rotated without a gap.
pub fn verify(
    authentication: &Authentication,
    secrets: &[Secret],
    presented: &Presented<'_>,
) -> Result<Verified, VerifyError> {
    let Presented { header, body, now_unix, .. } = *presented;
    authentication.check(secrets)?;
    let required = |name: &str| header(name).ok_or_else(|| VerifyError::MissingHeader(name.to_owned()));
    match authentication {
        Authentication::StandardWebhooks => {
            let (id, timestamp) = (required("webhook-id")?, required("webhook-timestamp")?);
            let presented = standard_signatures(&required("webhook-signature")?)?;
            check_standard_head(&id, &timestamp, now_unix)?;
            first_fit(secrets, |secret| {
                let mac = standard_mac(&standard_key(secret)?, &id, &timestamp, body);
                Some(presented.iter().fold(false, |fits, one| mac.clone().verify_slice(one).is_ok() | fits))
            })
        }
        Authentication::Hmac { hash, header: name, prefix, encoding } => {
            let malformed = |expected| VerifyError::MalformedHeader { header: name.clone(), expected };
            let text = required(name)?;
            let text = text.strip_prefix(prefix.as_str()).ok_or_else(|| malformed("the configured prefix"))?;
            let presented = match encoding {
                Encoding::Hex => unhex(text).ok_or_else(|| malformed("lower-case hexadecimal digits"))?,
                Encoding::Base64 => STRICT.decode(text).map_err(|_| malformed("base64"))?,
            };
            first_fit(secrets, |secret| match hash {
                Hash::Sha1 => {
                    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose().as_bytes());
                    Some(hmac::verify(&key, body, &presented).is_ok())
                }
                Hash::Sha256 => fits::<Hmac<Sha256>>(secret, body, &presented),
                Hash::Sha512 => fits::<Hmac<Sha512>>(secret, body, &presented),
            })
        }
        Authentication::Bearer => {
            let token = credentials(&required("authorization")?, "bearer", "Bearer and a token")?;
            first_fit(secrets, |secret| same(secret, token.as_bytes()))
        }
        Authentication::Header { header: name } => {
            let value = required(name)?;
            first_fit(secrets, |secret| same(secret, value.as_bytes()))
        }
        Authentication::Basic => {
            const EXPECTED: &str = "Basic and base64 of user:password";
            let encoded = credentials(&required("authorization")?, "basic", EXPECTED)?;
            let pair = LENIENT
                .decode(encoded)
                .map_err(|_| VerifyError::MalformedHeader { header: "authorization".to_owned(), expected: EXPECTED })?;
            first_fit(secrets, |secret| same(secret, &pair))
        }
        Authentication::PathToken => {
            let token = presented.token.ok_or(VerifyError::MissingToken)?;
            first_fit(secrets, |secret| same(secret, token.as_bytes()))
        }
        Authentication::Mtls { .. } if !presented.by_proxy => Err(VerifyError::NotByProxy),
        Authentication::Mtls { header: name } => {
            let value = required(name)?;
            first_fit(secrets, |secret| same(secret, value.as_bytes()))
        }
        Authentication::Sns => {
            let message = sns::Message::read(body)?;
            message.verify(presented.key.ok_or(VerifyError::NoKey("it was not fetched"))?, now_unix)?;
            first_fit(secrets, |secret| same(secret, message.topic().as_bytes()))
        }
        Authentication::Oidc { issuer, .. } => {
            let token = credentials(&required("authorization")?, "bearer", "Bearer and a token")?;
            let keys = presented.key.ok_or(VerifyError::NoKey("they were not fetched"))?;
            let claims = oidc::verified(&token, keys, issuer, now_unix)?;
            first_fit(secrets, |secret| Some(claims.fit(secret)))
        }
        Authentication::Insecure => Ok(Verified { secret: None }),
    }
}

/// Signs a delivery as Standard Webhooks 1.0.0 asks: the value of `webhook-signature`, for the secret, the `webhook-id`,
/// the `webhook-timestamp` in seconds since 1970, and the exact bytes of the body.
///
/// A secret that is not base64 signs with its own bytes; [`Authentication::check`] refuses it where it is configured.
pub fn sign_standard_webhooks(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let key = standard_key(secret).unwrap_or_else(|| secret.expose().as_bytes().to_vec());
    let mac = standard_mac(&key, id, &timestamp.to_string(), body);
    format!("v1,{}", STRICT.encode(mac.finalize().into_bytes()))
}

const TOKEN: &str = "at least 20 letters, digits, \"-\" and \"_\"";

/// A segment of a path that needs no escaping and cannot be guessed.
fn is_token(text: &str) -> bool {
    text.len() >= 20 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

const STRICT: engine::GeneralPurpose = engine::GeneralPurpose::new(&alphabet::STANDARD, engine::general_purpose::PAD);

/// Secrets and user names are typed by people: their padding may be missing.
const LENIENT: engine::GeneralPurpose = engine::GeneralPurpose::new(
    &alphabet::STANDARD,
    engine::general_purpose::PAD.with_decode_padding_mode(engine::DecodePaddingMode::Indifferent),
);

/// Tries every secret, whichever fits, and names the first that does.
fn first_fit(secrets: &[Secret], fits: impl Fn(&Secret) -> Option<bool>) -> Result<Verified, VerifyError> {
    let found = secrets.iter().enumerate().fold(None, |found: Option<usize>, (index, secret)| {
        let here = fits(secret).unwrap_or(false).then_some(index);
        found.or(here)
    });
    found.map(|index| Verified { secret: Some(index) }).ok_or(VerifyError::Mismatch)
}

fn fits<M: Mac + KeyInit>(secret: &Secret, body: &[u8], presented: &[u8]) -> Option<bool> {
    let mac = <M as KeyInit>::new_from_slice(secret.expose().as_bytes()).ok()?;
    Some(mac.chain_update(body).verify_slice(presented).is_ok())
}

/// Compares a presented text with a secret by their keyed digests, so that not even its length shows in the time.
fn same(secret: &Secret, presented: &[u8]) -> Option<bool> {
    let keyed = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    let expected = keyed.clone().chain_update(secret.expose()).finalize().into_bytes();
    Some(keyed.chain_update(presented).verify_slice(&expected).is_ok())
}

fn standard_mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body)
}

fn standard_key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.expose();
    LENIENT.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()
}

/// The `v1` signatures of `v1,<base64> v1,<base64> v1a,…`; those that cannot be a signature fit nothing and are skipped.
fn standard_signatures(text: &str) -> Result<Vec<Vec<u8>>, VerifyError> {
    let malformed = |expected| VerifyError::MalformedHeader { header: "webhook-signature".to_owned(), expected };
    let (mut found, mut other) = (Vec::new(), false);
    for (number, one) in text.split_ascii_whitespace().enumerate() {
        if number == MAX_SIGNATURES {
            return Err(malformed("at most 16 signatures"));
        }
        match one.split_once(',') {
            Some(("v1", signature)) => found.extend(STRICT.decode(signature).ok()),
            Some(_) => other = true,
            None => {}
        }
    }
    match (found.is_empty(), other) {
        (false, _) => Ok(found),
        (true, true) => Err(VerifyError::UnsupportedVersion),
        (true, false) => Err(malformed("v1 signatures in base64, such as v1,K5oZ…=")),
    }
}

fn check_standard_head(id: &str, timestamp: &str, now_unix: i64) -> Result<(), VerifyError> {
    let malformed = |header: &str, expected| VerifyError::MalformedHeader { header: header.to_owned(), expected };
    if id.is_empty() || id.len() > 256 || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(malformed("webhook-id", "1 to 256 visible ASCII characters"));
    }
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|b| b.is_ascii_digit());
    let sent = digits.then(|| timestamp.parse::<i64>().ok()).flatten();
    let sent = sent.ok_or_else(|| malformed("webhook-timestamp", "whole seconds since 1970"))?;
    match sent.abs_diff(now_unix) {
        away if away > TIMESTAMP_TOLERANCE => Err(VerifyError::Timestamp(away)),
        _ => Ok(()),
    }
}

/// What follows the scheme in an `Authorization` header; the scheme's case does not matter (RFC 9110 §11.1).
fn credentials(text: &str, scheme: &str, expected: &'static str) -> Result<String, VerifyError> {
    match text.split_once(' ') {
        Some((written, rest)) if written.eq_ignore_ascii_case(scheme) => Ok(rest.trim_matches(' ').to_owned()),
        _ => Err(VerifyError::MalformedHeader { header: "authorization".to_owned(), expected }),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The manifest's spelling of [`Authentication`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<String>,
}

impl TryFrom<Written> for Authentication {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { kind, header, prefix, encoding, issuer, keys } = written;
        let own = issuer.is_none() && keys.is_none();
        let plain = header.is_none() && prefix.is_none() && encoding.is_none() && own;
        let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if let Some(header) = header.as_deref().filter(|name| name.is_empty() || !name.bytes().all(token)) {
            return Err(format!("{header:?} is no header: expected letters, digits, \"-\" and \"_\""));
        }
        let hash = match kind.as_str() {
            "hmac-sha1" => Some(Hash::Sha1),
            "hmac-sha256" => Some(Hash::Sha256),
            "hmac-sha512" => Some(Hash::Sha512),
            _ => None,
        };
        match (kind.as_str(), hash, header) {
            (_, Some(hash), Some(header)) if own => Ok(Self::Hmac {
                hash,
                header,
                prefix: prefix.unwrap_or_default(),
                encoding: encoding.unwrap_or_default(),
            }),
            (_, Some(_), _) => Err(format!("the authentication {kind} needs the header that carries the signature")),
            ("header" | "mtls", _, Some(header)) if prefix.is_none() && encoding.is_none() && own => {
                Ok(if kind == "mtls" { Self::Mtls { header } } else { Self::Header { header } })
            }
            ("header" | "mtls", ..) => {
                Err(format!("the authentication {kind} needs the name of a header and nothing else"))
            }
            ("oidc", _, None) if prefix.is_none() && encoding.is_none() => match (issuer, keys) {
                (Some(issuer), Some(keys)) if keys.starts_with("https://") => Ok(Self::Oidc { issuer, keys }),
                _ => Err("the authentication oidc needs the issuer and the https URL of its keys".to_owned()),
            },
            ("standard-webhooks", ..) if plain => Ok(Self::StandardWebhooks),
            ("bearer", ..) if plain => Ok(Self::Bearer),
            ("basic", ..) if plain => Ok(Self::Basic),
            ("path-token", ..) if plain => Ok(Self::PathToken),
            ("sns", ..) if plain => Ok(Self::Sns),
            ("insecure", ..) if plain => Ok(Self::Insecure),
            ("standard-webhooks" | "bearer" | "basic" | "path-token" | "sns" | "oidc" | "insecure", ..) => {
                Err(format!("the authentication {kind} takes no further members"))
            }
            _ => Err(format!(
                "unknown authentication {kind:?}: expected standard-webhooks, hmac-sha1, hmac-sha256, hmac-sha512, bearer, \
                 header, basic, path-token, mtls, sns, oidc or insecure"
            )),
        }
    }
}

impl From<Authentication> for Written {
    fn from(authentication: Authentication) -> Self {
        let kind = authentication.kind().to_owned();
        let plain = Self { kind, header: None, prefix: None, encoding: None, issuer: None, keys: None };
        match authentication {
            Authentication::Hmac { header, prefix, encoding, .. } => {
                Self { header: Some(header), prefix: Some(prefix), encoding: Some(encoding), ..plain }
            }
            Authentication::Header { header } | Authentication::Mtls { header } => {
                Self { header: Some(header), ..plain }
            }
            Authentication::Oidc { issuer, keys } => Self { issuer: Some(issuer), keys: Some(keys), ..plain },
            _ => plain,
        }
    }
}

#[cfg(test)]
mod tests;
