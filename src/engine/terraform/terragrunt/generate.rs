//! What Terragrunt writes beside a module's files.

use crate::{
    engine::terraform::value::Value,
    source::hcl::{
        parse,
        tree::{Block, Expression, ExpressionKind, Part},
    },
};

/// Tells whether generated text holds nothing that makes resources or values: backends, versions, providers.
pub fn is_harmless(expression: &Expression, value: &Value) -> bool {
    let text = match (value.as_str(), &expression.kind) {
        (Some(text), _) => text.to_owned(),
        // What is put in may be anything, but not in the middle of a word more than a word.
        (None, ExpressionKind::Template(template)) => {
            let mut text = String::new();
            for part in &template.parts {
                match part {
                    Part::Text(literal) => text += &literal.value,
                    Part::Interpolation { .. } => text.push('0'),
                    _ => return false,
                }
            }
            text
        }
        _ => return false,
    };
    let is_plain = |block: &Block| matches!(&*block.kind.text, "terraform" | "provider");
    parse(&text).is_ok_and(|file| file.body.attributes().next().is_none() && file.body.blocks().all(is_plain))
}
