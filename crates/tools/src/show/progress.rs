//! Bars for long work, on a terminal; elsewhere nothing is shown.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, if that is a terminal.
pub(crate) struct Bar(ProgressBar);

/// What a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    Things,
    Bytes,
}

impl Bar {
    /// `None` as the end: nobody knows where it is.
    pub(crate) fn new(end: Option<u64>, counts: Counts) -> Self {
        let bar = ProgressBar::with_draw_target(end, ProgressDrawTarget::stderr());
        let template = match (end, counts) {
            (None, _) => "{spinner} {msg}",
            (Some(_), Counts::Bytes) => "{wide_bar} {bytes}/{total_bytes}  {msg}  {eta}",
            (Some(_), Counts::Things) => "{wide_bar} {human_pos}/{human_len}  {msg}  {eta}",
        };
        // The template is one of ours; a mistake in it costs the looks, not the work.
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self(bar)
    }

    pub(crate) fn at(&self, position: u64, message: String) {
        self.0.set_position(position);
        self.0.set_message(message);
    }

    pub(crate) fn ends_at(&self, end: u64) {
        self.0.set_length(end);
    }

    /// Says something above the bar.
    pub(crate) fn say(&self, line: &str) {
        self.0.suspend(|| crate::show::Screen::errors().note(line));
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
