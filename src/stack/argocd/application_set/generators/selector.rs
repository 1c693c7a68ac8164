//! Selectors over parameters, as over labels.

use std::collections::BTreeMap;

use serde_json::Value;

/// Tells whether parameters fit a selector; in case of failure why it is none.
///
/// # Errors
/// An operator that there is not.
pub(super) fn matches(selector: &Value, parameters: &BTreeMap<String, String>) -> Result<bool, String> {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    for (key, value) in labels {
        if parameters.get(key).map(String::as_str) != value.as_str() {
            return Ok(false);
        }
    }
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    for expression in expressions {
        let text = |key: &str| expression.get(key).and_then(Value::as_str).unwrap_or_default();
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        let own = parameters.get(text("key"));
        let is_among = || own.is_some_and(|own| values.filter_map(Value::as_str).any(|value| value == own));
        let fits = match text("operator") {
            "In" => is_among(),
            "NotIn" => !is_among(),
            "Exists" => own.is_some(),
            "DoesNotExist" => own.is_none(),
            other => return Err(format!("{other:?} is no operator of a selector")),
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_choose_as_label_selectors_do() {
        let parameters = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
        let expression = |operator: &str, key: &str| json!({"matchExpressions": [{"key": key, "operator": operator, "values": ["prod", "qa"]}]});
        let cases = [
            (json!({"matchLabels": {"env": "prod"}}), true),
            (json!({"matchLabels": {"env": "qa"}}), false),
            (expression("In", "env"), true),
            (expression("NotIn", "env"), false),
            (expression("NotIn", "other"), true),
            (expression("Exists", "env"), true),
            (expression("DoesNotExist", "env"), false),
        ];
        for (selector, expected) in cases {
            assert_eq!(matches(&selector, &parameters), Ok(expected), "{selector}");
        }
        assert!(matches(&expression("Like", "env"), &parameters).is_err());
    }
}
