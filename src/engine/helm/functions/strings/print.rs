//! Stand-in until the evaluator's printing is there.
use crate::{engine::helm::template::{context::Context, fault::Fault, value::{Datum, Value}}, source::lineage::text::{MadeOf, Text}};
pub(super) fn value(value: &Value, context: &mut Context) -> Result<Text, Fault> {
    let text = match &value.datum {
        Datum::Nil => "<nil>".to_owned(),
        Datum::Bool(v) => v.to_string(),
        Datum::Int(v) | Datum::Int64(v) => v.to_string(),
        Datum::Byte(v) => v.to_string(),
        Datum::Float(v) => v.to_string(),
        Datum::Text(t) => return Ok(t.clone()),
        Datum::List(l) => {
            let mut s = Vec::new();
            for i in l.items.iter() { s.push(self::value(i, context)?.lossy().into_owned()); }
            return Ok(Text::new(format!("[{}]", s.join(" ")).as_bytes(), value.made_of));
        }
        _ => "?".to_owned(),
    };
    Ok(Text::new(text.as_bytes(), match value.made_of { v @ MadeOf::Verbatim{..} => v, d => d }))
}
