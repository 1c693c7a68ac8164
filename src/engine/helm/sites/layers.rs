//! The layers of values that may be edited, nearest to the release first, and how a value is written in one.

use serde_json::{Map, Value, json};

use crate::{
    engine::{
        helm::{
            lineage::Lineage,
            sources::{ArgumentKind, Layer, LayerContent, Role},
            template::leaf::LayerId,
        },
        site::{Site, Wording},
        window::as_text,
    },
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
    source::yaml::resolve::{self, Reader},
};

/// The layers of a release.
pub struct Layers<'r> {
    /// The render.
    pub lineage: &'r Lineage,
    /// Those that a value can be written in, nearest to the release first.
    nearest: Vec<LayerId>,
}

impl<'r> Layers<'r> {
    /// The layers of a render.
    pub fn new(lineage: &'r Lineage) -> Self {
        let mut nearest: Vec<LayerId> = lineage
            .layers()
            .filter(|(_, layer)| rank(&layer.role).is_some() && lineage.is_editable(layer))
            .map(|(id, _)| id)
            .collect();
        nearest.sort_by_key(|id| rank(&lineage.layer(*id).role));
        Self { lineage, nearest }
    }

    /// The paths in the outermost chart's values that a place of a layer is seen at.
    pub fn paths(&self, layer: LayerId, at: &[&str]) -> Vec<Vec<String>> {
        let own = at.iter().map(|key| (*key).to_owned());
        match prefix(&self.lineage.layer(layer).role) {
            None => Vec::new(),
            Some(prefix) => {
                let below: Vec<String> = prefix.iter().cloned().chain(own.clone()).collect();
                if !prefix.is_empty() && at.first() == Some(&"global") {
                    vec![below, own.collect()]
                } else {
                    vec![below]
                }
            }
        }
    }

    /// Ways to give a path a value: where the nearest layer says it, then as an override in the layer nearest to the
    /// release, then where a chart's default says it.
    pub fn set(&self, path: &[String], value: &Value) -> Vec<Site> {
        let mut sites: Vec<Site> = self.argument(path, value).into_iter().collect();
        let says: Vec<LayerId> = self.nearest.iter().copied().filter(|id| self.says(*id, path)).collect();
        let own = |id: &LayerId| matches!(self.lineage.layer(*id).role, Role::Values(_));
        let winner = says.first().copied();
        sites.extend(winner.filter(own).and_then(|id| self.write(id, path, value)));
        sites.extend(
            self.nearest.first().copied().filter(|id| Some(*id) != winner).and_then(|id| self.write(id, path, value)),
        );
        sites.extend(winner.filter(|id| !own(id)).and_then(|id| self.write(id, path, value)));
        // An umbrella chart's own values lie between the release's and the subchart's.
        for id in self.nearest.iter().skip(1).filter(|id| Some(**id) != winner && !own(id)) {
            sites.extend(self.write(*id, path, value));
        }
        sites
    }

    /// Gives the application's version, which `Chart.yaml` says is `now`, another text. What else that file says names
    /// the chart to its tools, so it is not a place for a fix.
    pub fn set_app_version(&self, id: LayerId, at: &[&str], now: &str, value: &str) -> Option<Site> {
        let layer = self.lineage.layer(id);
        let is_said = || self.read(id, at).is_some_and(|said| as_text(&said) == now);
        let is_editable = matches!(layer.role, Role::Metadata { .. }) && self.lineage.is_editable(layer);
        if !is_editable || at != [APP_VERSION] || !is_said() {
            return None;
        }
        let site = self.site(id, at, Change { at: pointer(at), action: Action::Set(value.into()) })?;
        Some(Site { label: format!("{APP_VERSION} of the chart"), ..site })
    }

    /// The argument that says a path and is written somewhere, saying something else: it wins over all that is in files.
    fn argument(&self, path: &[String], value: &Value) -> Option<Site> {
        if value.is_object() || value.is_array() {
            return None;
        }
        let says = |layer: &Layer| matches!(&layer.content, LayerContent::Assigned(paths) if paths.iter().any(|own| own == path));
        let mut layers: Vec<(LayerId, &Layer)> = self.lineage.layers().filter(|(_, layer)| says(layer)).collect();
        layers.sort_by_key(|(_, layer)| match layer.role {
            Role::Argument(kind, index) => Some((kind, index)),
            _ => None,
        });
        let (_, layer) = layers.pop()?;
        if matches!(layer.role, Role::Argument(ArgumentKind::SetFile, _)) {
            return None;
        }
        let written = layer.written.as_ref()?;
        let change = Change { at: written.base.clone(), action: Action::Set(as_text(value).into()) };
        Some(Site {
            file: self.lineage.file(written.file).path.clone(),
            label: format!("parameter {}", path.join(".")),
            wording: Wording::Yaml { document: written.document, change, reader: Reader::Helm },
            also: Vec::new(),
        })
    }

    /// Ways to make a path go away: its line where only one layer says it, a `null` over it otherwise.
    pub fn remove(&self, path: &[String]) -> Vec<Site> {
        let mut sites = Vec::new();
        let says: Vec<LayerId> = self.nearest.iter().copied().filter(|id| self.says(*id, path)).collect();
        if let [only] = says[..] {
            sites.extend(self.erase(only, path));
        }
        if let Some(nearest) = self.nearest.first() {
            sites.extend(self.write(*nearest, path, &Value::Null));
        }
        sites.extend(says.iter().take(2).filter_map(|id| self.erase(*id, path)));
        sites
    }

    /// The value that the nearest layer gives a path; maps are those of that layer alone.
    pub fn value(&self, path: &[String]) -> Option<Value> {
        self.nearest.iter().find_map(|id| self.value_in(*id, path))
    }

    /// Tells whether nothing, or nothing that counts, is said of a path: what a default stands in for.
    pub fn is_unset(&self, path: &[String]) -> bool {
        match self.value(path) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            _ => false,
        }
    }

    /// The value of a path in one layer.
    pub fn value_in(&self, id: LayerId, path: &[String]) -> Option<Value> {
        self.read(id, &local(&self.lineage.layer(id).role, path)?)
    }

    /// The value at a place of a layer.
    fn read(&self, id: LayerId, local: &[&str]) -> Option<Value> {
        let layer = self.lineage.layer(id);
        resolve::value(layer.document()?.1, layer.find(local)?.node, Reader::Helm).ok()
    }

    /// Changes a list in the layer that says it, or as a copy in the layer nearest to the release.
    pub fn edit_list(&self, path: &[String], action: &ListEdit) -> Vec<Site> {
        let mut sites = Vec::new();
        let Some(owner) = self.nearest.iter().copied().find(|id| self.says(*id, path)) else {
            if let ListEdit::Insert(_, item) = action {
                sites.extend(self.set(path, &json!([item])));
            }
            return sites;
        };
        let Some(Value::Array(mut items)) = self.value_in(owner, path) else {
            if let (ListEdit::Insert(_, item), Some(Value::Null)) = (action, self.value_in(owner, path)) {
                sites.extend(self.set(path, &json!([item])));
            }
            return sites;
        };
        let own = matches!(self.lineage.layer(owner).role, Role::Values(_));
        let place = self.list_site(owner, path, action);
        if !action.apply(&mut items) {
            return sites;
        }
        if own {
            sites.extend(place.clone());
        }
        let nearest = self.nearest.first().copied().filter(|id| *id != owner);
        sites.extend(nearest.and_then(|id| self.write(id, path, &Value::Array(items))));
        if !own {
            sites.extend(place);
        }
        sites
    }

    fn list_site(&self, id: LayerId, path: &[String], action: &ListEdit) -> Option<Site> {
        let local = local(&self.lineage.layer(id).role, path)?;
        let at = pointer(&local);
        let change = match action {
            ListEdit::Insert(index, value) => {
                Change { at, action: Action::AddItem { index: *index, value: value.clone() } }
            }
            ListEdit::Remove(index) => Change { at: at.join(index.to_string()), action: Action::Remove },
        };
        self.site(id, &local, change)
    }

    /// Tells whether a layer that can be edited says something at a path.
    fn says(&self, id: LayerId, path: &[String]) -> bool {
        let layer = self.lineage.layer(id);
        local(&layer.role, path).is_some_and(|local| layer.find(&local).is_some())
    }

    /// Writes a value at a path of a layer: in place, or as new keys below the deepest map that is there. A path into a list
    /// that the layer does not have is written as the whole list.
    fn write(&self, id: LayerId, path: &[String], value: &Value) -> Option<Site> {
        let layer = self.lineage.layer(id);
        let local = local(&layer.role, path)?;
        if layer.find(&local).is_some() {
            let change = Change { at: pointer(&local), action: Action::Set(value.clone()) };
            return self.site(id, &local, change);
        }
        let mut depth = local.len() - 1;
        while depth > 0 && layer.find(&local[..depth]).is_none() {
            depth -= 1;
        }
        let offset = path.len() - local.len();
        // Somewhere below, a list of another layer would have to be copied: a key alone cannot reach into it.
        for end in offset + depth + 1..path.len() {
            if let Some(mut list @ Value::Array(_)) = self.value(&path[..end]) {
                let inner = pointer(&path[end..].iter().map(String::as_str).collect::<Vec<_>>());
                *inner.get_mut(&mut list)? = value.clone();
                return self.write(id, &path[..end], &list);
            }
        }
        let at = &local[..depth];
        let change = match self.read(id, at) {
            None | Some(Value::Null | Value::Object(_)) => Change {
                at: pointer(at),
                action: Action::AddKey { key: local[depth].to_owned(), value: nested(&local[depth + 1..], value) },
            },
            Some(Value::Array(_)) => return None,
            Some(_) => Change { at: pointer(at), action: Action::Set(nested(&local[depth..], value)) },
        };
        self.site(id, &local, change)
    }

    fn erase(&self, id: LayerId, path: &[String]) -> Option<Site> {
        let local = local(&self.lineage.layer(id).role, path)?;
        self.site(id, &local, Change { at: pointer(&local), action: Action::Remove })
    }

    fn site(&self, id: LayerId, local: &[&str], change: Change) -> Option<Site> {
        let layer = self.lineage.layer(id);
        let written = layer.written.as_ref().filter(|written| !written.embedded)?;
        let LayerContent::Document { .. } = layer.content else { return None };
        let tokens = written.base.tokens().iter().chain(change.at.tokens()).cloned();
        let change = Change { at: Pointer::of(tokens), action: change.action };
        Some(Site {
            file: self.lineage.file(written.file).path.clone(),
            label: format!("values key {}", local.join(".")),
            wording: Wording::Yaml { document: written.document, change, reader: Reader::Helm },
            also: Vec::new(),
        })
    }
}

/// The key of `Chart.yaml` that says which version of the software a chart deploys.
const APP_VERSION: &str = "appVersion";

/// A change of a list of values.
pub enum ListEdit {
    /// An item comes before the one with this index, or at the end.
    Insert(usize, Value),
    /// The item goes.
    Remove(usize),
}

impl ListEdit {
    fn apply(&self, items: &mut Vec<Value>) -> bool {
        match self {
            Self::Insert(index, value) if *index <= items.len() => items.insert(*index, value.clone()),
            Self::Remove(index) if *index < items.len() => {
                items.remove(*index);
            }
            _ => return false,
        }
        true
    }
}

/// How far a layer is from the release; absent where its values are not written in a file.
fn rank(role: &Role) -> Option<(usize, usize)> {
    match role {
        Role::Values(position) => Some((0, usize::MAX - position)),
        Role::Defaults { chart } => Some((1, chart.split('/').count())),
        Role::Metadata { .. } | Role::Argument(..) => None,
    }
}

/// The keys above a layer's own in the outermost chart's values: one a subchart.
fn prefix(role: &Role) -> Option<Vec<String>> {
    match role {
        Role::Values(_) | Role::Argument(..) => Some(Vec::new()),
        Role::Defaults { chart } => Some(chart.split("/charts/").skip(1).map(str::to_owned).collect()),
        Role::Metadata { .. } => None,
    }
}

/// A path as a layer has it; absent where it lies outside of what the layer can say.
fn local<'p>(role: &Role, path: &'p [String]) -> Option<Vec<&'p str>> {
    let prefix = prefix(role)?;
    let global = !prefix.is_empty() && path.first().is_some_and(|key| key == "global");
    let rest = if global { path } else { path.strip_prefix(&prefix[..])? };
    (!rest.is_empty()).then(|| rest.iter().map(String::as_str).collect())
}

fn pointer(path: &[&str]) -> Pointer {
    Pointer::of(path.iter().copied())
}

fn nested(path: &[&str], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |inner, key| {
        let mut map = Map::new();
        map.insert((*key).to_owned(), inner);
        Value::Object(map)
    })
}
