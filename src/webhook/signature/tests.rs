use super::*;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const GITHUB: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().copied().map(Secret::new).collect()
}

fn outcome(
    authentication: &Authentication,
    texts: &[&str],
    headers: &[(&str, &str)],
    body: &[u8],
    now: i64,
) -> Result<Option<usize>, VerifyError> {
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| (*value).to_owned())
    };
    let presented = Presented { header: &header, token: None, by_proxy: false, body, key: None, now_unix: now };
    verify(authentication, &secrets(texts), &presented).map(Verified::secret)
}

fn standard(texts: &[&str], signature: &str, timestamp: &str, now: i64) -> Result<Option<usize>, VerifyError> {
    let headers = [("webhook-id", ID), ("webhook-timestamp", timestamp), ("webhook-signature", signature)];
    outcome(&Authentication::StandardWebhooks, texts, &headers, BODY, now)
}

fn hub(hash: Hash, prefix: &str, encoding: Encoding) -> Authentication {
    Authentication::Hmac { hash, header: "X-Hub-Signature-256".to_owned(), prefix: prefix.to_owned(), encoding }
}

#[test]
fn the_vectors_of_standard_webhooks_and_github_hold() {
    assert_eq!(sign_standard_webhooks(&Secret::new(WHSEC), ID, SENT, BODY), SIGNATURE);
    assert_eq!(standard(&[WHSEC], SIGNATURE, "1614265330", SENT), Ok(Some(0)));
    let headers = [("x-hub-signature-256", GITHUB)];
    let github = hub(Hash::Sha256, "sha256=", Encoding::Hex);
    assert_eq!(outcome(&github, &[GITHUB_SECRET], &headers, b"Hello, World!", 0), Ok(Some(0)));
}

#[test]
fn secrets_and_signatures_rotate() {
    let other = "whsec_b2xkIHNlY3JldCBvZiB0aGUgc2VuZGVy";
    let bare = WHSEC.trim_start_matches("whsec_");
    for (texts, signature, expected) in [
        (&[other, WHSEC][..], SIGNATURE.to_owned(), Ok(Some(1))),
        (&[WHSEC, WHSEC], SIGNATURE.to_owned(), Ok(Some(0))),
        (&[bare], SIGNATURE.to_owned(), Ok(Some(0))),
        (&[WHSEC], format!("v1,AAAA v1a,xyz v2,x nonsense {SIGNATURE}"), Ok(Some(0))),
        (&[other], SIGNATURE.to_owned(), Err(VerifyError::Mismatch)),
        (
            &[WHSEC],
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==".to_owned(),
            Err(VerifyError::UnsupportedVersion),
        ),
    ] {
        assert_eq!(standard(texts, &signature, "1614265330", SENT), expected, "{signature}");
    }
    for malformed in ["", "v1", "v1,", "v1,!", &SIGNATURE[3..], &format!("{SIGNATURE} ").repeat(17)] {
        let error = standard(&[WHSEC], malformed, "1614265330", SENT).expect_err(malformed);
        let expected = malformed == "v1,";
        assert!(expected == (error == VerifyError::Mismatch), "{malformed:?}: {error}");
    }
}

#[test]
fn a_delivery_is_fresh_for_five_minutes_both_ways() {
    for (away, fresh) in [(0, true), (300, true), (-300, true), (301, false), (-301, false), (i64::MAX - SENT, false)] {
        let verdict = standard(&[WHSEC], SIGNATURE, "1614265330", SENT + away);
        assert_eq!(verdict.is_ok(), fresh, "{away}: {verdict:?}");
    }
    for wrong in ["", "+1614265330", "-1", " 1614265330", "1614265330.0", "0x1", "99999999999999999999"] {
        let error = standard(&[WHSEC], SIGNATURE, wrong, SENT).expect_err(wrong);
        assert!(matches!(error, VerifyError::MalformedHeader { .. }), "{wrong}: {error}");
    }
    // a valid timestamp in another spelling is not what was signed
    assert_eq!(standard(&[WHSEC], SIGNATURE, "01614265330", SENT), Err(VerifyError::Mismatch));
}

#[test]
fn every_changed_byte_of_body_or_signature_is_refused() {
    let github = hub(Hash::Sha256, "sha256=", Encoding::Hex);
    let body = b"Hello, World!";
    for change in [0x01, 0x20, 0x80] {
        for at in 0..body.len() {
            let mut other = body.to_vec();
            other[at] ^= change;
            let verdict = outcome(&github, &[GITHUB_SECRET], &[("x-hub-signature-256", GITHUB)], &other, 0);
            assert_eq!(verdict, Err(VerifyError::Mismatch), "byte {at} of the body");
        }
        for (text, is_standard) in [(GITHUB, false), (SIGNATURE, true)] {
            for at in 0..text.len() {
                let mut other = text.as_bytes().to_vec();
                other[at] ^= change;
                let other = String::from_utf8_lossy(&other);
                let verdict = match is_standard {
                    true => standard(&[WHSEC], &other, "1614265330", SENT),
                    false => outcome(&github, &[GITHUB_SECRET], &[("x-hub-signature-256", &other)], body, 0),
                };
                assert!(verdict.is_err(), "byte {at} of {other}");
            }
        }
    }
    for (body, at) in (0..BODY.len()).map(|at| (BODY.to_vec(), at)) {
        let mut body = body;
        body[at] ^= 1;
        let headers = [("webhook-id", ID), ("webhook-timestamp", "1614265330"), ("webhook-signature", SIGNATURE)];
        let verdict = outcome(&Authentication::StandardWebhooks, &[WHSEC], &headers, &body, SENT);
        assert_eq!(verdict, Err(VerifyError::Mismatch));
    }
    for cut in 0..GITHUB.len() {
        let verdict = outcome(&github, &[GITHUB_SECRET], &[("x-hub-signature-256", &GITHUB[..cut])], body, 0);
        assert!(verdict.is_err(), "{cut} bytes of the signature");
    }
}

#[test]
fn the_other_kinds_compare_whole_values() {
    use Authentication::{Basic, Bearer, Header, Insecure};
    let named = Header { header: "X-Token".to_owned() };
    // HMAC-SHA512 of "body" under "key", as openssl prints it
    let long = "tx6CtC7OJEGCquAPXEGNhLWwrIRIdHZeZY6RsmJhsy3znp/L9EQk0OO1O6sZLnikk2Ik7JQM+VMWS3CqzdTIRQ==";
    for (authentication, texts, header, value, expected) in [
        (Bearer, &["old", "token"][..], "Authorization", "Bearer token", Ok(Some(1))),
        (Bearer, &["token"], "authorization", "bearer  token", Ok(Some(0))),
        (Bearer, &["token"], "authorization", "Bearer tokens", Err(VerifyError::Mismatch)),
        (Bearer, &["token"], "authorization", "Bearer ", Err(VerifyError::Mismatch)),
        (Basic, &["user:pass:word"], "authorization", "Basic dXNlcjpwYXNzOndvcmQ=", Ok(Some(0))),
        (Basic, &["user:pass:word"], "authorization", "Basic dXNlcjpwYXNzOndvcmQ", Ok(Some(0))),
        (Basic, &["user:password"], "authorization", "Basic dXNlcjpwYXNzOndvcmQ=", Err(VerifyError::Mismatch)),
        (named.clone(), &["s3cret"], "x-token", "s3cret", Ok(Some(0))),
        (named.clone(), &["s3cret"], "x-token", "s3cret ", Err(VerifyError::Mismatch)),
        (named, &["s3cret"], "other", "s3cret", Err(VerifyError::MissingHeader("X-Token".to_owned()))),
        (hub(Hash::Sha512, "", Encoding::Base64), &["key"], "x-hub-signature-256", long, Ok(Some(0))),
        (hub(Hash::Sha512, "", Encoding::Base64), &["yek"], "x-hub-signature-256", long, Err(VerifyError::Mismatch)),
        (Insecure, &[], "x", "", Ok(None)),
    ] {
        assert_eq!(outcome(&authentication, texts, &[(header, value)], b"body", 0), expected, "{value}");
    }
    for (authentication, value) in [(Bearer, "token"), (Bearer, "Basic token"), (Basic, "Basic !"), (Basic, "Bearer x")]
    {
        let verdict = outcome(&authentication, &["a:token"], &[("authorization", value)], b"", 0);
        assert!(matches!(verdict, Err(VerifyError::MalformedHeader { .. })), "{value}: {verdict:?}");
    }
}

#[test]
fn nothing_is_verified_without_a_usable_secret() {
    use Authentication::{Basic, Bearer, Insecure, StandardWebhooks};
    let wrong = |index, expected| Err(VerifyError::BadSecret { index, expected });
    for (authentication, texts, expected) in [
        (Bearer, &[][..], Err(VerifyError::NoSecret)),
        (Bearer, &[""], Err(VerifyError::NoSecret)),
        (Bearer, &["token", "\n"], Err(VerifyError::NoSecret)),
        (StandardWebhooks, &[WHSEC, "whsec_"], wrong(1, "base64, usually after whsec_")),
        (StandardWebhooks, &["whsec_not base64"], wrong(0, "base64, usually after whsec_")),
        (Basic, &["user"], wrong(0, "user:password")),
        (Insecure, &[], Ok(())),
    ] {
        assert_eq!(authentication.check(&secrets(texts)), expected, "{authentication:?} {texts:?}");
        let headers = [
            ("authorization", "Bearer "),
            ("webhook-id", "i"),
            ("webhook-timestamp", "0"),
            ("webhook-signature", "v1,"),
        ];
        let verdict = outcome(&authentication, texts, &headers, b"", 0);
        assert_eq!(verdict.err(), expected.err(), "{authentication:?} {texts:?}");
    }
}

#[test]
fn manifests_write_kinds_as_data() {
    let hmac = "{kind: hmac-sha512, header: X-TFE-Notification-Signature}";
    let read: Authentication = serde_yaml::from_str(hmac).expect("reads");
    let header = "X-TFE-Notification-Signature".to_owned();
    assert_eq!(
        read,
        Authentication::Hmac { hash: Hash::Sha512, header, prefix: String::new(), encoding: Encoding::Hex }
    );
    assert_eq!(
        serde_yaml::from_value::<Authentication>(serde_yaml::to_value(&read).expect("writes")).expect("reads"),
        read
    );
    for (text, why) in [
        ("{kind: hmac-sha256}", "needs the header"),
        ("{kind: hmac-md5, header: X}", "unknown authentication \"hmac-md5\""),
        ("{kind: oidc, issuer: 'https://a.example.com'}", "needs the issuer and the https URL"),
        ("{kind: mtls}", "needs the name of a header"),
        ("{kind: bearer, header: X}", "takes no further members"),
        ("{kind: header}", "needs the name of a header"),
        ("{kind: header, header: ''}", "\"\" is no header"),
        ("{kind: hmac-sha256, header: 'X-Signature:'}", "\"X-Signature:\" is no header"),
        ("{kind: bearer, secret: x}", "unknown field `secret`"),
        ("{kind: hmac-sha256, header: X, encoding: base32}", "unknown variant `base32`"),
    ] {
        let error = serde_yaml::from_str::<Authentication>(text).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}
