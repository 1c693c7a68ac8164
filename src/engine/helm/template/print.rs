//! Go's `fmt`: how values become text, with the origins of every byte.
//!
//! A value that is printed as it is keeps its origin, a text piece by piece; punctuation, padding and escapes are made of
//! what they belong to, so that even an empty value in quotes leads to its leaf.

mod format;
pub mod number;

use super::{
    context::{Context, MAX_NESTING},
    fault::Fault,
    value::{Datum, Element, List, Map, Value},
};
use crate::engine::go::quote::{Quotes, can_backquote, escape, runes};
use crate::source::lineage::{
    sets::SetId,
    text::{MadeOf, Text, TextBuilder},
};

/// What `%v` prints; `nil` is `<nil>`.
///
/// # Errors
/// A limit for values that are nested too deeply or print too long, and what an object says.
pub fn value(value: &Value, context: &mut Context) -> Result<Text, Fault> {
    if let Datum::Text(text) = &value.datum
        && value.control.is_empty()
        && !text.is_empty()
    {
        return Ok(text.clone());
    }
    let mut printer = Printer::new(context);
    printer.value(value, 'v', 0)?;
    Ok(printer.out.build())
}

/// Go's `fmt.Sprint`: a space between two operands of which neither is a string.
///
/// # Errors
/// See [`value`].
pub fn print(values: &[Value], context: &mut Context) -> Result<Text, Fault> {
    let mut printer = Printer::new(context);
    let mut after_text = true;
    for (at, value) in values.iter().enumerate() {
        let is_text = matches!(value.datum, Datum::Text(_));
        if at > 0 && !is_text && !after_text {
            printer.write(b" ", MadeOf::NOTHING);
        }
        printer.value(value, 'v', 0)?;
        after_text = is_text;
    }
    Ok(printer.out.build())
}

/// Go's `fmt.Sprintln`: spaces between all operands, and a line feed.
///
/// # Errors
/// See [`value`].
pub fn println(values: &[Value], context: &mut Context) -> Result<Text, Fault> {
    let mut printer = Printer::new(context);
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            printer.write(b" ", MadeOf::NOTHING);
        }
        printer.value(value, 'v', 0)?;
    }
    printer.write(b"\n", MadeOf::NOTHING);
    Ok(printer.out.build())
}

/// Go's `fmt.Sprintf`, whose complaints are part of the text: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`.
///
/// # Errors
/// See [`value`].
pub fn printf(format: &Text, values: &[Value], context: &mut Context) -> Result<Text, Fault> {
    format::formatted(format, values, context)
}

/// A text as `%q` prints it. The quotes and escapes are made of the text's own leaves.
pub fn quote(text: &Value, context: &mut Context) -> Result<Text, Fault> {
    let mut printer = Printer::new(context);
    printer.value(text, 'q', 0)?;
    Ok(printer.out.build())
}

/// The flags, width and precision of a verb.
#[derive(Clone, Copy, Debug, Default)]
struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`.
    plus_v: bool,
    /// `%#v`.
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Spec {
    /// Whether a number is printed with no more than spaces around it.
    fn leaves_digits(&self) -> bool {
        let adds = self.plus || self.space || self.precision.is_some();
        let pads = self.zero && self.width.is_some();
        !adds && !pads
    }
}

/// Go's `pp`: a text in the making, and how the current verb prints.
struct Printer<'context> {
    context: &'context mut Context,
    out: TextBuilder,
    spec: Spec,
    /// What decided that the value is printed of which the current one is a part.
    control: SetId,
}

impl<'context> Printer<'context> {
    fn new(context: &'context mut Context) -> Self {
        Self { context, out: TextBuilder::default(), spec: Spec::default(), control: SetId::EMPTY }
    }

    fn write(&mut self, bytes: &[u8], made_of: MadeOf) {
        self.out.push_bytes(bytes, made_of, self.control);
    }

    /// Padding, which leaves no mark where there is none.
    fn pad(&mut self, bytes: &[u8], made_of: MadeOf) {
        if !bytes.is_empty() {
            self.write(bytes, made_of);
        }
    }

    /// Go's `printArg` and, below a container, `printValue`.
    fn value(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Fault> {
        if depth > MAX_NESTING {
            return Err(Fault::limit("a value is nested too deeply to be printed, or in itself"));
        }
        self.context.budget.step(1)?;
        let outside = self.control;
        self.control = self.context.sets.union(outside, value.control);
        stacker::maybe_grow(64 << 10, 1 << 20, || self.datum(value, verb, depth))?;
        self.control = outside;
        Ok(())
    }

    fn datum(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Fault> {
        match (verb, &value.datum) {
            ('T', Datum::Nil) if depth == 0 => return self.padded(b"<nil>", value.made_of, self.spec.zero),
            ('T', _) if depth == 0 => {
                let of = self.of(value);
                return self.text(&Text::new(value.type_name().as_bytes(), of), value);
            }
            ('p', Datum::Map(_) | Datum::List(_) | Datum::Bytes(_)) if depth == 0 => {
                return Err(Fault::unsupported("%p prints an address"));
            }
            ('p' | 'w', datum) if depth == 0 && !matches!(datum, Datum::Nil) => return self.bad_verb(value, verb),
            ('w', datum) if !matches!(datum, Datum::Nil) => return self.bad_verb(value, verb),
            _ => {}
        }
        match &value.datum {
            Datum::Nil if depth > 0 && self.spec.sharp_v => self.write(b"interface {}(nil)", value.made_of),
            Datum::Nil if depth > 0 => self.write(b"<nil>", value.made_of),
            Datum::Nil if verb == 'v' => self.padded(b"<nil>", value.made_of, self.spec.zero)?,
            Datum::Nil => self.bad_verb(value, verb)?,
            Datum::Bool(truth) => match verb {
                't' | 'v' => {
                    let text: &[u8] = if *truth { b"true" } else { b"false" };
                    self.padded(text, value.made_of, self.spec.zero)?;
                }
                _ => self.bad_verb(value, verb)?,
            },
            Datum::Int(number) | Datum::Int64(number) => self.integer(value, (*number).into(), true, verb)?,
            Datum::Rune(number) => self.integer(value, (*number).into(), true, verb)?,
            Datum::Uint64(number) => self.integer(value, (*number).into(), false, verb)?,
            Datum::Byte(number) => self.integer(value, (*number).into(), false, verb)?,
            Datum::Float(number) => self.float(value, *number, verb)?,
            Datum::Text(text) => self.string(value, text, verb)?,
            Datum::Bytes(bytes) => self.bytes(value, bytes, verb, depth)?,
            datum if self.spec.sharp_v && datum.is_nil_of_its_type() => {
                let bytes = value.type_name() == "[]uint8" && depth == 0;
                let name = if bytes { "[]byte" } else { value.type_name() };
                let of = self.of(value);
                self.write(format!("{name}(nil)").as_bytes(), of);
            }
            Datum::List(list) if list.element == Element::Byte => self.bytes(value, &Text::default(), verb, depth)?,
            Datum::List(list) => self.list(value, list, verb, depth)?,
            Datum::Map(map) => self.map(value, map, verb, depth)?,
            Datum::Object(object) => match verb {
                'v' | 's' if !self.spec.sharp_v => {
                    let text = object.print(self.context)?;
                    self.text(&text, value)?;
                }
                _ => {
                    let message = format!("%{verb} of the type {}", object.type_name());
                    return Err(Fault::unsupported(message));
                }
            },
        }
        Ok(())
    }

    fn integer(&mut self, value: &Value, number: i128, signed: bool, verb: char) -> Result<(), Fault> {
        let zero = false;
        let text = match verb {
            'v' if self.spec.sharp_v && !signed => number::integer(&Spec { sharp: true, ..self.spec }, number, 16, 'v'),
            'v' | 'd' => {
                let text = number::integer(&self.spec, number, 10, verb);
                let spec = &self.spec;
                // A number that is printed as it is.
                if spec.leaves_digits() {
                    return self.padded(&text, value.made_of, zero);
                }
                text
            }
            'b' => number::integer(&self.spec, number, 2, verb),
            'o' | 'O' => number::integer(&self.spec, number, 8, verb),
            'x' | 'X' => number::integer(&self.spec, number, 16, verb),
            'c' => {
                let of = self.of(value);
                return self.padded(character(number).encode_utf8(&mut [0; 4]).as_bytes(), of, self.spec.zero);
            }
            'q' => {
                let mut text = vec![b'\''];
                escape(Ok(character(number)), Quotes { quote: '\'', ascii: self.spec.plus }, &mut text);
                text.push(b'\'');
                let of = self.of(value);
                return self.padded(&text, of, self.spec.zero);
            }
            'U' => number::unicode(&self.spec, number as u64),
            _ => return self.bad_verb(value, verb),
        };
        let of = self.of(value);
        self.padded(&text, of, zero)
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) -> Result<(), Fault> {
        let (letter, precision) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let (text, zero) = number::float(&self.spec, number, letter, precision);
        let spec = &self.spec;
        let as_it_is = matches!(verb, 'v' | 'g') && !spec.sharp && spec.leaves_digits();
        let made_of = if as_it_is { value.made_of } else { self.of(value) };
        self.padded(&text, made_of, zero)
    }

    /// Go's `fmtString`.
    fn string(&mut self, value: &Value, text: &Text, verb: char) -> Result<(), Fault> {
        match verb {
            'v' if self.spec.sharp_v => self.quoted(value, text),
            'v' | 's' => self.text(text, value),
            'x' | 'X' => self.hexadecimal(value, text, verb),
            'q' => self.quoted(value, text),
            _ => self.bad_verb(value, verb),
        }
    }

    /// Go's `fmtBytes`.
    fn bytes(&mut self, value: &Value, bytes: &Text, verb: char, depth: usize) -> Result<(), Fault> {
        match verb {
            's' => return self.text(bytes, value),
            'x' | 'X' => return self.hexadecimal(value, bytes, verb),
            'q' => return self.quoted(value, bytes),
            _ => {}
        }
        self.context.budget.items(bytes.len())?;
        self.context.budget.text(bytes.len().saturating_mul(4))?;
        let of = MadeOf::Derived(value.flow(self.context).data);
        let sharp_v = self.spec.sharp_v;
        if sharp_v {
            self.write(if depth == 0 { b"[]byte{" } else { b"[]uint8{" }, of);
        } else {
            self.write(b"[", of);
        }
        for (at, byte) in bytes.bytes().iter().enumerate() {
            if at > 0 {
                self.write(if sharp_v { b", " } else { b" " }, of);
            }
            self.integer(&Value::new(Datum::Byte(*byte), of), (*byte).into(), false, verb)?;
        }
        self.write(if sharp_v { b"}" } else { b"]" }, of);
        Ok(())
    }

    fn list(&mut self, value: &Value, list: &List, verb: char, depth: usize) -> Result<(), Fault> {
        let (of, sharp_v) = (self.of(value), self.spec.sharp_v);
        let (open, between, close): (_, &[u8], &[u8]) = match sharp_v {
            true => (format!("{}{{", value.type_name()), b", ", b"}"),
            false => ("[".into(), b" ", b"]"),
        };
        self.write(open.as_bytes(), of);
        for (at, item) in list.items.iter().enumerate() {
            if at > 0 {
                self.write(between, of);
            }
            self.value(item, verb, depth + 1)?;
        }
        self.write(close, of);
        Ok(())
    }

    fn map(&mut self, value: &Value, map: &Map, verb: char, depth: usize) -> Result<(), Fault> {
        let outside = self.control;
        self.control = self.context.sets.union(outside, map.control());
        let (of, sharp_v) = (self.of(value), self.spec.sharp_v);
        let (open, between, close): (_, &[u8], &[u8]) = match sharp_v {
            true => (format!("{}{{", value.type_name()), b", ", b"}"),
            false => ("map[".into(), b" ", b"]"),
        };
        self.write(open.as_bytes(), of);
        for (at, entry) in map.snapshot().into_iter().enumerate() {
            if at > 0 {
                self.write(between, of);
            }
            self.value(&Value::text(entry.key), verb, depth + 1)?;
            self.write(b":", of);
            self.value(&entry.value, verb, depth + 1)?;
        }
        self.write(close, of);
        self.control = outside;
        Ok(())
    }

    /// Go's `badVerb`: `%!d(string=x)`.
    fn bad_verb(&mut self, value: &Value, verb: char) -> Result<(), Fault> {
        let of = self.of(value);
        let start = match value.datum {
            Datum::Nil => format!("%!{verb}(<nil>"),
            _ => format!("%!{verb}({}=", value.type_name()),
        };
        self.write(start.as_bytes(), of);
        if !matches!(value.datum, Datum::Nil) {
            self.datum(value, 'v', 0)?;
        }
        self.write(b")", of);
        Ok(())
    }

    /// What everything is made of that is printed for a value and is not the value itself.
    fn of(&mut self, value: &Value) -> MadeOf {
        MadeOf::Derived(value.flow(self.context).data)
    }

    /// Go's `fmtS`: cut to the precision and padded to the width, in characters.
    fn text(&mut self, text: &Text, value: &Value) -> Result<(), Fault> {
        let end = self.cut(text.bytes());
        let (before, after) = self.padding(&text.bytes()[..end])?;
        self.context.budget.text(end)?;
        if before.is_empty() && after.is_empty() {
            self.push(text, 0..end, value);
            return Ok(());
        }
        let of = self.of(value);
        self.pad(&before, of);
        self.push(text, 0..end, value);
        self.pad(&after, of);
        Ok(())
    }

    /// Bytes of a text with their pieces.
    fn push(&mut self, text: &Text, range: std::ops::Range<usize>, value: &Value) {
        if range.is_empty() {
            self.write(&[], value.made_of);
        }
        let control = self.control;
        let text = text.slice(range);
        if control.is_empty() {
            return self.out.push(&text);
        }
        let context = &mut *self.context;
        self.out.push_under(&text, |own| context.sets.union(own, control));
    }

    /// How many bytes the precision leaves of a text.
    fn cut(&self, bytes: &[u8]) -> usize {
        match self.spec.precision {
            Some(precision) if precision < bytes.len() => runes(bytes).take(precision).map(|(_, len)| len).sum(),
            _ => bytes.len(),
        }
    }

    /// What stands before and behind a text of the width.
    fn padding(&mut self, bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let Some(width) = self.spec.width.filter(|width| *width > 0) else { return Ok(Default::default()) };
        let missing = width.saturating_sub(runes(bytes).count());
        self.context.budget.text(missing)?;
        if self.spec.minus {
            return Ok((Vec::new(), vec![b' '; missing]));
        }
        Ok((vec![if self.spec.zero { b'0' } else { b' ' }; missing], Vec::new()))
    }

    /// Bytes of one origin, padded to the width.
    fn padded(&mut self, bytes: &[u8], made_of: MadeOf, zero: bool) -> Result<(), Fault> {
        let spec = self.spec;
        self.context.budget.text(bytes.len())?;
        self.spec.zero = zero;
        let (before, after) = self.padding(bytes)?;
        self.spec = spec;
        self.pad(&before, MadeOf::Derived(made_of.set()));
        self.write(bytes, made_of);
        self.pad(&after, MadeOf::Derived(made_of.set()));
        Ok(())
    }

    /// Go's `fmtQ`.
    fn quoted(&mut self, value: &Value, text: &Text) -> Result<(), Fault> {
        let end = self.cut(text.bytes());
        let of = self.of(value);
        let quotes = Quotes { quote: '"', ascii: self.spec.plus };
        let raw = self.spec.sharp && can_backquote(&text.bytes()[..end]);
        let mut escaped = Vec::with_capacity(end + 2);
        let quote: &[u8] = if raw { b"`" } else { b"\"" };
        escaped.extend_from_slice(quote);
        // What stands for itself, and how many bytes behind it are escaped as what.
        let mut runs = Vec::new();
        let (mut start, mut at) = (0, 0);
        if raw {
            escaped.extend_from_slice(&text.bytes()[..end]);
        } else {
            for (rune, len) in runes(&text.bytes()[..end]) {
                let before = escaped.len();
                if !escape(rune, quotes, &mut escaped) {
                    runs.push((start..at, at..at + len, before..escaped.len()));
                    start = at + len;
                }
                at += len;
            }
        }
        escaped.extend_from_slice(quote);
        let (before, after) = self.padding(&escaped)?;
        self.context.budget.text(escaped.len())?;
        self.pad(&before, of);
        self.write(quote, of);
        for (run, skipped, escape) in runs {
            self.push(text, run, value);
            let sets: Vec<SetId> = text.slices(skipped).map(|slice| slice.made_of.set()).collect();
            let made_of = MadeOf::Derived(self.context.sets.union_all(sets));
            self.write(&escaped[escape], made_of);
        }
        self.push(text, start..end, value);
        self.write(quote, of);
        self.pad(&after, of);
        Ok(())
    }

    /// Go's `fmtSbx`.
    fn hexadecimal(&mut self, value: &Value, text: &Text, verb: char) -> Result<(), Fault> {
        let len = self.spec.precision.map_or(text.len(), |precision| precision.min(text.len()));
        self.context.budget.text(len.saturating_mul(5))?;
        let of = self.of(value);
        let mut out = Vec::with_capacity(len * 2);
        let prefix: &[u8] = if verb == 'X' { b"0X" } else { b"0x" };
        for (at, byte) in text.bytes()[..len].iter().enumerate() {
            if self.spec.space && at > 0 {
                out.push(b' ');
            }
            if self.spec.sharp && (at == 0 || self.spec.space) {
                out.extend_from_slice(prefix);
            }
            let digits = if verb == 'X' { format!("{byte:02X}") } else { format!("{byte:02x}") };
            out.extend_from_slice(digits.as_bytes());
        }
        self.padded(&out, of, self.spec.zero)
    }
}

/// A number as a character; U+FFFD where it is none.
fn character(number: i128) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}
