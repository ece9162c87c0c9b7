//! The audit log: who changed what, and who was refused what. Never what messages or secrets say.

use crate::access::Caller;

/// One line of the audit log.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    /// As the client was told.
    pub(crate) request_id: &'a str,
    /// Who asked; `None` where that was refused already.
    pub(crate) caller: Option<&'a Caller>,
    /// Such as `CreateQueue`.
    pub(crate) action: &'a str,
    /// What it was about, as the caller named it.
    pub(crate) resource: Option<&'a str>,
    /// The code that it was refused with; `None`: it was done.
    pub(crate) refused: Option<&'a str>,
    /// Which statement of which policy decided.
    pub(crate) decided: Option<&'a str>,
    /// The header.
    pub(crate) user_agent: Option<&'a str>,
}

/// Where events go.
#[derive(Default)]
pub(crate) struct Audit;

impl Audit {
    /// Whether anybody keeps them.
    pub(crate) fn is_on(&self) -> bool {
        true
    }

    /// Notes an event.
    pub(crate) fn record(&self, event: &Event<'_>) {
        tracing::debug!(
            request_id = event.request_id,
            caller = event.caller.map(Caller::arn),
            address = event.caller.map(|caller| caller.address.to_string()),
            action = event.action,
            resource = event.resource,
            refused = event.refused,
            decided = event.decided,
            user_agent = event.user_agent,
            "audit"
        );
    }
}
