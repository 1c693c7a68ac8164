//! `.Chart` and `.Capabilities`: Go structs as templates see them.

use std::{any::Any, rc::Rc};

use super::metadata::{Dependency, Maintainer, Metadata, Word};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        leaf::{Leaf, PathId},
        value::{Datum, Element, List, Map, MapKind, Object, Value},
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// A struct, or a pointer to one.
#[derive(Debug)]
struct Record {
    type_name: &'static str,
    is_pointer: bool,
    fields: Vec<Field>,
    /// What `String`, and so an action, prints of it where a pointer can be had.
    text: Option<(&'static str, Value)>,
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    /// The key in JSON, and whether it is left out where it is empty.
    key: &'static str,
    omit: bool,
    /// Whether its own fields count as the struct's own.
    embedded: bool,
    value: Value,
}

/// The API versions that `helm template` takes for served, in its order.
pub const API_VERSIONS: [&str; 56] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1alpha1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1alpha1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// `.Chart`: the metadata, with the name that the parent gave, the dependencies that are left, and whether it is the root.
pub fn chart(
    metadata: &Metadata,
    name: &Word,
    dependencies: Option<&[(Dependency, String, bool)]>,
    is_root: bool,
    context: &mut Context,
) -> Value {
    let inner = metadata_record(metadata, name, dependencies, context);
    let fields = vec![
        Field { embedded: true, ..field("Metadata", "", inner) },
        field("IsRoot", "IsRoot", Value::plain(Datum::Bool(is_root))),
    ];
    record("struct { chart.Metadata; IsRoot bool }", false, fields)
}

fn metadata_record(
    metadata: &Metadata,
    name: &Word,
    dependencies: Option<&[(Dependency, String, bool)]>,
    context: &mut Context,
) -> Value {
    let root = metadata.name.at.as_ref().map(|(layer, _)| *layer);
    let mut text = |name: &'static str, key: &'static str, word: &Word| {
        let value = match (&word.at, root) {
            // What is not set would be set beside the name.
            (None, Some(layer)) => {
                word_value(&Word { at: Some((layer, vec![key.to_owned()])), ..word.clone() }, context)
            }
            _ => word_value(word, context),
        };
        omitted(field(name, key, value))
    };
    let mut fields = vec![
        text("Name", "name", name),
        text("Home", "home", &metadata.home),
        text("Version", "version", &metadata.version),
        text("Description", "description", &metadata.description),
        text("Icon", "icon", &metadata.icon),
        text("APIVersion", "apiVersion", &metadata.api_version),
        text("Condition", "condition", &metadata.condition),
        text("Tags", "tags", &metadata.tags),
        text("AppVersion", "appVersion", &metadata.app_version),
        text("KubeVersion", "kubeVersion", &metadata.kube_version),
        text("Type", "type", &metadata.kind),
    ];
    let sources = listed(Element::Text, metadata.sources.as_deref(), |word| word_value(word, context));
    let keywords = listed(Element::Text, metadata.keywords.as_deref(), |word| word_value(word, context));
    let maintainers = metadata.maintainers.as_ref().map(|all| all.iter().flatten().collect::<Vec<_>>());
    let maintainers = listed(Element::Any, maintainers.as_deref(), |one| maintainer(one, context));
    // Helm collects those that are enabled: of none, it keeps `nil`.
    let dependencies = dependencies.filter(|enabled| !enabled.is_empty());
    let dependencies = listed(Element::Any, dependencies, |one| dependency(one, context));
    let annotations = metadata.annotations.as_ref().map_or(Map::nil(MapKind::Text), |annotations| {
        let map = Map::new(MapKind::Text);
        for (key, word) in annotations {
            map.insert(Text::plain(key), word_value(word, context));
        }
        map
    });
    // The order of the struct, which `%v` and `toJson` show.
    fields.insert(2, omitted(field("Sources", "sources", sources)));
    fields.insert(5, omitted(field("Keywords", "keywords", keywords)));
    fields.insert(6, omitted(field("Maintainers", "maintainers", maintainers)));
    fields.insert(12, omitted(field("Deprecated", "deprecated", Value::plain(Datum::Bool(metadata.deprecated)))));
    fields.insert(13, omitted(field("Annotations", "annotations", Value::plain(Datum::Map(annotations)))));
    fields.insert(15, omitted(field("Dependencies", "dependencies", dependencies)));
    record("chart.Metadata", false, fields)
}

fn maintainer(maintainer: &Maintainer, context: &mut Context) -> Value {
    let fields = vec![
        omitted(field("Name", "name", word_value(&maintainer.name, context))),
        omitted(field("Email", "email", word_value(&maintainer.email, context))),
        omitted(field("URL", "url", word_value(&maintainer.url, context))),
    ];
    record("*chart.Maintainer", true, fields)
}

fn dependency((one, name, enabled): &(Dependency, String, bool), context: &mut Context) -> Value {
    let name = if *name == one.name.text { one.name.clone() } else { one.alias.clone() };
    let imports = listed(Element::Any, one.import_values.as_deref(), plain_json);
    let tags = listed(Element::Text, one.tags.as_deref(), |word| word_value(word, context));
    let mut text = |name, key, word: &Word| field(name, key, word_value(word, context));
    let fields = vec![
        text("Name", "name", &name),
        omitted(text("Version", "version", &one.version)),
        text("Repository", "repository", &one.repository),
        omitted(text("Condition", "condition", &one.condition)),
        omitted(field("Tags", "tags", tags)),
        omitted(field("Enabled", "enabled", Value::plain(Datum::Bool(*enabled)))),
        omitted(field("ImportValues", "import-values", imports)),
        omitted(text("Alias", "alias", &one.alias)),
    ];
    record("*chart.Dependency", true, fields)
}

/// A JSON value that nothing is known of.
fn plain_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    Value::plain(match value {
        Json::Null => Datum::Nil,
        Json::Bool(value) => Datum::Bool(*value),
        Json::Number(number) => Datum::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Datum::Text(Text::plain(text)),
        Json::Array(items) => return Value::list(items.iter().map(plain_json).collect()),
        Json::Object(entries) => {
            let map = Map::new(MapKind::Any);
            entries.iter().for_each(|(key, value)| map.insert(Text::plain(key), plain_json(value)));
            Datum::Map(map)
        }
    })
}

/// `.Capabilities` for a version of Kubernetes (`1.32.0`) and API versions beyond [`API_VERSIONS`].
pub fn capabilities(version: &super::constraint::Version, api_versions: &[String], context: &mut Context) -> Value {
    let mut built_in = |name: &'static str, text: &str| {
        let leaf = context.sets.leaf(Leaf::BuiltIn(name));
        Value::text(Text::new(text.as_bytes(), MadeOf::Derived(leaf.into())))
    };
    let [major, minor, _] = version.numbers;
    let number = built_in("Capabilities.KubeVersion", &format!("v{version}"));
    let kube = Value::plain(Datum::Object(Rc::new(Record {
        type_name: "chartutil.KubeVersion",
        is_pointer: false,
        fields: vec![
            field("Version", "Version", number.clone()),
            field("Major", "Major", built_in("Capabilities.KubeVersion", &major.to_string())),
            field("Minor", "Minor", built_in("Capabilities.KubeVersion", &minor.to_string())),
        ],
        text: Some(("GitVersion", number)),
    })));
    let helm = record(
        "version.BuildInfo",
        false,
        vec![
            omitted(field("Version", "version", built_in("Capabilities.HelmVersion", "v3.17.3"))),
            omitted(field("GitCommit", "git_commit", built_in("Capabilities.HelmVersion", HELM_COMMIT))),
            omitted(field("GitTreeState", "git_tree_state", built_in("Capabilities.HelmVersion", "clean"))),
            omitted(field("GoVersion", "go_version", built_in("Capabilities.HelmVersion", "go1.23.7"))),
        ],
    );
    let versions = API_VERSIONS.iter().map(|name| (*name).to_owned()).chain(api_versions.iter().cloned()).collect();
    let made_of = SetId::from(context.sets.leaf(Leaf::BuiltIn("Capabilities.APIVersions")));
    let versions = Value::plain(Datum::Object(Rc::new(Versions { versions, made_of })));
    let fields = vec![
        field("KubeVersion", "KubeVersion", kube),
        field("APIVersions", "APIVersions", versions),
        field("HelmVersion", "HelmVersion", helm),
    ];
    record("*chartutil.Capabilities", true, fields)
}

/// The commit of helm 3.17.3.
const HELM_COMMIT: &str = "e4da49785aa6e6ee2b86efd5dd9e43400318262b";

fn record(type_name: &'static str, is_pointer: bool, fields: Vec<Field>) -> Value {
    Value::plain(Datum::Object(Rc::new(Record { type_name, is_pointer, fields, text: None })))
}

fn field(name: &'static str, key: &'static str, value: Value) -> Field {
    Field { name, key, omit: false, embedded: false, value }
}

fn omitted(field: Field) -> Field {
    Field { omit: true, ..field }
}

/// The value of a word: verbatim what its place prints, unless helm cleaned it.
pub fn word_value(word: &Word, context: &mut Context) -> Value {
    let Some((layer, keys)) = &word.at else { return Value::text(Text::plain(&word.text)) };
    let at = keys.iter().fold(PathId::ROOT, |at, key| context.paths.join(at, key));
    let leaf = context.sets.leaf(Leaf::Node { layer: *layer, at });
    let whole = if word.cleaned { MadeOf::Derived(leaf.into()) } else { MadeOf::Verbatim { leaf, offset: 0 } };
    Value { made_of: whole, ..Value::text(Text::new(word.text.as_bytes(), whole)) }
}

/// A list of a struct, which is `nil` where it is not set.
fn listed<T>(element: Element, items: Option<&[T]>, of: impl FnMut(&T) -> Value) -> Value {
    let list = items.map_or(List::nil(element), |items| List::new(element, items.iter().map(of).collect::<Vec<_>>()));
    Value::plain(Datum::List(list))
}

impl Record {
    fn direct(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    fn keys(&self, keys: &mut Vec<&'static str>) {
        for field in self.fields.iter().filter(|field| !(field.embedded || field.omit && is_empty(&field.value))) {
            keys.push(field.key);
        }
    }
}

/// Tells whether Go's JSON encoder leaves a value out: empty texts, lists and maps, `false`; never a struct.
fn is_empty(value: &Value) -> bool {
    !matches!(value.datum, Datum::Object(_)) && !value.is_true()
}

/// What `%v` prints of a field's value.
fn print_field(value: &Value, out: &mut TextBuilder, context: &mut Context) -> Result<(), Fault> {
    match &value.datum {
        Datum::Text(text) => out.push(text),
        Datum::List(list) => {
            out.push(&Text::plain("["));
            for (index, item) in list.items.iter().enumerate() {
                if index > 0 {
                    out.push(&Text::plain(" "));
                }
                print_field(item, out, context)?;
            }
            out.push(&Text::plain("]"));
        }
        Datum::Map(map) => {
            out.push(&Text::plain("map["));
            for (index, entry) in map.snapshot().iter().enumerate() {
                if index > 0 {
                    out.push(&Text::plain(" "));
                }
                out.push(&entry.key);
                out.push(&Text::plain(":"));
                print_field(&entry.value, out, context)?;
            }
            out.push(&Text::plain("]"));
        }
        Datum::Bool(value) => out.push(&Text::plain(value.to_string())),
        Datum::Object(object) if object.kind() == "ptr" => {
            let leaf = context.sets.leaf(Leaf::Volatile("address"));
            out.push_bytes(b"0xc000000000", MadeOf::Derived(leaf.into()), SetId::EMPTY);
        }
        Datum::Object(object) => {
            let text = object.print(context)?;
            out.push(&text);
        }
        Datum::Nil => out.push(&Text::plain("<nil>")),
        _ => return Err(Fault::unsupported("a struct with a number in it is not printed")),
    }
    Ok(())
}

impl Object for Record {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> &'static str {
        if self.is_pointer { "ptr" } else { "struct" }
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.direct(name).or_else(|| {
            let embedded = self.fields.iter().filter(|field| field.embedded);
            embedded.into_iter().find_map(|field| match &field.value.datum {
                Datum::Object(inner) => inner.field(name),
                _ => None,
            })
        })
    }

    fn call(&self, name: &str, arguments: &[Value], _: &mut Context) -> Option<Result<Value, Fault>> {
        let (method, text) = self.text.as_ref()?;
        if name != *method && name != "String" {
            return None;
        }
        if !arguments.is_empty() {
            let count = arguments.len();
            return Some(Err(Fault::failed(format!("wrong number of args for {name}: want 0 got {count}"))));
        }
        Some(Ok(text.clone()))
    }

    fn is_true(&self) -> bool {
        true
    }

    fn print(&self, context: &mut Context) -> Result<Text, Fault> {
        let mut out = TextBuilder::default();
        out.push(&Text::plain(if self.is_pointer { "&{" } else { "{" }));
        for (index, field) in self.fields.iter().enumerate() {
            if index > 0 {
                out.push(&Text::plain(" "));
            }
            print_field(&field.value, &mut out, context)?;
        }
        out.push(&Text::plain("}"));
        Ok(out.build())
    }

    fn print_in_action(&self, context: &mut Context) -> Result<Text, Fault> {
        match &self.text {
            Some((_, Value { datum: Datum::Text(text), .. })) => Ok(text.clone()),
            _ => self.print(context),
        }
    }

    fn json_keys(&self) -> Option<Vec<&'static str>> {
        let mut keys = Vec::new();
        for field in &self.fields {
            match &field.value.datum {
                Datum::Object(inner) if field.embedded => keys.extend(inner.json_keys().unwrap_or_default()),
                _ => {}
            }
        }
        self.keys(&mut keys);
        Some(keys)
    }

    fn json(&self, context: &mut Context) -> Result<Value, Fault> {
        let map = Map::new(MapKind::Any);
        for field in &self.fields {
            match &field.value.datum {
                Datum::Object(inner) if field.embedded => {
                    if let Datum::Map(inner) = inner.json(context)?.datum {
                        inner.snapshot().into_iter().for_each(|entry| map.insert(entry.key, entry.value));
                    }
                }
                _ if field.omit && is_empty(&field.value) => {}
                _ => map.insert(Text::plain(field.key), field.value.clone()),
            }
        }
        Ok(Value::plain(Datum::Map(map)))
    }

    fn held(&self) -> Vec<&Value> {
        self.fields.iter().map(|field| &field.value).chain(self.text.as_ref().map(|(_, text)| text)).collect()
    }

    fn is_same(&self, other: &dyn Object) -> bool {
        let layout = |record: &Self| {
            let fields = record.fields.iter().map(|field| (field.name, field.key, field.omit, field.embedded));
            let text = record.text.as_ref().map(|(method, _)| *method);
            (record.type_name, record.is_pointer, fields.collect::<Vec<_>>(), text)
        };
        (other as &dyn Any).downcast_ref::<Self>().is_some_and(|other| layout(self) == layout(other))
    }
}

/// `.Capabilities.APIVersions`.
#[derive(Debug)]
struct Versions {
    versions: Vec<String>,
    made_of: SetId,
}

impl Versions {
    fn value(&self, text: &str) -> Value {
        Value::text(Text::new(text.as_bytes(), MadeOf::Derived(self.made_of)))
    }
}

impl Object for Versions {
    fn type_name(&self) -> &'static str {
        "chartutil.VersionSet"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, arguments: &[Value], context: &mut Context) -> Option<Result<Value, Fault>> {
        if name != "Has" {
            return None;
        }
        let [argument] = arguments else {
            let count = arguments.len();
            return Some(Err(Fault::failed(format!("wrong number of args for Has: want 1 got {count}"))));
        };
        let Datum::Text(asked) = &argument.datum else {
            let found = argument.type_name();
            return Some(Err(Fault::failed(format!("wrong type for value; expected string; got {found}"))));
        };
        let has = self.versions.iter().any(|version| version.as_bytes() == asked.bytes());
        let flow = argument.flow(context);
        let made_of = MadeOf::Derived(context.sets.union(self.made_of, flow.data));
        Some(Ok(Value { control: flow.control, ..Value::new(Datum::Bool(has), made_of) }))
    }

    fn is_true(&self) -> bool {
        true
    }

    fn print(&self, _: &mut Context) -> Result<Text, Fault> {
        Ok(Text::new(format!("[{}]", self.versions.join(" ")).as_bytes(), MadeOf::Derived(self.made_of)))
    }

    fn json(&self, _: &mut Context) -> Result<Value, Fault> {
        Ok(Value::list(self.versions.iter().map(|version| self.value(version)).collect()))
    }

    fn entries(&self) -> Option<Result<Vec<(Value, Value)>, Fault>> {
        let entry = |(index, version): (usize, &String)| (Value::plain(Datum::Int(index as i64)), self.value(version));
        Some(Ok(self.versions.iter().enumerate().map(entry).collect()))
    }

    fn is_same(&self, other: &dyn Object) -> bool {
        let same = |other: &Self| (&self.versions, self.made_of) == (&other.versions, other.made_of);
        (other as &dyn Any).downcast_ref::<Self>().is_some_and(same)
    }
}
