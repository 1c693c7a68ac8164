//! Go's `fmt.Sprintf`: the grammar of its formats.

use super::{
    super::{
        context::Context,
        fault::Fault,
        value::{Datum, Value},
    },
    Printer, Spec,
};
use crate::engine::go::quote;
use crate::source::lineage::text::{MadeOf, Text};

/// The largest width, precision or argument number that Go takes.
const MAX_NUMBER: i64 = 1_000_000;

/// Goes through the format, verb by verb.
pub(super) fn formatted(format: &Text, values: &[Value], context: &mut Context) -> Result<Text, Fault> {
    let mut formatter = Formatter {
        printer: Printer::new(context),
        format: format.bytes(),
        values,
        at: 0,
        next: 0,
        reordered: false,
        good_number: true,
        after_index: false,
    };
    while formatter.at < format.len() {
        formatter.good_number = true;
        let start = formatter.at;
        let rest = &format.bytes()[start..];
        formatter.at = start + rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        formatter.printer.context.budget.text(formatter.at - start)?;
        formatter.printer.out.push_slice(format, start..formatter.at);
        if formatter.at < format.len() {
            formatter.at += 1;
            formatter.verb()?;
        }
    }
    formatter.extra()?;
    Ok(formatter.printer.out.build())
}

struct Formatter<'format> {
    printer: Printer<'format>,
    format: &'format [u8],
    values: &'format [Value],
    /// The next byte of the format.
    at: usize,
    /// The next argument.
    next: usize,
    /// Whether the format numbers its arguments, so that unused ones are none of its business.
    reordered: bool,
    good_number: bool,
    /// Whether the last part was a number in brackets.
    after_index: bool,
}

impl Formatter<'_> {
    /// Everything behind a percent sign.
    fn verb(&mut self) -> Result<(), Fault> {
        self.printer.spec = Spec::default();
        if self.flags()? {
            return Ok(());
        }
        self.argument_number();
        self.width();
        if self.at + 1 < self.format.len() && self.format[self.at] == b'.' {
            self.at += 1;
            self.precision();
        }
        if !self.after_index {
            self.argument_number();
        }
        let rest = &self.format[self.at..];
        let Some((rune, len)) = quote::runes(rest).next() else {
            self.complain("%!(NOVERB)");
            return Ok(());
        };
        let verb = rune.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.at += len;
        match self.values.get(self.next) {
            _ if verb == '%' => self.complain("%"),
            _ if !self.good_number => self.complain(&format!("%!{verb}(BADINDEX)")),
            None => self.complain(&format!("%!{verb}(MISSING)")),
            Some(value) => return self.print(value, verb),
        }
        Ok(())
    }

    /// The flags; prints and says so where a simple verb follows them.
    fn flags(&mut self) -> Result<bool, Fault> {
        while let Some(byte) = self.format.get(self.at) {
            let spec = &mut self.printer.spec;
            match byte {
                b'#' => spec.sharp = true,
                b'0' => spec.zero = true,
                b'+' => spec.plus = true,
                b'-' => spec.minus = true,
                b' ' => spec.space = true,
                b'a'..=b'z' => {
                    let Some(value) = self.values.get(self.next) else { return Ok(false) };
                    self.at += 1;
                    self.print(value, char::from(*byte))?;
                    return Ok(true);
                }
                _ => return Ok(false),
            }
            self.at += 1;
        }
        Ok(false)
    }

    fn print(&mut self, value: &Value, verb: char) -> Result<(), Fault> {
        let spec = &mut self.printer.spec;
        if matches!(verb, 'v' | 'w') {
            (spec.sharp_v, spec.sharp) = (spec.sharp, false);
            (spec.plus_v, spec.plus) = (spec.plus, false);
        }
        self.next += 1;
        self.printer.value(value, verb, 0)
    }

    fn width(&mut self) {
        if self.format.get(self.at) == Some(&b'*') {
            self.at += 1;
            let width = self.number_argument();
            if width.is_none() {
                self.complain("%!(BADWIDTH)");
            }
            let spec = &mut self.printer.spec;
            spec.width = width.map(|width| width.unsigned_abs() as usize);
            if width.is_some_and(|width| width < 0) {
                (spec.minus, spec.zero) = (true, false);
            }
            self.after_index = false;
        } else {
            let width = self.number(self.format.len());
            self.printer.spec.width = width;
            if self.after_index && width.is_some() {
                self.good_number = false;
            }
        }
    }

    fn precision(&mut self) {
        if self.after_index {
            self.good_number = false;
        }
        self.argument_number();
        if self.format.get(self.at) == Some(&b'*') {
            self.at += 1;
            let precision = self.number_argument().and_then(|precision| usize::try_from(precision).ok());
            self.printer.spec.precision = precision;
            if precision.is_none() {
                self.complain("%!(BADPREC)");
            }
            self.after_index = false;
        } else {
            self.printer.spec.precision = Some(self.number(self.format.len()).unwrap_or(0));
        }
    }

    /// Go's `argNumber`: `[3]`, the number of the next argument.
    fn argument_number(&mut self) {
        self.after_index = false;
        if self.format.get(self.at) != Some(&b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let close = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(close) = close else {
            self.at += 1;
            self.good_number = false;
            return;
        };
        let end = self.at + close;
        self.at += 1;
        let number = self.number(end);
        let whole = self.at == end;
        self.at = end + 1;
        match number.filter(|_| whole) {
            Some(number) if (1..=self.values.len()).contains(&number) => {
                (self.next, self.after_index) = (number - 1, true);
            }
            Some(_) => (self.good_number, self.after_index) = (false, true),
            None => self.good_number = false,
        }
    }

    /// Go's `parsenum`: digits up to `end`; goes there if they are too many.
    fn number(&mut self, end: usize) -> Option<usize> {
        let mut number = None;
        while self.at < end && self.format[self.at].is_ascii_digit() {
            let so_far = number.unwrap_or(0);
            if so_far > MAX_NUMBER as usize {
                self.at = end;
                return None;
            }
            number = Some(so_far * 10 + usize::from(self.format[self.at] - b'0'));
            self.at += 1;
        }
        number
    }

    /// Go's `intFromArg`: a width or precision that is an argument.
    fn number_argument(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let number = match value.datum {
            Datum::Int(number) | Datum::Int64(number) => number,
            Datum::Rune(number) => number.into(),
            Datum::Byte(number) => number.into(),
            Datum::Uint64(number) => i64::try_from(number).ok()?,
            _ => return None,
        };
        (-MAX_NUMBER..=MAX_NUMBER).contains(&number).then_some(number)
    }

    fn complain(&mut self, message: &str) {
        self.printer.write(message.as_bytes(), MadeOf::NOTHING);
    }

    /// The arguments that the format did not use.
    fn extra(&mut self) -> Result<(), Fault> {
        if self.reordered || self.next >= self.values.len() {
            return Ok(());
        }
        self.printer.spec = Spec::default();
        self.complain("%!(EXTRA ");
        for (at, value) in self.values[self.next..].iter().enumerate() {
            if at > 0 {
                self.complain(", ");
            }
            if !matches!(value.datum, Datum::Nil) {
                self.complain(&format!("{}=", value.type_name()));
            }
            self.printer.value(value, 'v', 0)?;
        }
        self.complain(")");
        Ok(())
    }
}
