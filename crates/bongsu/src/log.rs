//! How the log looks: lines for people, or JSON. Each line that belongs to a request has its id.

use bongsu_server::config::LogFormat;
use bongsu_server::current_request;
use std::fmt;
use std::io::IsTerminal as _;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer, format};
use tracing_subscriber::registry::LookupSpan;

/// Begins to log to standard error, so that standard output stays free for commands that have a result. `RUST_LOG` chooses what
/// is logged.
pub(crate) fn start(shape: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match shape {
        LogFormat::Text => {
            let lines = WithRequest { lines: format().with_target(false), is_json: false };
            log.with_ansi(std::io::stderr().is_terminal()).event_format(lines).init();
        }
        LogFormat::Json => {
            // The event's own fields beside `timestamp`, `level` and `message`, as collectors of logs like them.
            let lines = format().json().flatten_event(true).with_current_span(false).with_span_list(false);
            let lines = WithRequest { lines: lines.with_target(false), is_json: true };
            log.json().event_format(lines).init();
        }
    }
}

/// Adds the id of the request that is worked for, where a line has none.
struct WithRequest<L> {
    lines: L,
    is_json: bool,
}

impl<S, N, L> FormatEvent<S, N> for WithRequest<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    L: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let has_it = event.metadata().fields().field("request_id").is_some();
        let request = current_request().filter(|_| !has_it);
        let Some(request) = request else { return self.lines.format_event(context, writer, event) };
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&with_request(&line, &String::from_utf8_lossy(&request), self.is_json))
    }
}

/// A finished line with an id added; the id has no character that would have to be escaped.
fn with_request(line: &str, request: &str, is_json: bool) -> String {
    let line = line.trim_end_matches('\n');
    match line.strip_suffix('}').filter(|_| is_json) {
        Some(open) => format!("{open},\"request_id\":\"{request}\"}}\n"),
        None => format!("{line} request_id=\"{request}\"\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::with_request;

    #[test]
    fn an_id_comes_last() {
        assert_eq!(with_request("INFO a {b}\n", "id", false), "INFO a {b} request_id=\"id\"\n");
        assert_eq!(with_request("{\"a\":{}}\n", "id", true), "{\"a\":{},\"request_id\":\"id\"}\n");
    }
}
