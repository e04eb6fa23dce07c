//! One question over HTTP/1.1, on a connection of its own.

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    header::{ACCEPT, CONNECTION, HOST},
    http::uri::PathAndQuery,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{base::Base, directory::LookupError};

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Asks for `path` and returns the status and the content of the answer.
pub(crate) async fn fetch(
    base: &Base,
    path: PathAndQuery,
) -> Result<(StatusCode, Bytes), LookupError> {
    let stream = TcpStream::connect((base.host(), base.port()))
        .await
        .map_err(|error| LookupError::NoConnection(error.kind()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| LookupError::NoAnswer)?;
    let request = Request::get(path.as_str())
        .header(HOST, base.authority())
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| LookupError::NoAnswer)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| LookupError::NoAnswer)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        body.map(|body| (status, body.to_bytes())).map_err(|_| LookupError::NoAnswer)
    };
    // The connection works as long as it is polled; whoever ends first, the answer counts.
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}
