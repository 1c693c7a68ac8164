//! A sender of signed findings, as an operator's own tool would be one.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{model::secret::Secret, webhook::signature::sign_standard_webhooks};

/// Who posts, and where.
pub struct Sender {
    /// The receiver.
    pub address: SocketAddr,
    /// What signs.
    pub secret: Secret,
}

/// What the receiver answered.
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Sender {
    /// Posts a finding under a delivery id, signed as Standard Webhooks 1.0.0 says.
    pub async fn post(&self, id: &str, finding: &Value) -> anyhow::Result<Answered> {
        let body = finding.to_string();
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let signature = sign_standard_webhooks(&self.secret, id, now, body.as_bytes());
        let head = format!(
            "POST /webhooks/generic HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             webhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len(),
        );
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the receiver's answer has no body")?;
        let status =
            head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("the answer has no status")?;
        Ok(Answered { status, body: serde_json::from_str(body).context("the answer is not JSON")? })
    }
}

/// 24 random bytes in base64: a secret of the length that Standard Webhooks recommends.
pub fn random_base64() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(STANDARD.encode(bytes))
}
