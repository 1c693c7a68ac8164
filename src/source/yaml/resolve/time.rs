//! Times as go-yaml recognises them and as Kustomize writes them.

/// Reads a time by go-yaml's four layouts (`2006-1-2T15:4:5.9Z07:00`, the same with `t`, `2006-1-2 15:4:5.9`, `2006-1-2`)
/// and spells it as RFC 3339 with nanoseconds; `Some(None)` is a time that RFC 3339 cannot spell.
pub(super) fn rfc_3339(text: &str) -> Option<Option<String>> {
    if !begins_with_year(text) {
        return None;
    }
    let mut rest = &text[5..];
    let year: u32 = text[..4].parse().ok()?;
    let month = number(&mut rest)?;
    rest = rest.strip_prefix('-')?;
    let day = number(&mut rest)?;
    if !(1..=12).contains(&month) || day < 1 || day > days(year, month) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(Some(format!("{date}T00:00:00Z")));
    }
    let zoned = rest.starts_with(['T', 't']);
    rest = if zoned { &rest[1..] } else { rest.strip_prefix(' ')?.trim_start_matches(' ') };
    let hour = number(&mut rest)?;
    rest = rest.strip_prefix(':')?;
    let minute = number(&mut rest)?;
    rest = rest.strip_prefix(':')?;
    let second = number(&mut rest)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let clock = format!("{hour:02}:{minute:02}:{second:02}{}", fraction(&mut rest));
    if !zoned {
        return rest.is_empty().then(|| Some(format!("{date}T{clock}Z")));
    }
    zone(rest).map(|zone| zone.map(|zone| format!("{date}T{clock}{zone}")))
}

/// Tells whether a text begins as a date does in YAML 1.1, even if Go does not read it as one.
pub(super) fn begins_with_date(text: &str) -> bool {
    let mut rest = if begins_with_year(text) { &text[5..] } else { return false };
    let date = number(&mut rest).is_some()
        && rest.strip_prefix('-').is_some_and(|day| {
            rest = day;
            number(&mut rest).is_some()
        });
    date && (rest.is_empty() || rest.starts_with(['T', 't', ' ']))
}

fn begins_with_year(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 4 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

/// Takes one or two digits.
fn number(rest: &mut &str) -> Option<u32> {
    let width = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (digits, behind) = rest.split_at(width);
    *rest = behind;
    digits.parse().ok()
}

/// Takes a fraction of a second and spells it with a dot, at most nine digits and no zeros at its end.
fn fraction(rest: &mut &str) -> String {
    let Some(behind) = rest.strip_prefix(['.', ',']) else { return String::new() };
    let width = behind.bytes().take_while(u8::is_ascii_digit).count();
    if width == 0 {
        return String::new();
    }
    *rest = &behind[width..];
    let digits = behind[..width.min(9)].trim_end_matches('0');
    if digits.is_empty() { String::new() } else { format!(".{digits}") }
}

/// Reads `Z` or `±hh:mm` and spells it; Go reads up to 24:60, RFC 3339 ends at 23:59.
fn zone(text: &str) -> Option<Option<String>> {
    if text == "Z" {
        return Some(Some("Z".to_owned()));
    }
    let bytes = text.as_bytes();
    let shape = bytes.len() == 6
        && matches!(bytes[0], b'+' | b'-')
        && bytes[3] == b':'
        && [1, 2, 4, 5].iter().all(|at| bytes[*at].is_ascii_digit());
    if !shape {
        return None;
    }
    let (hours, minutes): (u32, u32) = (text[1..3].parse().ok()?, text[4..6].parse().ok()?);
    if hours > 24 || minutes > 60 {
        return None;
    }
    let total = hours * 60 + minutes;
    Some(match total {
        0 => Some("Z".to_owned()),
        total if total < 24 * 60 => Some(format!("{}{:02}:{:02}", &text[..1], total / 60, total % 60)),
        _ => None,
    })
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
