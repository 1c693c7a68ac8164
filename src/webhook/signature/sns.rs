//! Amazon SNS: messages that carry their signature in the body ("Verifying the signatures of Amazon SNS messages").
//!
//! The certificate's URL is in the message, so everything hangs on its host: only Amazon can answer for
//! `sns.<region>.amazonaws.com`. The topic is compared besides, since every customer's messages are signed alike.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;

use super::VerifyError;
use crate::model::secret::Secret;

/// How old a message may be, in seconds: SNS repeats a delivery for about an hour, and a message keeps its time.
const MAX_AGE: i64 = 3600 + super::TIMESTAMP_TOLERANCE.cast_signed();

/// A message as SNS posts it; unsigned until [`Message::verify`] says otherwise.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Message {
    r#type: String,
    message_id: String,
    topic_arn: String,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL", alias = "SigningCertUrl")]
    certificate: String,
    subject: Option<String>,
    token: Option<String>,
    #[serde(rename = "SubscribeURL", alias = "SubscribeUrl")]
    subscribe: Option<String>,
}

impl Message {
    /// Reads a message; nothing in it may be believed yet.
    pub fn read(body: &[u8]) -> Result<Self, VerifyError> {
        serde_json::from_slice(body).map_err(|_| VerifyError::MalformedMessage("expected a message of Amazon SNS"))
    }

    /// The URL of the certificate, if the topic is one of those allowed and the host is Amazon's.
    pub(super) fn key_of(&self, topics: &[Secret]) -> Result<String, VerifyError> {
        if !topics.iter().any(|topic| topic.expose().trim() == self.topic_arn) {
            return Err(VerifyError::Stranger("the topic is none of those configured"));
        }
        match path_of(&self.certificate) {
            Some(path) if path.starts_with("SimpleNotificationService-") && path.ends_with(".pem") => {
                Ok(self.certificate.clone())
            }
            _ => Err(VerifyError::Stranger("the certificate is not on Amazon's host")),
        }
    }

    /// The topic's ARN.
    pub(super) fn topic(&self) -> &str {
        &self.topic_arn
    }

    /// Checks the signature with the certificate, in PEM, and that the message is fresh.
    pub(super) fn verify(&self, certificate: &[u8], now_unix: i64) -> Result<(), VerifyError> {
        let key = public_key(certificate).ok_or(VerifyError::NoKey("its certificate cannot be read"))?;
        let signature = STANDARD
            .decode(&self.signature)
            .map_err(|_| VerifyError::MalformedMessage("the signature is not base64"))?;
        let signed = self.signed().ok_or(VerifyError::MalformedMessage("its Type needs Token and SubscribeURL"))?;
        let fits = match self.signature_version.as_str() {
            "1" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, key)
                .verify(signed.as_bytes(), &signature),
            "2" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(signed.as_bytes(), &signature),
            _ => return Err(VerifyError::MalformedMessage("SignatureVersion must be 1 or 2")),
        };
        fits.map_err(|_| VerifyError::Mismatch)?;
        let sent = unix(&self.timestamp).ok_or(VerifyError::MalformedMessage("Timestamp must be RFC 3339 in UTC"))?;
        match now_unix.saturating_sub(sent) {
            age if (-super::TIMESTAMP_TOLERANCE.cast_signed()..=MAX_AGE).contains(&age) => Ok(()),
            age => Err(VerifyError::Timestamp(age.unsigned_abs())),
        }
    }

    /// Where a verified message asks to confirm the subscription; only on Amazon's host.
    pub fn confirmation(&self) -> Option<&str> {
        let url = self.subscribe.as_deref().filter(|_| self.r#type == "SubscriptionConfirmation")?;
        path_of(url)?.starts_with("?Action=ConfirmSubscription&").then_some(url)
    }

    /// The text that is signed: names and values of the members in this order, each on a line.
    fn signed(&self) -> Option<String> {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| text.extend([name, "\n", value, "\n"]);
        line("Message", &self.message);
        line("MessageId", &self.message_id);
        if self.r#type == "Notification" {
            if let Some(subject) = &self.subject {
                line("Subject", subject);
            }
            line("Timestamp", &self.timestamp);
        } else {
            line("SubscribeURL", self.subscribe.as_deref()?);
            line("Timestamp", &self.timestamp);
            line("Token", self.token.as_deref()?);
        }
        line("TopicArn", &self.topic_arn);
        line("Type", &self.r#type);
        Some(text)
    }
}

/// What follows the host of an `https://sns.<region>.amazonaws.com/` URL.
fn path_of(url: &str) -> Option<&str> {
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let region = host.strip_suffix(".cn").unwrap_or(host).strip_prefix("sns.")?.strip_suffix(".amazonaws.com")?;
    let plain = !region.is_empty() && region.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    (plain && path.is_ascii()).then_some(path)
}

/// Seconds since 1970 of `2012-05-02T00:54:06.655Z`.
fn unix(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok())?;
    let whole = time.split_once('.').map_or(time, |(whole, _)| whole);
    let [year, month, day] = date.split('-').map(number).collect::<Option<Vec<_>>>()?[..] else { return None };
    let [hour, minute, second] = whole.split(':').map(number).collect::<Option<Vec<_>>>()?[..] else { return None };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 {
        return None;
    }
    // Days since 1970-01-01 (days_from_civil).
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute.min(59) * 60 + second.min(60))
}

/// The RSA key (PKCS #1) of a certificate in PEM (RFC 5280 §4.1, RFC 8017 appendix A.1.1).
fn public_key(pem: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let der = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
    const SEQUENCE: u8 = 0x30;
    let (certificate, _) = element(SEQUENCE, &der)?;
    let (mut fields, _) = element(SEQUENCE, certificate)?;
    // version is explicit [0]; then serial number, algorithm, issuer, validity, subject, and the key's info
    if fields.first() == Some(&0xa0) {
        (_, fields) = element(0xa0, fields)?;
    }
    (_, fields) = element(0x02, fields)?;
    for _ in 0..4 {
        (_, fields) = element(SEQUENCE, fields)?;
    }
    let (info, _) = element(SEQUENCE, fields)?;
    let (_, bits) = element(SEQUENCE, info)?;
    let (bits, _) = element(0x03, bits)?;
    // the first byte tells how many bits of the last one do not count
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

/// The content of the element at the front, which must have this tag, and what follows it (X.690, definite lengths).
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}
