//! How far a long command is, on a terminal; elsewhere nothing is shown.

use bongsu_server::store::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, if that is a terminal.
pub(super) struct Bar(ProgressBar);

impl Default for Bar {
    fn default() -> Self {
        Self(ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()))
    }
}

impl Bar {
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn begin(&mut self, what: &'static str, steps: u64) {
        let in_bytes = matches!(what, "segments" | "copying");
        let template = if in_bytes {
            "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {eta}"
        } else {
            "{msg} {wide_bar} {human_pos}/{human_len} {eta}"
        };
        // The template is one of ours; a mistake in it costs the looks, not the work.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.0.set_style(style);
        self.0.set_message(what);
        self.0.set_length(steps);
        self.0.set_position(0);
    }

    fn advance(&mut self, steps: u64) {
        self.0.inc(steps);
    }
}
