//! The null server: what any durable queue with this interface has to do for each request, and nothing else. It parses
//! the request, hashes the bodies, writes and syncs them together with those of everybody who waits, and answers. No
//! queue is behind it; what it reaches is the ceiling of what a server on the same libraries can.

mod answer;
mod commit;

use super::BenchError;
use super::arguments::NullArguments;
use crate::listen::listen;
use answer::Answerer;
use bongsu_tools::client::date::unix_time;
use bytes::Bytes;
use commit::{Committer, Syncing};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const TARGET: &str = "x-amz-target";

/// Serves until the process is ended.
///
/// # Errors
/// The address is taken, or the file can't be written.
pub(super) fn run(arguments: &NullArguments) -> Result<(), BenchError> {
    let syncing = if arguments.no_sync { Syncing::Never } else { Syncing::Always };
    let delay = Duration::from_secs_f64(arguments.sync_delay_ms / 1e3);
    let data_dir = arguments.data_dir.clone().unwrap_or_else(std::env::temp_dir);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(arguments.threads as usize)
        .enable_all()
        .build()?;
    runtime.block_on(serve(arguments, data_dir, syncing, delay))
}

async fn serve(
    arguments: &NullArguments,
    data_dir: PathBuf,
    syncing: Syncing,
    delay: Duration,
) -> Result<(), BenchError> {
    let listener = listen(&arguments.listen).await?;
    let address = listener.local_addr()?;
    let committer = Committer::start(&data_dir, syncing, delay)?;
    let answerer = Arc::new(Answerer::new(committer, unix_time().as_nanos()));
    tracing::info!("ready: null server listening on http://{address} (pid {})", std::process::id());
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        _ = stream.set_nodelay(true);
        let answerer = answerer.clone();
        let service = service_fn(move |request| {
            let answerer = answerer.clone();
            async move { Ok::<_, Infallible>(respond(&answerer, request).await) }
        });
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A client that leaves in the middle is nothing to report.
        tokio::spawn(async move { _ = connection.await });
    }
}

async fn respond(answerer: &Answerer, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let target = request.headers().get(TARGET).cloned();
    let action = target.as_ref().and_then(|target| target.to_str().ok()).unwrap_or_default();
    let host = request.headers().get(hyper::header::HOST).cloned();
    let host = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (status, body) = match request.into_body().collect().await {
        Ok(body) => answerer.answer(action, host, body.to_bytes()).await,
        Err(_) => (StatusCode::BAD_REQUEST, answer::error("IncompleteBody")),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
