//! What is due with keys whether or not anybody asks: deletion when its time has come, and rotation at intervals.

use super::kms::{Change, KeyState, Keys, KeysError, KmsKey, Rotation};
use crate::clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(60);

impl Keys {
    /// Does what is due, for as long as the task is left running.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.do_what_is_due(clock::wall_ms()).await;
        }
    }

    /// Does what is due by then. What fails is tried again the next time.
    pub(super) async fn do_what_is_due(self: &Arc<Self>, now_ms: u64) {
        for key in self.due(now_ms) {
            let id = key.name.id;
            if let Err(error) = self.settle(&key, now_ms).await {
                tracing::warn!(key = %id, %error, "could not delete or rotate a key that is due");
            }
        }
    }

    async fn settle(self: &Arc<Self>, seen: &KmsKey, now_ms: u64) -> Result<(), KeysError> {
        let changing = self.lock().await;
        // Somebody may have changed it while we waited.
        let Some(key) = self.by_id(seen.name.id) else { return Ok(()) };
        let id = key.name.id;
        match (key.content.state, key.content.rotation) {
            (KeyState::PendingDeletion { due_ms }, _) if due_ms <= now_ms => {
                let aliases = self.aliases_of(&key.name.account, &key.name.region).into_iter();
                let own = aliases.filter(|(_, alias)| alias.content.key == id);
                let mut changes: Vec<_> = own.map(|(name, alias)| Change::AliasGone(name, alias)).collect();
                changes.push(Change::KeyGone(key));
                self.make(changing, changes).await?;
                tracing::info!(key = %id, "deleted a key whose time had come");
            }
            (KeyState::Enabled, Some(rotation)) if rotation.next_ms <= now_ms => {
                let mut content = key.content.clone();
                self.rotate(&key.name, &mut content, now_ms, false)?;
                content.rotation = Some(Rotation::every(rotation.period_days, now_ms));
                self.make(changing, vec![Change::Key(key, content)]).await?;
                tracing::info!(key = %id, "rotated a key whose time had come");
            }
            _ => {}
        }
        Ok(())
    }
}
