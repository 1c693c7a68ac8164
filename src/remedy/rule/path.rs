//! Where a rule's change happens: a JSON Pointer that may select items of lists and stand for several fields at once.
//!
//! ```text
//! {pod}                      where the kind of workload keeps its pod's spec; only at the beginning
//! /{containers,volumes}      each of these keys
//! /ports[*]                  every item of the list
//! /containers[name=*]        the same, said by what identifies the items
//! /containers[name=?]        the item that the finding names; where it names none, every item
//! /env[name=DEBUG]           the item with that name
//! /add[=SYS_ADMIN]           the item that is that text
//! /drop/-                    behind the last item, unless the list holds the value
//! ```

use serde_json::Value;

use crate::model::pointer::Pointer;

/// A path with selectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Whether it begins where the kind of workload keeps its pod's spec.
    in_pod: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Keys(Vec<String>),
    Every,
    Named(String),
    With(String, String),
    Text(String),
}

/// A field that a path leads to, which need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The field.
    pub at: Pointer,
    /// The last item that was selected on the way; the resource itself where none was.
    pub item: Pointer,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// In words, where the text is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("the path {text:?} {what}");
        let (in_pod, rest) = match text.strip_prefix("{pod}") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut steps = Vec::new();
        if !rest.is_empty() && !rest.starts_with('/') {
            return Err(wrong("must begin with \"/\" or \"{pod}\""));
        }
        for token in rest.split('/').skip(1) {
            let (key, selectors) = match token.split_once('[') {
                Some((key, selectors)) => {
                    (key, Some(selectors.strip_suffix(']').ok_or_else(|| wrong("has a \"[\" without its \"]\""))?))
                }
                None => (token, None),
            };
            match key.strip_prefix('{').and_then(|keys| keys.strip_suffix('}')) {
                Some(keys) => steps.push(Step::Keys(keys.split(',').map(|key| unescaped(key.trim())).collect())),
                None => steps.push(Step::Key(unescaped(key))),
            }
            let Some(selector) = selectors else { continue };
            steps.push(match (selector, selector.split_once('=')) {
                ("*", _) | (_, Some((_, "*"))) => Step::Every,
                ("?", _) => Step::Named("name".to_owned()),
                (_, Some((key, "?"))) => Step::Named(key.to_owned()),
                (_, Some(("", text))) => Step::Text(text.to_owned()),
                (_, Some((key, text))) => Step::With(key.to_owned(), text.to_owned()),
                _ => return Err(wrong("selects by neither \"*\", \"?\" nor \"key=value\"")),
            });
        }
        Ok(Self { in_pod, steps })
    }

    /// The fields of a resource that it leads to, in order. `named` is what the finding names.
    pub fn places(&self, resource: &Value, named: Option<&str>) -> Vec<Place> {
        let start = if self.in_pod { pod(resource) } else { Some(Pointer::root()) };
        let Some(start) = start else { return Vec::new() };
        let mut places = vec![Place { at: start, item: Pointer::root() }];
        for step in &self.steps {
            places = places.into_iter().flat_map(|place| place.after(step, resource, named)).collect();
        }
        places
    }
}

impl Place {
    fn after(self, step: &Step, resource: &Value, named: Option<&str>) -> Vec<Self> {
        let key = |key: &String| Self { at: self.at.join(key), item: self.item.clone() };
        let is_text = |item: &Value, wanted: &str| match item {
            Value::String(text) => text == wanted,
            Value::Number(number) => number.to_string() == wanted,
            Value::Bool(value) => value.to_string() == wanted,
            _ => false,
        };
        let chosen: Box<dyn Fn(&Value) -> bool> = match step {
            Step::Key(one) => return vec![key(one)],
            Step::Keys(keys) => return keys.iter().map(key).collect(),
            Step::Every => Box::new(|_| true),
            Step::Named(by) => {
                Box::new(move |item| named.is_none_or(|named| item.get(by).is_some_and(|value| is_text(value, named))))
            }
            Step::With(by, wanted) => Box::new(move |item| item.get(by).is_some_and(|value| is_text(value, wanted))),
            Step::Text(wanted) => Box::new(move |item| is_text(item, wanted)),
        };
        let Some(Value::Array(items)) = self.at.get(resource) else { return Vec::new() };
        let all = items.iter().enumerate().filter(|(_, item)| chosen(item));
        let place = |(index, _): (usize, &Value)| {
            let at = self.at.join(index.to_string());
            Self { item: at.clone(), at }
        };
        all.map(place).collect()
    }
}

/// Where a workload keeps its pod's spec; nothing for what has no pod.
pub fn pod(resource: &Value) -> Option<Pointer> {
    let path: &[&str] = match resource.get("kind")?.as_str()? {
        "Pod" => &["spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "PodTemplate" => &["template", "spec"],
        _ => &["spec", "template", "spec"],
    };
    let at = Pointer::of(path.iter().copied());
    at.get(resource).is_some_and(Value::is_object).then_some(at)
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_lead_to_the_fields_that_they_say() {
        let pod = json!({"kind": "Deployment", "spec": {"template": {"spec": {
            "containers": [{"name": "web", "caps": ["A", "B"]}, {"name": "log", "caps": ["B"]}],
            "initContainers": [{"name": "wait"}],
        }}}});
        for (path, named, places) in [
            ("/kind", None, vec!["/kind"]),
            ("{pod}/hostPID", None, vec!["/spec/template/spec/hostPID"]),
            (
                "{pod}/{containers,initContainers}[*]/image",
                None,
                vec!["S/containers/0/image", "S/containers/1/image", "S/initContainers/0/image"],
            ),
            ("{pod}/containers[name=?]/x", Some("log"), vec!["S/containers/1/x"]),
            ("{pod}/containers[?]/x", None, vec!["S/containers/0/x", "S/containers/1/x"]),
            ("{pod}/containers[name=web]/a~1b", None, vec!["S/containers/0/a~1b"]),
            ("{pod}/containers[name=*]/caps[=B]", None, vec!["S/containers/0/caps/1", "S/containers/1/caps/0"]),
            ("{pod}/volumes[*]/x", None, vec![]),
        ] {
            let found = Path::read(path).expect(path).places(&pod, named);
            let found: Vec<String> = found.iter().map(|place| place.at.to_string()).collect();
            let places: Vec<String> = places.iter().map(|at| at.replacen('S', "/spec/template/spec", 1)).collect();
            assert_eq!(found, places, "{path}");
        }
        assert_eq!(Path::read("{pod}/hostPID").expect("a path").places(&json!({"kind": "Service"}), None), vec![]);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["spec", "/a[", "/a[b]", "/a[*"] {
            assert!(Path::read(text).is_err(), "{text}");
        }
    }
}
