//! Which findings share one pull request.
//!
//! Two that change one line, or one resource, would stand in each other's way: the second could not be merged after the
//! first. They always share. A repository may have all of a stack, a rule or a cause share as well.

use super::storm::Cause;
use crate::{
    model::{finding::Finding, fingerprint::Fingerprint, repository::BranchName, resource::ResourceId},
    stack::config::pull_requests::Group,
};

/// The most findings of one pull request: each is proved on the tree that those before it make.
pub const MOST: usize = 25;

/// What decides with whom a finding shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'m> {
    /// Its resource.
    pub resource: &'m ResourceId,
    /// The places that its edits change, as `file:line`.
    pub places: Vec<String>,
    /// What the configuration groups by, in words; absent where it groups by nothing that the finding has.
    pub key: Option<String>,
    /// The branch that it has, or would have alone.
    pub branch: BranchName,
}

/// What a finding is grouped by, in words.
pub fn key(group: Group, finding: &Finding, stack: &str) -> Option<String> {
    match group {
        Group::Resource => None,
        Group::Stack => Some(format!("stack {stack}")),
        Group::Rule => finding.rule.as_ref().map(|rule| format!("rule {}", rule.id)),
        Group::Cause => Some(Cause::of(finding).as_str().to_owned()),
    }
}

/// The identity of a group, from which its branch and its marker are made.
pub fn identity(key: &str) -> Fingerprint {
    Fingerprint::of_text(&format!("group {key}"))
}

/// Parts the members into groups, in the order of their first ones.
pub fn groups(members: &[Member<'_>]) -> Vec<Vec<usize>> {
    let mut group_of: Vec<usize> = (0..members.len()).collect();
    for (at, member) in members.iter().enumerate() {
        for (other_at, other) in members[..at].iter().enumerate() {
            if shares(member, other) {
                let (from, to) = (group_of[at].max(group_of[other_at]), group_of[at].min(group_of[other_at]));
                group_of.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
            }
        }
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in 0..members.len() {
        match groups.iter_mut().find(|group| group_of[group[0]] == group_of[at]) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// Tells whether two belong into one pull request.
pub fn shares(one: &Member<'_>, other: &Member<'_>) -> bool {
    one.branch == other.branch
        || one.resource == other.resource
        || one.key.is_some() && one.key == other.key
        || one.places.iter().any(|place| other.places.contains(place))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_in_each_others_way_shares() {
        let resource = |name: &str| -> ResourceId {
            serde_json::from_value(json!({"kubernetes": {"apiVersion": "v1", "kind": "Service", "name": name}}))
                .expect("one")
        };
        let (a, b, c) = (resource("a"), resource("b"), resource("c"));
        let of = |resource, place: &str, key: Option<&str>, branch: &str| Member {
            resource,
            places: vec![place.to_owned()],
            key: key.map(str::to_owned),
            branch: branch.parse().expect("a branch"),
        };
        let cases: &[(Vec<Member<'_>>, &[&[usize]])] = &[
            (vec![of(&a, "x:1", None, "1"), of(&b, "x:2", None, "2")], &[&[0], &[1]]),
            (vec![of(&a, "x:1", None, "1"), of(&a, "x:2", None, "2")], &[&[0, 1]]),
            (vec![of(&a, "x:1", None, "1"), of(&b, "x:1", None, "2")], &[&[0, 1]]),
            (vec![of(&a, "x:1", Some("k"), "1"), of(&b, "y:1", Some("k"), "2")], &[&[0, 1]]),
            (vec![of(&a, "x:1", None, "1"), of(&b, "y:1", None, "1")], &[&[0, 1]]),
            // Through a third one.
            (vec![of(&a, "x:1", None, "1"), of(&b, "y:1", None, "2"), of(&c, "y:1", None, "1")], &[&[0, 1, 2]]),
            (
                vec![of(&a, "1", None, "1"), of(&b, "2", None, "2"), of(&a, "3", None, "3"), of(&b, "4", None, "4")],
                &[&[0, 2], &[1, 3]],
            ),
        ];
        for (members, expected) in cases {
            assert_eq!(groups(members), *expected, "{members:?}");
        }
    }
}
