//! Traces: a span for each request, sent to a collector over OTLP/HTTP in JSON. Off unless a collector is named, and then costs nothing.
//!
//! By hand rather than with the OpenTelemetry crates: those are a dozen and more, of which one small part would be used. `context` reads
//! what a request says about the trace that it is part of, `span` has what is told of a request, `export` sends it.
//!
//! Must not know how requests are decoded or answered.

mod context;
mod export;
mod span;
#[cfg(test)]
mod tests;

pub use export::{Collector, CollectorError};

use crate::call::Call;
use crate::entropy::Entropy;
use crate::{clock, traces::context::Context};
use bongsu_wire::{Operation, Output, ServiceError};
use export::{Exporter, Exporting};
pub(crate) use span::Span;

/// Makes spans, and hands them over to whoever sends them.
#[derive(Debug)]
pub(crate) struct Tracer {
    exporter: Exporter,
}

/// What the task that sends spans leaves to be ended.
#[derive(Debug)]
pub(crate) struct Sending(Exporting);

impl Tracer {
    /// Sends to this collector. Spans that it doesn't take are dropped and counted: nothing waits for it.
    ///
    /// # Errors
    /// [`CollectorError`] for a collector that can't be spoken to, whatever it says.
    pub(crate) fn start(collector: &Collector) -> Result<(Self, Sending), CollectorError> {
        let (exporter, exporting) = export::start(collector)?;
        Ok((Self { exporter }, Sending(exporting)))
    }

    /// Begins the span of a request; `None` where the trace that it is part of is not recorded.
    pub(crate) fn begin(
        &self,
        call: &Call<'_>,
        entropy: &Entropy,
        operation: &Operation,
    ) -> Option<Box<Span>> {
        let named = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        let senders = span::trace_headers(operation);
        let parent = (named("traceparent").and_then(Context::from_w3c))
            .or_else(|| call.trace_header.as_deref().and_then(Context::from_aws))
            .or_else(|| senders.iter().find_map(|header| Context::from_aws(header)));
        if parent.is_some_and(|parent| !parent.is_sampled) {
            return None;
        }
        // No trace has the id of all zeros; drawn at random, none will.
        let trace_id = parent.map_or_else(|| entropy.bytes(), |parent| parent.trace_id);
        let parent_id = parent.and_then(|parent| parent.span_id);
        let mut span = Span::new(trace_id, entropy.bytes(), parent_id, operation);
        let links = senders.iter().filter_map(|header| Context::from_aws(header));
        links.filter(|link| link.trace_id != trace_id).for_each(|link| span.link(link));
        Some(Box::new(span))
    }

    /// Ends a span, and sends it.
    pub(crate) fn end(
        &self,
        mut span: Span,
        call: &Call<'_>,
        result: &Result<Output, ServiceError>,
        request_id: &str,
    ) {
        let duration_ns = call.edge.watch.now_ns().saturating_sub(call.watching.begun_ns);
        let end_ns = clock::wall_ns();
        (span.start_ns, span.end_ns) = (end_ns.saturating_sub(duration_ns), end_ns);
        request_id.clone_into(&mut span.request_id);
        span.note_result(result);
        for header in call.watching.take_senders() {
            if let Some(link) = Context::from_aws(&header) {
                span.link(link);
            }
        }
        self.exporter.send(span);
    }
}

impl Sending {
    /// Sends what is left, as far as the collector takes it within a moment.
    pub(crate) async fn end(self) {
        self.0.end().await;
    }
}
