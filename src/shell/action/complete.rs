//! What a report looked at, where it is known to hold all that is wrong with that.
//!
//! A finding that such a report holds no more is over. Of a payload about single findings, and of a report that is cut short,
//! nothing follows. Which is which is known of each sender by the `complete.jq` of its folder; without one, nothing is believed.

use std::collections::BTreeSet;

use jaq_json::Val;
use serde_json::Value;

use crate::{remedy::pull_request::marker::Tag, webhook::sender::Sender};

/// The places that are believed of one report.
const MOST: usize = 200_000;

/// What a sender's report looked at; absent where it is not known to be complete, as one of an unknown shape is not.
pub fn looked_at(sender: &Sender, report: &[u8]) -> Option<BTreeSet<Tag>> {
    // Lines of JSON are several payloads.
    let report = serde_json::from_slice::<Val>(report).ok()?;
    let places = sender.complete()?.run(report, MOST).ok()?;
    let places: BTreeSet<Tag> = places.iter().filter_map(Value::as_str).map(Tag::of).collect();
    Some(places).filter(|places| !places.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::sender::Senders;
    use serde_json::json;

    #[test]
    fn only_complete_reports_are_believed() {
        let senders = Senders::embedded().expect("they are read");
        let sender = |name: &str| senders.get(name).expect("it is there");
        let plan = |more: Value| {
            let mut plan = json!({"complete": true, "errored": false, "resource_changes": [],
                "prior_state": {"values": {"root_module": {"resources": [{"address": "aws_vpc.main"}],
                    "child_modules": [{"child_modules": [{"resources": [{"address": "module.a.module.b.x.y"}]}]}]}}}});
            plan.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
            plan
        };
        let check = |path: &str| json!({"check_id": "CKV_1", "file_path": path});
        let checkov = |failed: Value, passed: Value, unread: Value| {
            json!({"check_type": "terraform",
            "results": {"failed_checks": failed, "passed_checks": passed, "parsing_errors": unread}})
        };
        let summary = json!({"Target": "a.yaml", "MisconfSummary": {"Successes": 80, "Failures": 0}});
        let failed = json!({"Target": "b.yaml", "Misconfigurations": [{"ID": "KSV001"}]});
        for (name, report, places) in [
            ("terraform", plan(json!({})), &["aws_vpc.main", "module.a.module.b.x.y"][..]),
            ("terraform", plan(json!({"complete": false})), &[]),
            ("terraform", plan(json!({"complete": null})), &[]),
            ("terraform", plan(json!({"errored": true})), &[]),
            ("terraform", plan(json!({"prior_state": null})), &[]),
            ("terraform", json!({"@level": "info", "type": "resource_drift"}), &[]),
            (
                "checkov",
                checkov(json!([check("/main.tf")]), json!([check("/net/a.tf")]), json!([])),
                &["main.tf", "net/a.tf"],
            ),
            ("checkov", json!([checkov(json!([check("/main.tf")]), json!([]), json!([]))]), &["main.tf"]),
            ("checkov", checkov(json!([check("/main.tf")]), json!([]), json!(["/broken.tf"])), &[]),
            ("checkov", json!({"passed": 0, "failed": 0}), &[]),
            (
                "trivy",
                json!({"SchemaVersion": 2, "Results": [summary, failed, {"Target": "go.sum"}]}),
                &["a.yaml", "b.yaml"],
            ),
            ("trivy", json!({"SchemaVersion": 2}), &[]),
            (
                "trivy",
                json!({"Resources": [{"Kind": "Deployment", "Namespace": "shop", "Name": "cart", "Results": [failed]}]}),
                &["Deployment shop/cart"],
            ),
            (
                "kubescape",
                json!({"resources": [{"resourceID": "apps/v1/shop/Deployment/web", "source": {"relativePath": "k8s/web.yaml"}}],
                    "results": [{"resourceID": "apps/v1/shop/Deployment/web", "controls": [{}]},
                        {"resourceID": "/v1/shop/Pod/cart", "controls": [{}]}]}),
                &["k8s/web.yaml", "Pod shop/cart"],
            ),
            ("kubescape", json!({"resourceID": "apps/v1/shop/Deployment/web", "controls": [{}]}), &[]),
            ("generic", json!({"findings": []}), &[]),
            ("sarif", json!({"runs": [{"results": []}]}), &[]),
            ("terraform", json!("nothing"), &[]),
            ("checkov", json!(7), &[]),
            ("trivy", json!([[]]), &[]),
        ] {
            let expected: BTreeSet<Tag> = places.iter().map(|place| Tag::of(place)).collect();
            let expected = Some(expected).filter(|places| !places.is_empty());
            let found = looked_at(sender(name), report.to_string().as_bytes());
            assert_eq!(found, expected, "{name}: {report}");
        }
        assert_eq!(looked_at(sender("terraform"), b"{}\n{}"), None);
    }

    #[test]
    fn reports_of_the_real_products_name_what_they_looked_at() {
        let senders = Senders::embedded().expect("they are read");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks");
        for (name, sample, place) in [
            ("terraform", "refresh_only.json", "module.net.aws_security_group.web[\"a\"]"),
            ("checkov", "terraform.json", "storage/main.tf"),
            ("trivy", "config.json", "net/main.tf"),
            ("trivy", "cluster.json", "Deployment shop/cart"),
            ("kubescape", "scan.json", "k8s/cart.yaml"),
        ] {
            let report = std::fs::read(folder.join(name).join("samples").join(sample)).expect("a sample");
            let places = looked_at(senders.get(name).expect("it is there"), &report).unwrap_or_default();
            assert!(places.contains(&Tag::of(place)), "{name}/{sample}");
        }
    }
}
