//! A JSON API that is asked with a token: one GET at a time, bounded in size and time, no redirection followed.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode, header},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::timeout;

use crate::{model::secret::Secret, shell::config::live::Api as Source};

/// The longest answer that is read.
const MAX_BYTES: usize = 32 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An API of the operator's.
pub struct Api {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    url: String,
    token: Secret,
}

impl Api {
    /// The API that the configuration names; the machine's certificates, or those of `SSL_CERT_FILE`, are believed.
    ///
    /// # Errors
    /// Where the certificates cannot be read.
    pub fn new(source: &Source) -> anyhow::Result<Self> {
        let tls =
            HttpsConnectorBuilder::new().with_native_roots().context("the machine's certificates cannot be read")?;
        let client = Client::builder(TokioExecutor::new()).build(tls.https_or_http().enable_http1().build());
        Ok(Self { client, url: source.url.clone(), token: source.token.clone() })
    }

    /// What stands at a path of it, which begins with a slash and holds only what [`crate::model::uri::encoded`] gave; nothing for 404.
    ///
    /// # Errors
    /// Where there is no answer in time, or another one. The token is in no error.
    pub async fn get(&self, path: &str) -> anyhow::Result<Option<Bytes>> {
        let url = format!("{}{path}", self.url);
        let token = format!("Bearer {}", self.token.expose());
        let request =
            Request::get(&url).header(header::AUTHORIZATION, token).header(header::ACCEPT, "application/json");
        let request = request.body(Body::empty()).with_context(|| format!("{url} is no URL"))?;
        let asked = async {
            let answer = self.client.request(request).await.with_context(|| format!("{} cannot be asked", self.url))?;
            match answer.status() {
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    bail!("{url} answers {}: the token of this API must be allowed to read it", answer.status())
                }
                status => ensure!(status == StatusCode::OK, "{url} answers {status}"),
            }
            let body = to_bytes(Body::new(answer.into_body()), MAX_BYTES).await;
            Ok(Some(
                body.with_context(|| format!("the answer of {url} is cut off or has more than {MAX_BYTES} bytes"))?,
            ))
        };
        timeout(PATIENCE, asked).await.with_context(|| format!("{url} does not answer in time"))?
    }
}
