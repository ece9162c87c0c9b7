//! How AddPermission and RemovePermission change a policy: read it, edit the text, and write it back if nobody else did
//! meanwhile.

use crate::call::Call;
use crate::errors::{About, from_call};
use bongsu_engine::{Command, EngineError, QueueName};
use bongsu_node::CallError;
use bongsu_wire::ServiceError;

/// How often an edit starts anew because the policy changed under it.
const MAX_ATTEMPTS: usize = 10;

/// Edits the policy of a queue; `edit` gets the policy as it is and says what it shall be.
///
/// # Errors
/// Those of `edit`; `QueueDoesNotExist`; `RequestThrottled` where others keep changing the policy.
pub(super) async fn edit_policy(
    call: &Call<'_>,
    name: QueueName,
    edit: impl Fn(Option<&str>) -> Result<Option<String>, ServiceError>,
) -> Result<(), ServiceError> {
    let mut last_error = EngineError::PolicyConflict;
    for _ in 0..MAX_ATTEMPTS {
        let queue = call.describe(name.clone()).await?;
        let policy = edit(queue.attributes.get("Policy").map(String::as_str))?;
        let command =
            Command::SetPolicy { name: name.clone(), expected_version: queue.policy_version, policy };
        let changed = call.edge.node.call(command).await;
        call.edge.facts.forget(&name);
        match changed {
            Ok(_) => return Ok(()),
            Err(CallError::Engine(error @ EngineError::PolicyConflict)) => last_error = error,
            Err(error) => return Err(from_call(error, About::default())),
        }
    }
    Err(from_call(CallError::Engine(last_error), About::default()))
}
