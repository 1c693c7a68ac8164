//! Characters and classes of characters in Go's regular expressions.

use super::{INVALID_ESCAPE, INVALID_RANGE, MISSING_BRACKET, SyntaxError, TRAILING_BACKSLASH};

/// The scripts of Unicode 15.0, as Go names them.
const SCRIPTS: &str = "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali \
    Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee \
    Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan \
    Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi \
    Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited \
    Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi \
    Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani \
    Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui \
    Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari \
    New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian \
    Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong \
    Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian \
    Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le \
    Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai \
    Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";

/// The general categories, as Go names them.
const CATEGORIES: &str =
    "Cc Cf Co L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs";

/// The POSIX classes and the ranges that they are.
const POSIX: &[(&str, &str)] = &[
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", r"\x{0}-\x{7f}"),
    ("blank", r"\x{9}\x{20}"),
    ("cntrl", r"\x{0}-\x{1f}\x{7f}"),
    ("digit", "0-9"),
    ("graph", r"\x{21}-\x{7e}"),
    ("lower", "a-z"),
    ("print", r"\x{20}-\x{7e}"),
    ("punct", r"\x{21}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{60}\x{7b}-\x{7e}"),
    ("space", r"\x{9}-\x{d}\x{20}"),
    ("upper", "A-Z"),
    ("word", "0-9A-Za-z_"),
    ("xdigit", "0-9A-Fa-f"),
];

/// Matches nothing: half a character.
const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

/// One character, by its code point.
pub(super) fn single(code: u32) -> String {
    match char::from_u32(code) {
        Some(character) if character.is_ascii_alphanumeric() => character.to_string(),
        Some(_) => format!(r"\x{{{code:x}}}"),
        None => NOTHING.to_owned(),
    }
}

/// A class in brackets at the start of `text`, and what follows it.
pub(super) fn bracketed(text: &str, fold_case: bool) -> Result<(String, &str), SyntaxError> {
    let mut rest = &text[1..];
    let mut items = String::new();
    let negated = rest.strip_prefix('^').inspect(|after| rest = after).is_some();
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if rest.len() > 2
            && rest.starts_with("[:")
            && let Some(end) = rest[2..].find(":]")
        {
            let shown = &rest[..end + 4];
            let name = &rest[2..end + 2];
            let (negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
            let Some((_, ranges)) = POSIX.iter().find(|(other, _)| *other == name) else {
                return Err(SyntaxError::new(INVALID_RANGE, shown));
            };
            items.push_str(&group(negated, ranges));
            rest = &rest[end + 4..];
            continue;
        }
        if let Some((class, after)) = escaped(rest)? {
            items.push_str(&class);
            rest = after;
            continue;
        }
        let start = rest;
        let (low, after) = class_character(rest, text)?;
        let mut high = low;
        rest = after;
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            let (end, after) = class_character(&rest[1..], text)?;
            (high, rest) = (end, after);
            if high < low {
                return Err(SyntaxError::new(INVALID_RANGE, &start[..start.len() - rest.len()]));
            }
        }
        range(&mut items, low, high);
    }
    let class = match (items.is_empty(), negated) {
        (true, false) => NOTHING.to_owned(),
        (true, true) => r"(?s:.)".to_owned(),
        _ => format!("[{}{items}]", if negated { "^" } else { "" }),
    };
    Ok((if fold_case { format!("(?i:{class})") } else { class }, &rest[1..]))
}

fn group(negated: bool, ranges: &str) -> String {
    format!("[{}{ranges}]", if negated { "^" } else { "" })
}

/// Appends a range without the halves of characters that Go lets it have.
fn range(items: &mut String, low: u32, high: u32) {
    let low = if (0xD800..0xE000).contains(&low) { 0xE000 } else { low };
    let high = if (0xD800..0xE000).contains(&high) { 0xD7FF } else { high };
    if low <= high {
        items.push_str(&format!(r"\x{{{low:x}}}-\x{{{high:x}}}"));
    }
}

fn class_character<'a>(text: &'a str, class: &str) -> Result<(u32, &'a str), SyntaxError> {
    let Some(first) = text.chars().next() else { return Err(SyntaxError::new(MISSING_BRACKET, class)) };
    if first == '\\' { character(text) } else { Ok((first as u32, &text[first.len_utf8()..])) }
}

/// A class that an escape stands for: `\d`, `\pN`, `\p{Greek}`. Absent for every other escape.
pub(super) fn escaped(text: &str) -> Result<Option<(String, &str)>, SyntaxError> {
    let [b'\\', letter, ..] = text.as_bytes() else { return Ok(None) };
    let ranges = match letter.to_ascii_lowercase() {
        b'd' => "0-9",
        b's' => r"\x{9}\x{a}\x{c}\x{d}\x{20}",
        b'w' => "0-9A-Za-z_",
        b'p' => return unicode(text).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((group(letter.is_ascii_uppercase(), ranges), &text[2..])))
}

/// `\pN`, `\p{Greek}`, `\P{^Greek}`.
fn unicode(text: &str) -> Result<(String, &str), SyntaxError> {
    let mut negated = text.starts_with(r"\P");
    let (name, end) = match text[2..].chars().next() {
        Some('{') => {
            let Some(end) = text.find('}') else { return Err(SyntaxError::new(INVALID_RANGE, text)) };
            (&text[3..end], end + 1)
        }
        Some(letter) => (&text[2..2 + letter.len_utf8()], 2 + letter.len_utf8()),
        None => return Err(SyntaxError::new(INVALID_RANGE, text)),
    };
    let name = name.strip_prefix('^').inspect(|_| negated = !negated).unwrap_or(name);
    let is_in = |names: &str| !name.is_empty() && names.split(' ').any(|other| other == name);
    let known = match name {
        "Any" => r"\x{0}-\x{10FFFF}".to_owned(),
        // Halves of characters never occur.
        "C" => r"\p{Cc}\p{Cf}\p{Co}".to_owned(),
        "Cs" => NOTHING.to_owned(),
        _ if is_in(CATEGORIES) => format!(r"\p{{gc={name}}}"),
        _ if is_in(SCRIPTS) => format!(r"\p{{sc={name}}}"),
        _ => return Err(SyntaxError::new(INVALID_RANGE, &text[..end])),
    };
    // Go 1.23 knows the characters of Unicode 15.0.
    Ok((format!("[{}[[{known}]&&\\p{{age=15.0}}]]", if negated { "^" } else { "" }), &text[end..]))
}

/// The character that an escape stands for, and what follows it.
pub(super) fn character(text: &str) -> Result<(u32, &str), SyntaxError> {
    let mut rest = text[1..].chars();
    let Some(first) = rest.next() else { return Err(SyntaxError::new(TRAILING_BACKSLASH, "")) };
    let invalid = |rest: &str| Err(SyntaxError::new(INVALID_ESCAPE, &text[..text.len() - rest.len()]));
    let simple = match first {
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '0'..='7' => {
            let octal = |rest: &std::str::Chars| rest.clone().next().and_then(|digit| digit.to_digit(8));
            if first != '0' && octal(&rest).is_none() {
                // A reference back to a group.
                return invalid(rest.as_str());
            }
            let mut code = first as u32 - '0' as u32;
            for _ in 0..2 {
                let Some(digit) = octal(&rest) else { break };
                code = code * 8 + digit;
                rest.next();
            }
            code
        }
        'x' => {
            let Some(digit) = rest.next() else { return invalid("") };
            if digit != '{' {
                let low = rest.next();
                return match (digit.to_digit(16), low.and_then(|low| low.to_digit(16))) {
                    (Some(high), Some(low)) => Ok((high * 16 + low, rest.as_str())),
                    _ => invalid(rest.as_str()),
                };
            }
            let (mut code, mut digits) = (0, 0);
            loop {
                match rest.next() {
                    Some('}') if digits > 0 => break code,
                    Some(digit) if digit.is_ascii_hexdigit() => {
                        code = code * 16 + digit.to_digit(16).unwrap_or(0);
                        if code > char::MAX as u32 {
                            return invalid(rest.as_str());
                        }
                        digits += 1;
                    }
                    _ => return invalid(rest.as_str()),
                }
            }
        }
        _ if first.is_ascii() && !first.is_ascii_alphanumeric() => first as u32,
        _ => return invalid(rest.as_str()),
    };
    Ok((simple, rest.as_str()))
}
