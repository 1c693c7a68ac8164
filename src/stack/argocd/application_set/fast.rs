//! Templates without Go: `{{name}}` becomes the parameter of that name, everything else stays as it is.

use serde_json::Value;

use super::{
    parameters::{Parameter, Parameters, Written},
    template::{From, Rendered, RenderedPart},
};

/// Renders a text (`fasttemplate`); in case of failure why.
///
/// # Errors
/// Where braces are not closed.
pub(super) fn render(text: &str, parameters: &Parameters) -> Result<Rendered, String> {
    let mut rendered = Rendered::default();
    let mut at = 0;
    let literal = |from: usize, to: usize, rendered: &mut Rendered| {
        let start = rendered.text.len();
        rendered.text.push_str(&text[from..to]);
        if from < to {
            let range = start..rendered.text.len();
            rendered.parts.push(RenderedPart { range, from: From::Template, offset: Some(from) });
        }
    };
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        let Some(close) = text[open + 2..].find("}}").map(|found| open + 2 + found) else {
            return Err("cannot find end tag=\"}}\"".to_owned());
        };
        literal(at, open, &mut rendered);
        let name = text[open + 2..close].trim();
        match parameters.get(name) {
            Some(Parameter::Scalar(Value::String(said), written)) if !name.is_empty() => {
                let start = rendered.text.len();
                rendered.text.push_str(said);
                if let Some(Written { layer, at }) = written {
                    let range = start..rendered.text.len();
                    let from = From::Parameter(*layer, at.clone());
                    rendered.parts.push(RenderedPart { range, from, offset: Some(0) });
                }
            }
            _ => literal(open, close + 2, &mut rendered),
        }
        at = close + 2;
    }
    literal(at, text.len(), &mut rendered);
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_nothing_else() {
        let parameters = Parameters::from([
            ("name".to_owned(), Parameter::text("shop")),
            ("path[0]".to_owned(), Parameter::text("apps")),
        ]);
        let cases = [
            ("{{name}}-{{ name }}", Ok("shop-shop")),
            ("{{path[0]}}/{{other}}/{{}}", Ok("apps/{{other}}/{{}}")),
            ("plain", Ok("plain")),
            ("{{name", Err(())),
        ];
        for (text, expected) in cases {
            assert_eq!(
                render(text, &parameters).map(|it| it.text).map_err(|_| ()),
                expected.map(str::to_owned),
                "{text}"
            );
        }
    }
}
