//! A dead-letter queue's move tasks.

use crate::command::{TaskStatus, TaskView};
use crate::names::{QueueId, QueueName, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// SQS shows the ten latest.
const MAX_KEPT: usize = 10;
/// SQS moves at most so many a second; it is also the velocity where none is asked for.
pub(crate) const MAX_PER_SECOND: u32 = 500;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tasks {
    /// Oldest first.
    tasks: VecDeque<Task>,
    last_number: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) number: u64,
    pub(crate) nonce: u64,
    pub(crate) status: TaskStatus,
    pub(crate) destination: Option<QueueName>,
    pub(crate) max_per_second: Option<u32>,
    pub(crate) to_move: u64,
    pub(crate) below_sequence: u64,
    pub(crate) moved: u64,
    pub(crate) failure: Option<String>,
    pub(crate) started_wall_ms: u64,
    /// What it may move on account, in thousandths of a message, at `credit_at_ms`.
    pub(crate) credit_milli: u64,
    pub(crate) credit_at_ms: u64,
}

impl Tasks {
    pub(crate) fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    pub(crate) fn start(&mut self, task: Task) {
        self.last_number = task.number;
        self.tasks.push_back(task);
        if self.tasks.len() > MAX_KEPT {
            self.tasks.pop_front();
        }
    }

    /// The one that runs or is about to stop: there is at most one.
    pub(crate) fn active(&self) -> Option<&Task> {
        self.tasks.back().filter(|task| matches!(task.status, TaskStatus::Running | TaskStatus::Cancelling))
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.number == number)
    }

    /// Latest first.
    pub(crate) fn view(&self, queue: QueueId, source: &QueueName, most: usize) -> Vec<TaskView> {
        self.tasks.iter().rev().take(most).map(|task| task.view(queue, source)).collect()
    }
}

impl Task {
    /// How many messages it may move now, in thousandths: a second's worth at most, so that a restart is no burst.
    pub(crate) fn credit_milli(&self, now_ms: u64) -> u64 {
        let per_second = u64::from(self.max_per_second.unwrap_or(MAX_PER_SECOND));
        let earned = now_ms.saturating_sub(self.credit_at_ms).saturating_mul(per_second);
        (self.credit_milli + earned).min(per_second * 1000)
    }

    fn view(&self, queue: QueueId, source: &QueueName) -> TaskView {
        TaskView {
            id: TaskId { source: queue, number: self.number, nonce: self.nonce },
            status: self.status,
            source: source.clone(),
            destination: self.destination.clone(),
            max_per_second: self.max_per_second,
            moved: self.moved,
            to_move: self.to_move,
            failure: self.failure.clone(),
            started_wall_ms: self.started_wall_ms,
        }
    }
}
