//! Which layers say something about a path, the winner first.

use super::{Said, dependencies::Charts};
use crate::engine::helm::{sources::Layer, template::leaf::LayerId};

/// All layers of a release in the order in which they win, each with where it counts.
#[derive(Debug, Default)]
pub struct Layering {
    mounts: Vec<Mount>,
    /// The paths of subcharts in the outermost chart's values.
    charts: Vec<Vec<String>>,
}

/// A part of a layer that counts somewhere in the values.
#[derive(Clone, Debug)]
struct Mount {
    layer: LayerId,
    /// The place in the outermost chart's values.
    at: Vec<String>,
    /// The place in the layer that counts there.
    from: Vec<String>,
}

impl Layering {
    /// Layers of the release in the order in which they were laid, over those of the charts.
    pub(super) fn of(user: &[LayerId], charts: &Charts) -> Self {
        let whole = |layer: &LayerId| Mount { layer: *layer, at: Vec::new(), from: Vec::new() };
        let mut layering = Self { mounts: user.iter().rev().map(whole).collect(), charts: Vec::new() };
        layering.add(charts, 0, &[]);
        layering
    }

    fn add(&mut self, charts: &Charts, chart: usize, at: &[String]) {
        let own = charts.chart(chart).values;
        self.mounts.extend(own.map(|layer| Mount { layer, at: at.to_vec(), from: Vec::new() }));
        for imported in charts.imports(chart) {
            let children = charts.children(chart).iter().filter(|child| charts.name(**child) == imported.child);
            for child in children {
                let at = [at, &imported.to].concat();
                let from = imported.from.clone();
                self.mounts.extend(charts.chart(*child).values.map(|layer| Mount { layer, at, from }));
            }
        }
        for child in charts.children(chart) {
            let below = [at, &[charts.name(*child).to_owned()]].concat();
            self.charts.push(below.clone());
            self.add(charts, *child, &below);
        }
    }

    /// The paths in the outermost chart's values at which a place of a layer counts.
    pub fn paths_of(&self, layer: LayerId, at: &[&str]) -> Vec<Vec<String>> {
        let mounts = self.mounts.iter().filter(|mount| mount.layer == layer);
        let path = |mount: &Mount| {
            let rest = at.get(mount.from.len()..).filter(|_| mount.from.iter().zip(at).all(|(own, key)| own == key))?;
            Some(mount.at.iter().cloned().chain(rest.iter().map(|key| (*key).to_owned())).collect())
        };
        mounts.filter_map(path).collect()
    }

    /// The layers, all of the release's by their number, that say something about a path.
    pub fn layers_of(&self, path: &[&str], layers: &[Layer]) -> Vec<Said> {
        let mut found: Vec<Said> = Vec::new();
        for path in self.places_of(path) {
            for mount in &self.mounts {
                let inside =
                    mount.at.len() <= path.len() && mount.at.iter().zip(&path).all(|(own, asked)| own == asked);
                if !inside {
                    continue;
                }
                let from = mount.from.iter().map(String::as_str);
                let at: Vec<&str> = from.chain(path[mount.at.len()..].iter().copied()).collect();
                let said = Said { layer: mount.layer, at: at.iter().map(|key| (*key).to_owned()).collect() };
                if !found.contains(&said) && layers[mount.layer.0 as usize].says(&at) {
                    found.push(said);
                }
            }
        }
        found
    }

    /// The path itself, and what `global` of outer charts makes of it before: those win.
    fn places_of<'p>(&self, path: &[&'p str]) -> Vec<Vec<&'p str>> {
        let is_chart = |path: &[&str]| self.charts.iter().any(|chart| chart == path);
        let inner = (1..path.len()).find(|at| path[*at] == super::coalesce::GLOBAL && is_chart(&path[..*at]));
        let outer = inner.into_iter().flat_map(|at| {
            let levels = (0..at).filter(move |outer| *outer == 0 || is_chart(&path[..*outer]));
            levels.map(move |outer| [&path[..outer], &path[at..]].concat())
        });
        outer.chain([path.to_vec()]).collect()
    }
}
