//! Keys and certificates: placeholders in PEM, and the object that carries a certificate with its key.

use std::{net::IpAddr, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::placeholder;
use crate::{
    engine::helm::{
        functions::argument::{computed, deep, derived_text, items, lossy, object, text, volatile},
        template::{
            context::Context,
            fault::Fault,
            print,
            value::{Datum, Map, MapKind, Object, Value},
        },
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// Go's name of the type.
pub const TYPE_NAME: &str = "sprig.certificate";

/// Sprig's `certificate`: a certificate and its private key in PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    certificate: Text,
    key: Text,
}

/// The bytes of a typical certificate of a 2048-bit RSA key.
const CERTIFICATE_BYTES: usize = 780;
/// The bytes of a 2048-bit RSA key.
const KEY_BYTES: usize = 1_192;

/// `genPrivateKey`.
pub fn private_key(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (label, bytes) = match &*lossy(&arguments[0])? {
        "" | "rsa" => ("RSA PRIVATE KEY", 2_349),
        "dsa" => ("DSA PRIVATE KEY", 855),
        "ecdsa" => ("EC PRIVATE KEY", 121),
        "ed25519" => ("PRIVATE KEY", 48),
        unknown => {
            let complaint = Datum::Text(Text::plain(format!("Unknown type {unknown}")));
            return computed(context, complaint, arguments);
        }
    };
    volatile(context, "genPrivateKey", pem(label, bytes).as_bytes(), arguments)
}

/// `genCA`.
pub fn authority(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    made(context, "genCA", arguments, None)
}

/// `genCAWithKey`.
pub fn authority_with_key(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    given_key(&arguments[2])?;
    made(context, "genCAWithKey", arguments, Some(&arguments[2]))
}

/// `genSelfSignedCert`.
pub fn self_signed(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    check_names(context, arguments)?;
    made(context, "genSelfSignedCert", arguments, None)
}

/// `genSelfSignedCertWithKey`.
pub fn self_signed_with_key(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    given_key(&arguments[4])?;
    check_names(context, arguments)?;
    made(context, "genSelfSignedCertWithKey", arguments, Some(&arguments[4]))
}

/// `genSignedCert`.
pub fn signed(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    check_signer(&arguments[4])?;
    check_names(context, arguments)?;
    made(context, "genSignedCert", arguments, None)
}

/// `genSignedCertWithKey`.
pub fn signed_with_key(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    given_key(&arguments[5])?;
    check_signer(&arguments[4])?;
    check_names(context, arguments)?;
    made(context, "genSignedCertWithKey", arguments, Some(&arguments[5]))
}

/// `buildCustomCert`: the decoded arguments. That they are a certificate and a key is believed; Go parses both.
pub fn custom(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let decode = |value: &Value, what: &str| {
        let lines: Vec<u8> = text(value)?.bytes().iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
        STANDARD.decode(lines).map_err(|_| Fault::failed(format!("unable to decode base64 {what}")))
    };
    let certificate = decode(&arguments[0], "certificate")?;
    let key = decode(&arguments[1], "private key")?;
    if pem_label(&certificate).is_none() {
        return Err(Fault::failed("unable to decode certificate"));
    }
    check_key(&key).map_err(|why| Fault::failed(format!("error parsing private key: {why}")))?;
    let [of_certificate, of_key] = [&arguments[0], &arguments[1]].map(|argument| argument.flow(context));
    let object = Certificate {
        certificate: derived_text(context, &certificate, of_certificate.data)?,
        key: derived_text(context, &key, of_key.data)?,
    };
    let flow = context.sets.join(of_certificate, of_key);
    Ok(Value { datum: Datum::Object(Rc::new(object)), made_of: MadeOf::Derived(flow.data), control: flow.control })
}

/// A certificate that was never made, with the key that was given for it or one that was never made either.
fn made(context: &mut Context, name: &'static str, arguments: &[Value], key: Option<&Value>) -> Result<Value, Fault> {
    let flow = deep(context, arguments)?;
    let certificate = placeholder(context, name, pem("CERTIFICATE", CERTIFICATE_BYTES).as_bytes(), flow.data)?;
    let key = match key {
        Some(given) => text(given)?.clone(),
        None => placeholder(context, name, pem("RSA PRIVATE KEY", KEY_BYTES).as_bytes(), flow.data)?,
    };
    let made_of = super::volatile_origin(context, name, flow.data);
    Ok(Value { datum: Datum::Object(Rc::new(Certificate { certificate, key })), made_of, control: flow.control })
}

fn check_names(context: &mut Context, arguments: &[Value]) -> Result<(), Fault> {
    for address in items(&arguments[1])? {
        let Datum::Text(text) = &address.datum else {
            let printed = print::value(address, context)?;
            return Err(Fault::failed(format!("error parsing ip: {} is not a string", printed.lossy())));
        };
        if text.as_str().is_none_or(|text| text.parse::<IpAddr>().is_err()) {
            return Err(Fault::failed(format!("error parsing ip: {}", text.lossy())));
        }
    }
    for name in items(&arguments[2])? {
        if !matches!(name.datum, Datum::Text(_)) {
            let printed = print::value(name, context)?;
            let complaint = format!("error processing alternate dns name: {} is not a string", printed.lossy());
            return Err(Fault::failed(complaint));
        }
    }
    Ok(())
}

fn check_signer(value: &Value) -> Result<(), Fault> {
    let signer = object::<Certificate>(value)
        .ok_or_else(|| crate::engine::helm::functions::argument::wrong_type(TYPE_NAME, value))?;
    if pem_label(signer.certificate.bytes()).is_none() {
        return Err(Fault::failed("unable to decode certificate"));
    }
    check_key(signer.key.bytes()).map_err(|why| Fault::failed(format!("error parsing private key: {why}")))
}

fn given_key(value: &Value) -> Result<(), Fault> {
    check_key(text(value)?.bytes()).map_err(|why| Fault::failed(format!("parsing private key: {why}")))
}

fn check_key(bytes: &[u8]) -> Result<(), String> {
    match pem_label(bytes).as_deref() {
        None => Err("no PEM data in input".to_owned()),
        Some("PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY") => Ok(()),
        Some(label) => match label.strip_suffix(" PRIVATE KEY") {
            Some(kind) => Err(format!("invalid private key type {kind}")),
            None => Err(format!("no private key data in PEM block of type {label}")),
        },
    }
}

/// The label of the first PEM block.
fn pem_label(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let label = lines.by_ref().find_map(|line| line.trim_end().strip_prefix("-----BEGIN ")?.strip_suffix("-----"))?;
    let end = format!("-----END {label}-----");
    lines.any(|line| line.trim_end() == end).then(|| label.to_owned())
}

/// A PEM block of so many bytes that are nothing.
fn pem(label: &str, bytes: usize) -> String {
    let encoded = STANDARD.encode(vec![0; bytes]);
    let lines: Vec<String> =
        encoded.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::text(self.certificate.clone())),
            "Key" => Some(Value::text(self.key.clone())),
            _ => None,
        }
    }

    fn call(&self, _: &str, _: &[Value], _: &mut Context) -> Option<Result<Value, Fault>> {
        None
    }

    fn is_true(&self) -> bool {
        true
    }

    fn print(&self, context: &mut Context) -> Result<Text, Fault> {
        context.budget.text(self.certificate.len() + self.key.len() + 3)?;
        let mut printed = TextBuilder::default();
        for (mark, field) in [(b"{", &self.certificate), (b" ", &self.key)] {
            printed.push_bytes(mark, MadeOf::NOTHING, SetId::EMPTY);
            printed.push(field);
        }
        printed.push_bytes(b"}", MadeOf::NOTHING, SetId::EMPTY);
        Ok(printed.build())
    }

    fn json(&self, _: &mut Context) -> Result<Value, Fault> {
        let map = Map::new(MapKind::Any);
        map.insert(Text::plain("Cert"), Value::text(self.certificate.clone()));
        map.insert(Text::plain("Key"), Value::text(self.key.clone()));
        Ok(Value::plain(Datum::Map(map)))
    }
}
