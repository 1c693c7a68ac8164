use super::*;

fn read(text: &str) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("secret"), "from-file\n").expect("writes");
    fs::write(folder.path().join("empty"), "\n").expect("writes");
    fs::write(folder.path().join("config.yaml"), text).expect("writes");
    let environment = |name: &str| (name == "SECRET").then(|| "from-env".to_owned());
    Config::read(&folder.path().join("config.yaml"), &environment).map_err(|error| error.problems)
}

#[test]
fn a_full_configuration_is_read_with_its_secrets() {
    let config = read(
        "listen: 0.0.0.0:80\nmetrics: 127.0.0.1:9090\ndata: state\nworkers: 3\nlease_seconds: 30\n\
         senders:\n  falco: {secrets: [{file: secret}, {env: SECRET}]}\n  open: {authentication: insecure}\n\
         repositories:\n- {slug: Acme/Shop, branch: release}\n- {slug: acme/infra, remote: 'ssh://git@host/x.git'}\n\
         github: {api: 'https://ghe.example.com/api/v3/', token: {env: SECRET}}\n",
    )
    .expect("reads");
    assert_eq!((config.workers, config.lease, config.listen.port()), (3, Duration::from_secs(30), 80));
    assert!(config.data.is_absolute() && config.data.ends_with("state"), "relative to the file");
    let secrets: Vec<&str> = config.senders["falco"].secrets.iter().map(Secret::expose).collect();
    assert_eq!(secrets, ["from-file", "from-env"]);
    let repositories: Vec<String> =
        config.repositories.iter().map(|one| format!("{}@{}", one.slug, one.branch)).collect();
    assert_eq!(repositories, ["acme/shop@release", "acme/infra@main"]);
    let github = config.github.expect("GitHub");
    assert_eq!(github.api, "https://ghe.example.com/api/v3");
    assert!(!format!("{:?}", read("data: d\nsenders: {a: {secrets: [{env: SECRET}]}}")).contains("from-env"));
}

#[test]
fn every_problem_is_told_with_its_place() {
    let cases: &[(&str, &[&str])] = &[
        ("data: d\nnovel: 1", &["unknown field `novel`"]),
        ("listen: 0.0.0.0:80", &["missing field `data`"]),
        ("data: d\nsenders: {a: {secrets: [hunter2]}}", &["senders.a.secrets[0]: invalid type"]),
        ("data: d\nlisten: here\nworkers: 0", &["listen: expected an address", "workers: expected 1 to 64"]),
        ("data: d\nlease_seconds: 1", &["lease_seconds: expected 10 to 3600"]),
        ("data: d\nsenders: {a: {}}", &["senders.a: there is no secret"]),
        (
            "data: d\nsenders: {a: {authentication: insecure, secrets: [{env: SECRET}]}}",
            &["senders.a: insecure takes no secrets"],
        ),
        (
            "data: d\nsenders: {a: {secrets: [{env: NONE}, {file: none}, {}, {file: empty}]}}",
            &[
                "senders.a.secrets[0]: the environment variable NONE is not set",
                "senders.a.secrets[1]: ",
                "senders.a.secrets[2]: expected exactly one of file and env",
                "senders.a.secrets[3]: the secret is empty",
            ],
        ),
        (
            "data: d\nrepositories: [{slug: x, branch: 'a b'}, {slug: a/b}, {slug: A/B}]",
            &[
                "repositories[0].slug: \"x\" is not",
                "repositories[0].branch: \"a b\"",
                "repositories: a/b is listed twice",
            ],
        ),
        (
            "data: d\nrepositories: [{slug: a/b, remote: 'https://x:token@github.com/a/b'}]",
            &["repositories[0].remote: a URL must not carry credentials"],
        ),
        (
            "data: d\nlive: {kubernetes: [{}, {name: a, in_cluster: true, context: x}], \
             argocd: {url: 'http://argocd', token: {env: NONE}}}",
            &[
                "live.kubernetes[0]: expected exactly one of in_cluster and kubeconfig",
                "live.kubernetes[1]: a context is one of a kubeconfig",
                "live.kubernetes: every cluster needs a name where there are several",
                "live.argocd.url: expected an https://",
                "live.argocd.token: the environment variable NONE is not set",
            ],
        ),
        (
            "data: d\nrepositories: [{slug: a/b, states: [{}, {file: f, command: [c]}, {command: []}, \
             {file: f, keep_seconds: 1}, {command: [c], environment: [NONE], time_limit_seconds: 0, keep_seconds: 100000}]}]",
            &[
                "repositories[0].states[0]: expected exactly one of file and command",
                "repositories[0].states[1]: expected exactly one of file and command",
                "repositories[0].states[2].command: expected a program",
                "repositories[0].states[3]: environment, time_limit_seconds and keep_seconds are of a command",
                "repositories[0].states[4].environment: the environment variable NONE is not set",
                "repositories[0].states[4].time_limit_seconds: expected 1 to 600",
                "repositories[0].states[4].keep_seconds: expected 0 to 86400",
            ],
        ),
        ("data: d\ngithub: {api: 'http://github.com', token: {env: SECRET}}", &["github.api: expected an https://"]),
        ("data: d\ngithub: {}", &["github: expected exactly one of token, app and setup"]),
        (
            "data: d\ngithub: {setup: {url: 'http://bot.example', organization: 'a/b', name: ''}}",
            &[
                "github.setup.url: expected an https://",
                "github.setup.organization: expected",
                "github.setup.name: expected",
            ],
        ),
        ("data: d\ngithub: {app: {id: 1, private_key: {env: SECRET}}}", &["github.app.private_key: expected a PEM"]),
    ];
    for (text, expected) in cases {
        let problems = read(text).expect_err(text);
        assert_eq!(problems.len(), expected.len(), "{text}: {problems:?}");
        for (problem, start) in problems.iter().zip(*expected) {
            assert!(problem.starts_with(start), "{text}: {problem}");
        }
    }
}

#[test]
fn the_schema_knows_every_member() {
    let schema = Config::schema();
    assert_eq!(schema["additionalProperties"], false);
    for member in ["listen", "data", "senders", "repositories", "github", "live", "workers", "lease_seconds"] {
        assert!(schema["properties"].get(member).is_some(), "{member}");
    }
}
