//! Who may post where, decided once at the start: a sender that could not be verified keeps the server from starting.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::AtomicUsize},
};

use anyhow::{Context, bail};

use crate::{
    model::secret::Secret,
    shell::config::{SenderAccess, network::Network},
    webhook::{
        sender::{Method, Sender, Senders},
        signature::Authentication,
    },
};

/// The senders that may post, by path.
pub(super) struct Endpoints {
    senders: Arc<Senders>,
    by_path: HashMap<String, Arc<Endpoint>>,
}

/// A sender that may post.
pub(super) struct Endpoint {
    senders: Arc<Senders>,
    pub(super) name: Arc<str>,
    pub(super) authentication: Authentication,
    pub(super) secrets: Vec<Secret>,
    /// Whose word about client certificates counts.
    pub(super) proxies: Vec<Network>,
    /// Runs of its program that did not end in time and still hold a thread.
    pub(super) overruns: Arc<AtomicUsize>,
}

impl Endpoints {
    pub(super) fn new(senders: Senders, access: &BTreeMap<String, SenderAccess>) -> anyhow::Result<Self> {
        let senders = Arc::new(senders);
        let mut by_path = HashMap::new();
        for (name, SenderAccess { authentication, secrets, proxies }) in access {
            let Some(sender) = senders.get(name) else {
                let known: Vec<&str> = senders.iter().map(Sender::name).collect();
                bail!("senders.{name}: there is no such sender; known are {}", known.join(", "));
            };
            let authentication = match authentication.as_deref() {
                Some("insecure") => {
                    tracing::warn!(sender = name, "anybody may post as this sender: it is configured as insecure");
                    Authentication::Insecure
                }
                kind => sender.authentication(kind).cloned().with_context(|| {
                    let offered: Vec<&str> = sender.authentications().iter().map(Authentication::kind).collect();
                    format!("senders.{name}: expected an authentication of {}, or insecure", offered.join(", "))
                })?,
            };
            authentication.check(secrets).with_context(|| format!("senders.{name} ({})", authentication.kind()))?;
            if matches!(authentication, Authentication::Mtls { .. }) && proxies.is_empty() {
                bail!("senders.{name} (mtls): name the proxies that client certificates are believed from");
            }
            // Compiled before anybody posts: it takes a while.
            sender.program();
            let endpoint = Endpoint {
                senders: Arc::clone(&senders),
                name: name.as_str().into(),
                authentication,
                secrets: secrets.clone(),
                proxies: proxies.clone(),
                overruns: Arc::default(),
            };
            by_path.insert(sender.path().to_owned(), Arc::new(endpoint));
        }
        Ok(Self { senders, by_path })
    }

    /// The sender that posts to a path, with the token that its path ends in where it shows itself by one.
    pub(super) fn at<'p>(&self, path: &'p str) -> Option<(&Arc<Endpoint>, Option<&'p str>)> {
        if let Some(endpoint) = self.by_path.get(path) {
            return Some((endpoint, None));
        }
        let (path, token) = path.rsplit_once('/')?;
        let endpoint = self.by_path.get(path).filter(|one| one.authentication == Authentication::PathToken)?;
        Some((endpoint, Some(token)))
    }

    /// Names a sender that is known but may not post, for the log.
    pub(super) fn unconfigured(&self, path: &str) -> Option<&str> {
        self.senders.at_path(path).map(Sender::name)
    }
}

impl Endpoint {
    pub(super) fn sender(&self) -> &Sender {
        self.senders.get(&self.name).expect("an endpoint is made of a sender that is there")
    }

    pub(super) fn allows(&self, method: &str) -> bool {
        self.sender().methods().iter().any(|one| word(*one) == method)
    }

    /// The value of `Allow`.
    pub(super) fn methods(&self) -> String {
        let all: Vec<&str> = self.sender().methods().iter().map(|one| word(*one)).collect();
        all.join(", ")
    }
}

fn word(method: Method) -> &'static str {
    match method {
        Method::Post => "POST",
        Method::Put => "PUT",
    }
}
