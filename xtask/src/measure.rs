//! What tasks that measure share: the clock, SQS calls, the machine they run on, and figures as text.

pub(crate) mod call;
pub(crate) mod clock;
pub(crate) mod host;
pub(crate) mod text;
