//! What tasks that measure share: the clock, SQS calls, the machine they run on, figures as text, and pages of them.

pub(crate) mod call;
pub(crate) mod clock;
pub(crate) mod host;
pub(crate) mod page;
pub(crate) mod text;
