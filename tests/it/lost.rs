//! Events that GitHub could not deliver, a story each.

use std::time::Duration;

use serde_json::json;

use crate::{
    github::{Fault, GitHub},
    serve::stage::{As, Stage, post_event},
};

const FILES: &[(&str, &str)] = &[("k8s/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")];

const HOUR: Duration = Duration::from_secs(3600);

/// The deliveries that were asked for again, by the order in which they were tried.
fn asked(stage: &Stage) -> Vec<u64> {
    let number = |call: &String| {
        let rest = call.strip_prefix("POST /app/hook/deliveries/")?.strip_suffix("/attempts")?;
        Some(rest.parse::<u64>().expect("a number") - 12_345_678_901_234_567)
    };
    stage.github.calls().iter().filter_map(number).collect()
}

/// A server that has looked for what was lost.
fn looked(github: GitHub) -> Stage {
    let mut stage = Stage::set_with(As::App, github, &["acme/shop"]);
    stage.start();
    stage
}

fn looks(stage: &Stage) -> usize {
    stage.github.calls().iter().filter(|call| call.starts_with("GET /app/hook/deliveries")).count()
}

#[test]
fn what_was_lost_while_the_server_was_down_is_asked_for_once() {
    for prefix in ["", "/api/v3"] {
        let github = GitHub::at(prefix, FILES);
        github.delivered("too-old", 100 * HOUR, 502);
        github.delivered("lost", 5 * HOUR, 502);
        github.delivered("arrived", 4 * HOUR, 202);
        github.delivered("arrived-later", 3 * HOUR, 0);
        github.delivered("arrived-later", 2 * HOUR, 200);
        github.delivered("lost-twice", 2 * HOUR, 500);
        github.delivered("lost-twice", HOUR, 401);
        // More than one page of what is well.
        for number in 0..130 {
            github.delivered(&format!("well-{number}"), HOUR, 200);
        }
        let mut stage = looked(github);
        stage.until("asking", || asked(&stage).len() == 2);
        assert_eq!(asked(&stage), [1, 5], "the first try of each, the oldest first");
        assert_eq!(looks(&stage), 2, "pages are followed: {:?}", stage.github.calls());
        // GitHub delivers it, as it was.
        let pushed = json!({"ref": "refs/heads/main", "repository": stage.about("acme/shop")});
        assert_eq!(post_event(stage.address(), "push", "lost", &pushed).expect("an answer").status, 202);

        // Whoever starts again asks for nothing again.
        stage.stop();
        stage.github.forget_calls();
        stage.github.delivered("lost-now", Duration::from_secs(1), 503);
        stage.start();
        stage.until("asking", || !asked(&stage).is_empty());
        assert_eq!(asked(&stage), [137]);
    }
}

#[test]
fn what_came_although_github_believes_it_lost_is_not_asked_for() {
    let mut stage = looked(GitHub::with(FILES));
    let pushed = json!({"ref": "refs/heads/main", "repository": stage.about("acme/shop")});
    assert_eq!(post_event(stage.address(), "push", "slow", &pushed).expect("an answer").status, 202);
    stage.stop();
    stage.github.delivered("slow", HOUR, 504);
    stage.github.delivered("lost", HOUR, 504);
    stage.start();
    stage.until("asking", || !asked(&stage).is_empty());
    assert_eq!(asked(&stage), [1]);
}

#[test]
fn a_limit_puts_it_off_and_a_failure_does_not_repeat_it() {
    let github = GitHub::with(FILES);
    for id in ["a", "b", "c"] {
        github.delivered(id, HOUR, 502);
    }
    github.fail("/attempts", Fault::EffectThen(502));
    let limit = vec![("retry-after", "1".to_owned())];
    github.fail("/attempts", Fault::Refuse(403, limit, "You have exceeded a secondary rate limit"));
    let mut stage = looked(github);
    stage.until("being limited", || stage.log().contains("lost events are looked for later"));
    assert_eq!(asked(&stage), [0, 1], "nothing is sent while GitHub wants no calls");
    stage.stop();
    stage.github.forget_calls();
    std::thread::sleep(Duration::from_secs(1));
    stage.start();
    stage.until("asking", || asked(&stage).len() == 2);
    assert_eq!(asked(&stage), [1, 2], "and what may have been heard is not asked for again");
}

#[test]
fn one_look_asks_for_a_hundred_at_most_and_a_budget_is_kept() {
    let github = GitHub::with(FILES);
    for number in 0..120 {
        github.delivered(&format!("lost-{number}"), HOUR, 502);
    }
    let mut stage = looked(github);
    stage.until("asking", || asked(&stage).len() == 100);
    stage.stop();
    assert_eq!(asked(&stage).len(), 100);
    stage.github.forget_calls();
    stage.configure("github", json!({"budget": {"changes_per_minute": 7}}));
    stage.start();
    stage.until("the budget", || stage.log().contains("lost events are looked for later"));
    assert_eq!(asked(&stage), [100, 101, 102, 103, 104, 105, 106]);
}

#[test]
fn a_list_on_another_host_is_not_followed() {
    let (github, elsewhere) = (GitHub::at("/api/v3", FILES), GitHub::with(FILES));
    github.delivered("lost", HOUR, 502);
    let next = format!("<{}/app/hook/deliveries?cursor=v1_1>; rel=\"next\"", elsewhere.address());
    github.fail("GET /app/hook/deliveries", Fault::Header("link", next));
    let stage = looked(github);
    stage.until("being told", || stage.log().contains("lost events cannot be looked for"));
    assert_eq!((asked(&stage), elsewhere.calls()), (Vec::new(), Vec::new()));
}

#[test]
fn with_a_token_or_without_events_nobody_looks() {
    let mut robot = Stage::set(As::Robot, FILES);
    robot.start();
    let mut deaf = Stage::set_changed(As::App, GitHub::with(FILES), &["acme/shop"], |config| {
        config["github"].as_object_mut().expect("a map").remove("webhook_secrets");
    });
    deaf.start();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((looks(&robot), looks(&deaf)), (0, 0));
}
