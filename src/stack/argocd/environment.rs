//! Variables of the build environment, which Argo CD expands in parameters, file names and labels.

use crate::{
    model::refusal::{Code, Refusal},
    stack::object::Object,
};

/// Expands `$NAME` and `${NAME}` as Go's `os.Expand` does; what is not known is nothing, as in Argo CD.
///
/// # Errors
/// `engine-unsupported` where the text mentions what only a sync knows: the revision.
pub fn expand(text: &str, application: &Object, source: &serde_json::Value) -> Result<String, Refusal> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let (name, length) = name(behind);
        if length == 0 {
            // A dollar sign that names nothing stays.
            expanded.push('$');
        } else {
            expanded.push_str(&value(name, application, source)?);
        }
        rest = &behind[length..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// `getShellName`: the name behind a dollar sign and how many bytes it takes.
fn name(text: &str) -> (&str, usize) {
    if let Some(inner) = text.strip_prefix('{') {
        return match inner.find('}') {
            // `${}` and an open brace are eaten.
            Some(0) => ("", 2),
            Some(end) => (&inner[..end], end + 2),
            None => ("", 1),
        };
    }
    let is_special = |c: char| "*#$@!?-0123456789".contains(c);
    if text.starts_with(is_special) {
        return (&text[..1], 1);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (&text[..end], end)
}

fn value(name: &str, application: &Object, source: &serde_json::Value) -> Result<String, Refusal> {
    let said = |key: &str| source.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Ok(match name {
        "$" => "$".to_owned(),
        "ARGOCD_APP_NAME" => application.name().to_owned(),
        "ARGOCD_APP_NAMESPACE" => application.text("/spec/destination/namespace").unwrap_or_default().to_owned(),
        "ARGOCD_APP_PROJECT_NAME" => application.text("/spec/project").unwrap_or_default().to_owned(),
        "ARGOCD_APP_SOURCE_REPO_URL" => said("repoURL"),
        "ARGOCD_APP_SOURCE_PATH" => said("path"),
        "ARGOCD_APP_SOURCE_TARGET_REVISION" => said("targetRevision"),
        known if known.starts_with("ARGOCD_APP_REVISION") || known.starts_with("KUBE_") => {
            let message = format!("the application {} uses ${known}, which only a sync knows", application.name());
            return Err(Refusal::new(Code::EngineUnsupported, message, "change the source by hand"));
        }
        _ => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{
        model::resource::{ArgocdId, ResourceId},
        stack::object::Reference,
    };

    #[test]
    fn variables_expand_as_go_expands_them() {
        let id = ResourceId::Argocd(ArgocdId { namespace: None, name: "shop".to_owned() });
        let value = Arc::new(json!({"metadata": {"name": "shop"}, "spec": {"destination": {"namespace": "web"}}}));
        let application = Object { at: Reference { stack: 0, id }, value };
        let cases = [
            ("$ARGOCD_APP_NAME-x", "shop-x"),
            ("${ARGOCD_APP_NAME}x$ARGOCD_APP_SOURCE_PATH", "shopxapps/shop"),
            ("a$UNKNOWN b$$c 5$", "a b$c 5$"),
            ("${ARGOCD_APP_NAMESPACE}", "web"),
        ];
        let source = json!({"path": "apps/shop"});
        for (text, expected) in cases {
            assert_eq!(expand(text, &application, &source).expect("expands"), expected, "{text}");
        }
        assert!(expand("$ARGOCD_APP_REVISION", &application, &source).is_err());
    }
}
