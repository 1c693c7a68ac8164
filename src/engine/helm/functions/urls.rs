//! URLs taken apart and put together: Go's `net/url` under sprig's `urlParse` and `urlJoin`.
//!
//! Parts that stand in the URL as they are keep their origins; unescaped ones are derived from the whole.

use super::argument::{derived_text, map, own, text};
use crate::engine::go::quote;
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{
            Function,
            Parameter::{Map as Parts, Text as Url},
        },
        value::{Datum, Map, MapKind, Value},
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, Text, TextBuilder},
    },
};

/// The functions.
pub const FUNCTIONS: &[Function] =
    &[own("urlParse", &[Url], None, url_parse), own("urlJoin", &[Parts], None, url_join)];

/// The part of a URL, which decides what is escaped in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    UserInfo,
    Fragment,
}

/// A URL's parts, unescaped where Go does that.
#[derive(Debug, Default)]
struct Parsed {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

#[derive(Debug)]
struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

fn url_parse(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let url = text(&arguments[0])?;
    let parsed = parse(url.bytes()).map_err(|why| Fault::failed(format!("unable to parse url: {why}")))?;
    let flow = arguments[0].flow(context);
    let hostname = without_port(&parsed.host).to_vec();
    let user = parsed.user.as_ref().map(User::print).unwrap_or_default();
    let parts = Map::new(MapKind::Any);
    // Parts are looked for in the order of the URL, so that equal ones find their own place.
    let mut from = 0;
    for (name, part) in [
        ("scheme", &parsed.scheme),
        ("userinfo", &user),
        ("hostname", &hostname),
        ("host", &parsed.host),
        ("opaque", &parsed.opaque),
        ("path", &parsed.path),
        ("query", &parsed.query),
        ("fragment", &parsed.fragment),
    ] {
        let found = find(&url.bytes()[from..], part).map(|at| from + at).filter(|_| !part.is_empty());
        let text = match found {
            Some(at) => {
                // The host begins where its name does.
                from = if name == "hostname" { at.saturating_sub(1) } else { at + part.len() };
                url.slice(at..at + part.len())
            }
            None => derived_text(context, part, flow.data)?,
        };
        let made_of = MadeOf::Derived(flow.data);
        parts.insert(Text::plain(name), Value { datum: Datum::Text(text), made_of, control: flow.control });
    }
    Ok(Value { datum: Datum::Map(parts), made_of: MadeOf::Derived(flow.data), control: flow.control })
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len().max(1)).position(|window| window == part)
}

/// Go's `url.Parse`.
fn parse(url: &[u8]) -> Result<Parsed, String> {
    let (before, fragment) = cut(url, b'#');
    let error = |url: &[u8], why: String| format!("parse {}: {why}", quote::quoted(url));
    let mut parsed = parse_without_fragment(before).map_err(|why| error(before, why))?;
    if let Some(fragment) = fragment {
        parsed.fragment = unescape(fragment, Part::Fragment).map_err(|why| error(url, why))?;
    }
    Ok(parsed)
}

fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == at) {
        Some(found) => (&text[..found], Some(&text[found + 1..])),
        None => (text, None),
    }
}

fn parse_without_fragment(url: &[u8]) -> Result<Parsed, String> {
    if url.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut parsed = Parsed::default();
    if url == b"*" {
        parsed.path = b"*".to_vec();
        return Ok(parsed);
    }
    let (scheme, rest) = scheme(url)?;
    parsed.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = cut(rest, b'?');
    parsed.query = query.unwrap_or_default().to_vec();
    if !rest.starts_with(b"/") {
        if !parsed.scheme.is_empty() {
            parsed.opaque = rest.to_vec();
            return Ok(parsed);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    if rest.starts_with(b"//") && (!parsed.scheme.is_empty() || !rest.starts_with(b"///")) {
        let authority = &rest[2..];
        let end = authority.iter().position(|byte| *byte == b'/').unwrap_or(authority.len());
        rest = &authority[end..];
        (parsed.user, parsed.host) = parse_authority(&authority[..end])?;
    }
    parsed.path = unescape(rest, Part::Path)?;
    Ok(parsed)
}

fn scheme(url: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in url.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&url[..at], &url[at + 1..])),
            _ => break,
        }
    }
    Ok((b"", url))
}

fn parse_authority(authority: &[u8]) -> Result<(Option<User>, Vec<u8>), String> {
    let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
        return Ok((None, parse_host(authority)?));
    };
    let host = parse_host(&authority[at + 1..])?;
    let user = &authority[..at];
    let valid = user.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte));
    if !valid {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let (name, password) = cut(user, b':');
    let name = unescape(name, Part::UserInfo)?;
    let password = password.map(|password| unescape(password, Part::UserInfo)).transpose()?;
    Ok((Some(User { name, password }), host))
}

fn parse_host(host: &[u8]) -> Result<Vec<u8>, String> {
    let check_port = |port: &[u8]| {
        let valid = port.is_empty() || (port[0] == b':' && port[1..].iter().all(u8::is_ascii_digit));
        if valid { Ok(()) } else { Err(format!("invalid port {} after host", quote::quoted(port))) }
    };
    if host.starts_with(b"[") {
        let end = host.iter().rposition(|byte| *byte == b']').ok_or("missing ']' in host")?;
        check_port(&host[end + 1..])?;
        if let Some(zone) = find(&host[..end], b"%25") {
            let mut unescaped = unescape(&host[..zone], Part::Host)?;
            unescaped.extend(unescape(&host[zone..end], Part::Zone)?);
            unescaped.extend(unescape(&host[end..], Part::Host)?);
            return Ok(unescaped);
        }
    } else if let Some(colon) = host.iter().rposition(|byte| *byte == b':') {
        check_port(&host[colon..])?;
    }
    unescape(host, Part::Host)
}

/// Go's `URL.Hostname`.
fn without_port(host: &[u8]) -> &[u8] {
    let host = match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    };
    host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let invalid = |escape: &[u8]| format!("invalid URL escape {}", quote::quoted(escape));
    let mut unescaped = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if byte == b'%' {
            let escape = &text[at..text.len().min(at + 3)];
            let digits = match escape {
                [_, high, low] => hex(*high).zip(hex(*low)),
                _ => None,
            };
            let Some((high, low)) = digits else { return Err(invalid(escape)) };
            let value = high << 4 | low;
            // Hosts escape nothing that is ASCII but a zone's percent sign.
            let forbidden = match part {
                Part::Host => high < 8 && escape != b"%25",
                Part::Zone => escape != b"%25" && value != b' ' && must_escape(value, Part::Host),
                _ => false,
            };
            if forbidden {
                return Err(invalid(escape));
            }
            unescaped.push(value);
            at += 3;
        } else {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && must_escape(byte, part) {
                return Err(format!("invalid character {} in host name", quote::quoted([byte])));
            }
            unescaped.push(byte);
            at += 1;
        }
    }
    Ok(unescaped)
}

/// Go's `shouldEscape`.
fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    match byte {
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'[' | b']' | b'<'
        | b'>' | b'"'
            if matches!(part, Part::Host | Part::Zone) =>
        {
            false
        }
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte == b'?',
            Part::UserInfo => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => false,
            Part::Host | Part::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' => part != Part::Fragment,
        _ => true,
    }
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text {
        if must_escape(*byte, part) {
            escaped.extend(format!("%{byte:02X}").into_bytes());
        } else {
            escaped.push(*byte);
        }
    }
    escaped
}

impl User {
    fn print(&self) -> Vec<u8> {
        let mut printed = escape(&self.name, Part::UserInfo);
        if let Some(password) = &self.password {
            printed.push(b':');
            printed.extend(escape(password, Part::UserInfo));
        }
        printed
    }
}

/// A URL in the making: what is written as it is keeps its origins.
struct Joined<'a> {
    context: &'a mut Context,
    url: TextBuilder,
    control: SetId,
}

impl Joined<'_> {
    fn push(&mut self, value: &Value, bytes: &[u8]) -> Result<(), Fault> {
        self.context.budget.text(bytes.len())?;
        let flow = value.flow(self.context);
        self.control = self.context.sets.union(self.control, flow.control);
        match &value.datum {
            Datum::Text(text) if text.bytes() == bytes => self.url.push(text),
            _ => self.url.push_bytes(bytes, MadeOf::Derived(flow.data), SetId::EMPTY),
        }
        Ok(())
    }

    fn mark(&mut self, mark: &[u8]) {
        self.url.push_bytes(mark, MadeOf::NOTHING, SetId::EMPTY);
    }
}

/// `url.URL.String` of the parts.
fn url_join(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let Flow { control, .. } = arguments[0].flow(context);
    let Some(parts) = map(&arguments[0])? else { return Ok(Value::text(Text::default())) };
    let [scheme, host, path, query, opaque, fragment, user] =
        ["scheme", "host", "path", "query", "opaque", "fragment", "userinfo"].map(|name| part(parts, name));
    let (scheme, host, path, query) = (scheme?, host?, path?, query?);
    let (opaque, fragment, user) = (opaque?, fragment?, user?);
    let parsed_user = match text(&user)?.bytes() {
        b"" => None,
        info => {
            let url = [b"proto://", info, b"@host"].concat();
            let parsed = parse(&url);
            parsed.map_err(|why| Fault::failed(format!("unable to parse userinfo in dict: {why}")))?.user
        }
    };
    let is_empty = |value: &Value| !value.is_true();
    let mut joined = Joined { context, url: TextBuilder::default(), control };
    if !is_empty(&scheme) {
        joined.push(&scheme, text(&scheme)?.bytes())?;
        joined.mark(b":");
    }
    if is_empty(&opaque) {
        let has_authority = !is_empty(&scheme) || !is_empty(&host) || parsed_user.is_some();
        if has_authority {
            if !is_empty(&host) || !is_empty(&path) || parsed_user.is_some() {
                joined.mark(b"//");
            }
            if let Some(parsed) = &parsed_user {
                joined.push(&user, &parsed.print())?;
                joined.mark(b"@");
            }
            joined.push(&host, &escape(text(&host)?.bytes(), Part::Host))?;
        }
        let spelled = match text(&path)?.bytes() {
            b"*" => b"*".to_vec(),
            path => escape(path, Part::Path),
        };
        if !spelled.is_empty() && spelled[0] != b'/' && !is_empty(&host) {
            joined.mark(b"/");
        }
        if joined.url.is_empty() && cut(&spelled, b'/').0.contains(&b':') {
            joined.mark(b"./");
        }
        joined.push(&path, &spelled)?;
    } else {
        joined.push(&opaque, text(&opaque)?.bytes())?;
    }
    if !is_empty(&query) {
        joined.mark(b"?");
        joined.push(&query, text(&query)?.bytes())?;
    }
    if !is_empty(&fragment) {
        joined.mark(b"#");
        joined.push(&fragment, &escape(text(&fragment)?.bytes(), Part::Fragment))?;
    }
    let control = joined.control;
    Ok(Value { control, ..Value::text(joined.url.build()) })
}

/// A part that has to be a string; empty where there is none.
fn part(parts: &Map, name: &str) -> Result<Value, Fault> {
    let Some(value) = parts.get(name.as_bytes()) else { return Ok(Value::text(Text::default())) };
    match value.datum {
        Datum::Text(_) => Ok(value),
        Datum::Nil => Err(Fault::failed("runtime error: invalid memory address or nil pointer dereference")),
        _ => {
            let kind = value.kind();
            Err(Fault::failed(format!("unable to parse {name} key, must be of type string, but {kind} found")))
        }
    }
}
