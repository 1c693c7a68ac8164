//! Bearer tokens that an issuer signed: OpenID Connect ID tokens, as Pub/Sub push subscriptions send them.
//!
//! A JSON Web Token (RFC 7519) of one algorithm, RS256: what else a token may say of algorithms and keys is where
//! verifiers were fooled, so nothing else is read.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::{Deserialize, de::DeserializeOwned};

use super::VerifyError;
use crate::model::secret::Secret;

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: i64 = 60;

/// What a verified token says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email_verified: bool,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

/// Verifies a token with a JSON Web Key Set (RFC 7517).
pub(super) fn verified(token: &str, keys: &[u8], issuer: &str, now_unix: i64) -> Result<Claims, VerifyError> {
    let malformed = VerifyError::MalformedHeader { header: "authorization".to_owned(), expected: "a JSON Web Token" };
    let (signed, signature) = token.rsplit_once('.').ok_or_else(|| malformed.clone())?;
    let (head, claims) = signed.split_once('.').ok_or_else(|| malformed.clone())?;
    let head: Head = part(head).ok_or_else(|| malformed.clone())?;
    if head.alg != "RS256" {
        return Err(VerifyError::Stranger("the token is not signed with RS256"));
    }
    let set: KeySet = serde_json::from_slice(keys).map_err(|_| VerifyError::NoKey("its issuer sent no key set"))?;
    let key = set.keys.iter().find(|key| key.kid == head.kid).ok_or(VerifyError::NoKey("its issuer has none such"))?;
    let number = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| VerifyError::NoKey("it cannot be read"));
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed.clone())?;
    RsaPublicKeyComponents { n: number(&key.n)?, e: number(&key.e)? }
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
        .map_err(|_| VerifyError::Mismatch)?;
    let claims: Claims = part(claims).ok_or(malformed)?;
    if claims.iss != issuer && Some(claims.iss.as_str()) != issuer.strip_prefix("https://") {
        return Err(VerifyError::Stranger("the token is of another issuer"));
    }
    if now_unix > claims.exp.saturating_add(LEEWAY) || now_unix < claims.iat.saturating_sub(LEEWAY) {
        return Err(VerifyError::Timestamp(now_unix.abs_diff(claims.exp)));
    }
    Ok(claims)
}

/// The audience and the e-mail address that a secret asks for.
pub(super) fn expected(secret: &Secret) -> Option<(&str, &str)> {
    let mut words = secret.expose().split_ascii_whitespace();
    let (audience, email) = (words.next()?, words.next()?);
    (email.contains('@') && words.next().is_none()).then_some((audience, email))
}

impl Claims {
    /// Whether the token is for the audience and of the account that a secret asks for.
    pub(super) fn fit(&self, secret: &Secret) -> bool {
        expected(secret)
            .is_some_and(|(audience, email)| self.aud == audience && self.email_verified && self.email == email)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
