//! What a report looked at, where it is known to hold all that is wrong with that.
//!
//! A finding that such a report holds no more is over. Of a payload about single findings, and of a report that is cut short,
//! nothing follows. Which is which is known of each sender by `complete.jq`; of one that it does not name, nothing is believed.

use std::collections::BTreeSet;

use anyhow::Context;
use jaq_json::{Rc, Val};
use serde_json::Value;

use crate::{model::program::Program, remedy::pull_request::marker::Tag};

const PROGRAM: &str = include_str!("complete.jq");

/// The places that are believed of one report.
const MOST: usize = 200_000;

/// The program that knows of each sender which reports are complete.
///
/// # Errors
/// Where it is none, which is a mistake of ours.
pub fn program() -> anyhow::Result<Program> {
    Program::compile("", "complete.jq", PROGRAM).context("complete.jq")
}

/// What a sender's report looked at; absent where it is not known to be complete, as one of an unknown shape is not.
///
/// # Errors
/// Where the sender's name is no text of jq's.
pub fn looked_at(program: &Program, sender: &str, report: &[u8]) -> anyhow::Result<Option<BTreeSet<Tag>>> {
    // Lines of JSON are several payloads.
    let Ok(report) = serde_json::from_slice::<Val>(report) else { return Ok(None) };
    let sender: Val = serde_json::from_value(Value::from(sender)).context("the sender's name")?;
    let item = Val::Arr(Rc::new(vec![sender, report]));
    let Ok(places) = program.run(item, MOST) else { return Ok(None) };
    let places: BTreeSet<Tag> = places.iter().filter_map(Value::as_str).map(Tag::of).collect();
    Ok(Some(places).filter(|places| !places.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_complete_reports_are_believed() {
        let program = program().expect("compiles");
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
        for (sender, report, places) in [
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
            let found = looked_at(&program, sender, report.to_string().as_bytes()).expect("runs");
            assert_eq!(found, expected, "{sender}: {report}");
        }
        assert_eq!(looked_at(&program, "terraform", b"{}\n{}").expect("runs"), None);
    }

    #[test]
    fn reports_of_the_real_products_name_what_they_looked_at() {
        let program = program().expect("compiles");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks");
        for (sender, sample, place) in [
            ("terraform", "refresh_only.json", "module.net.aws_security_group.web[\"a\"]"),
            ("checkov", "terraform.json", "storage/main.tf"),
            ("trivy", "config.json", "net/main.tf"),
            ("trivy", "cluster.json", "Deployment shop/cart"),
            ("kubescape", "scan.json", "k8s/cart.yaml"),
        ] {
            let report = std::fs::read(folder.join(sender).join("samples").join(sample)).expect("a sample");
            let places = looked_at(&program, sender, &report).expect("runs").unwrap_or_default();
            assert!(places.contains(&Tag::of(place)), "{sender}/{sample}");
        }
    }
}
