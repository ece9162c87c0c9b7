//! Move tasks in the naive model.

use super::{DUE_SLICE_MS, Model, ModelMessage, ModelQueue};
use crate::tests::bench::{Written, named};
use crate::*;

impl Model {
    pub(in crate::tests) fn start_move(
        &mut self,
        source: &str,
        destination: Option<&str>,
        max_per_second: Option<u32>,
        result: &Result<TaskId, EngineError>,
    ) {
        let expected = self.check_move(source, destination);
        assert_eq!(result.clone().map(|_| ()), expected);
        let Ok(id) = result else { return };
        let (now_ms, wall_ms) = (self.now_ms, self.wall_ms);
        let queue = self.queues.get_mut(source).unwrap();
        let (visible, _, delayed) = queue.counts(now_ms);
        let to_move = visible + if queue.fifo { delayed } else { 0 };
        let number = queue.tasks.last().map_or(0, |task| task.id.number) + 1;
        assert_eq!((id.source, id.number), (queue.id, number));
        queue.tasks.push(TaskView {
            id: *id,
            status: TaskStatus::Running,
            source: named(source),
            destination: destination.map(named),
            max_per_second,
            moved: 0,
            to_move,
            failure: None,
            started_wall_ms: wall_ms,
        });
        (queue.below_sequence, queue.task_started_ms) = (queue.next_sequence, now_ms);
        (queue.credit_milli, queue.credit_at_ms) = (1000, now_ms);
    }

    fn check_move(&self, source: &str, destination: Option<&str>) -> Result<(), EngineError> {
        let Some(queue) = self.queues.get(source) else { return Err(EngineError::MoveSourceDoesNotExist) };
        let names_it =
            |other: &ModelQueue| other.redrive.as_ref().is_some_and(|(target, _)| target == source);
        if !self.queues.values().any(names_it) {
            return Err(EngineError::SourceIsNoDeadLetterQueue);
        }
        if let Some(destination) = destination {
            if !self.queues.contains_key(destination) {
                return Err(EngineError::MoveDestinationDoesNotExist);
            }
            if destination == source {
                return Err(EngineError::MoveDestinationUnfit("source and destination are the same queue"));
            }
            if destination.ends_with(".fifo") != source.ends_with(".fifo") {
                return Err(EngineError::MoveDestinationUnfit(
                    "source and destination are of different types",
                ));
            }
        }
        let active = queue.tasks.last().is_some_and(|task| task.is_active());
        if active { Err(EngineError::MoveTaskRunning) } else { Ok(()) }
    }

    pub(in crate::tests) fn cancel_move(&mut self, id: TaskId) -> Result<u64, EngineError> {
        let mut tasks = self.queues.values_mut().flat_map(|queue| &mut queue.tasks);
        let task = tasks.find(|task| task.id == id && task.status == TaskStatus::Running);
        let task = task.ok_or(EngineError::MoveTaskDoesNotExist)?;
        task.status = TaskStatus::Cancelling;
        Ok(task.moved)
    }

    /// Follows one step of every running task.
    pub(in crate::tests) fn step_tasks(&mut self, written: &[Written]) {
        let names: Vec<String> = self.queues.keys().cloned().collect();
        let mut names: Vec<(QueueId, String)> =
            names.into_iter().map(|name| (self.queues[&name].id, name)).collect();
        names.sort();
        let mut written = written;
        for (id, name) in names {
            let of_task = |written: &Written| match &written.record {
                Record::Removed { queue, .. }
                | Record::TaskProgressed { queue, .. }
                | Record::TaskEnded { queue, .. } => *queue == id,
                Record::Arrived { .. } => true,
                _ => false,
            };
            let active = self.queues[&name].tasks.last().is_some_and(|task| task.is_active());
            if !active {
                continue;
            }
            let count = written.iter().take_while(|written| of_task(written)).count();
            let (mine, rest) = written.split_at(count);
            self.step_task(&name, mine);
            written = rest;
        }
        assert!(written.is_empty(), "{written:?}");
    }

    fn step_task(&mut self, name: &str, written: &[Written]) {
        let now_ms = self.now_ms;
        let queue = self.queues.get_mut(name).unwrap();
        let task = queue.tasks.last_mut().unwrap();
        if task.status == TaskStatus::Cancelling {
            task.status = TaskStatus::Cancelled;
            return;
        }
        let per_second = u64::from(task.max_per_second.unwrap_or(500));
        let earned = queue.credit_milli + (now_ms - queue.credit_at_ms) * per_second;
        let credit_milli = earned.min(per_second * 1000);
        let may_move = (credit_milli / 1000).min(100);
        let destination = task.destination.clone();
        let mut moved = 0;
        for pair in written.windows(2) {
            let (Record::Removed { messages, .. }, arrival @ Record::Arrived { .. }) =
                (&pair[0].record, &pair[1].record)
            else {
                continue;
            };
            self.follow_move(name, messages[0].0, &destination, arrival);
            moved += 1;
        }
        assert!(moved <= may_move, "{moved} of {may_move}");
        let mut movable = self.movable(name);
        let lost = movable.iter().any(|sequence| self.destination_of(name, *sequence, &destination).is_err());
        let queue = self.queues.get_mut(name).unwrap();
        if moved > 0 {
            (queue.credit_milli, queue.credit_at_ms) = (credit_milli - moved * 1000, now_ms);
        }
        movable.retain(|sequence| {
            let message = queue.message(*sequence).unwrap();
            message.due_ms.div_ceil(DUE_SLICE_MS) * DUE_SLICE_MS <= queue.task_started_ms
        });
        let task = queue.tasks.last_mut().unwrap();
        task.moved += moved;
        match ended_status(written) {
            None => assert_eq!(moved, may_move, "it stopped without a reason"),
            // What was delayed when the task began may stay.
            Some((TaskStatus::Completed, None)) => assert!(movable.is_empty(), "{movable:?} are left"),
            Some((TaskStatus::Failed, Some(failure))) => {
                assert!(lost, "failed without a reason: {failure}");
                task.failure = Some(failure);
            }
            Some(other) => panic!("ended so: {other:?}"),
        }
        if let Some((status, _)) = ended_status(written) {
            queue.tasks.last_mut().unwrap().status = status;
        }
    }

    /// What a task may take: nothing in flight or late, and of FIFO groups what nothing holds up.
    fn movable(&self, name: &str) -> Vec<u64> {
        let queue = &self.queues[name];
        let in_flight = |group: &Option<String>| {
            let held = queue.messages.iter().filter(|m| m.group == *group && m.is_in_flight(self.now_ms));
            held.map(|message| message.sequence).min()
        };
        let free = |message: &&ModelMessage| {
            let delayed = !queue.fifo && queue.is_delayed(message, self.now_ms);
            let blocked = queue.fifo && in_flight(&message.group).is_some_and(|held| held < message.sequence);
            let late = message.sequence >= queue.below_sequence;
            !delayed && !blocked && !late && !message.is_in_flight(self.now_ms)
        };
        queue.messages.iter().filter(free).map(|message| message.sequence).collect()
    }

    fn destination_of(&self, name: &str, sequence: u64, asked: &Option<QueueName>) -> Result<String, ()> {
        let message = self.queues[name].messages.iter().find(|message| message.sequence == sequence).unwrap();
        let own = message.moved.as_ref().and_then(|moved| moved.dead_letter_source.clone());
        let destination = asked.clone().or(own).ok_or(())?.name;
        (self.queues.contains_key(&destination) && destination != name).then_some(destination).ok_or(())
    }

    fn follow_move(&mut self, name: &str, sequence: u64, asked: &Option<QueueName>, arrival: &Record) {
        assert!(self.movable(name).contains(&sequence), "{sequence} of {name}");
        let target = self.destination_of(name, sequence, asked).expect("it has a destination");
        let queue = &self.queues[name];
        let group = &queue.messages.iter().find(|message| message.sequence == sequence).unwrap().group;
        let earlier = |other: &&ModelMessage| other.group == *group && other.sequence < sequence;
        assert!(!queue.fifo || queue.messages.iter().find(earlier).is_none(), "moved in order");
        self.move_away(name, sequence, &target, arrival);
    }

    fn move_away(&mut self, name: &str, sequence: u64, target: &str, arrival: &Record) {
        let mut message = self.queues.get_mut(name).unwrap().remove(sequence);
        let Record::Arrived { moved, .. } = arrival else { panic!("{arrival:?}") };
        let message_id = moved.message_id.expect("a new message id");
        let sent_wall_ms = Some(self.wall_ms);
        message.moved = Some(Moved { dead_letter_source: None, message_id: Some(message_id), sent_wall_ms });
        (message.enqueued_ms, message.receive_count, message.first_received_wall_ms) = (self.now_ms, 0, 0);
        self.arrive(target, message, arrival);
    }

    /// An operator removes messages or moves them; they are named in order.
    pub(in crate::tests) fn operate(
        &mut self,
        name: &str,
        sequences: &[u64],
        act: &Act,
        results: &Result<Reply, EngineError>,
        written: &[Written],
    ) {
        let unfit = |to: &QueueName| {
            !self.queues.contains_key(&to.name) || to.name == name || to.is_fifo() != name.ends_with(".fifo")
        };
        let results = match (act, results) {
            (Act::Move { to: Some(to) }, Err(_)) => return assert!(unfit(to)),
            (_, Ok(Reply::Each(results))) => results,
            other => panic!("{other:?}"),
        };
        let mut arrivals = written.iter().filter(|one| matches!(one.record, Record::Arrived { .. }));
        for (sequence, result) in sequences.iter().zip(results) {
            let message = self.queues[name].messages.iter().find(|message| message.sequence == *sequence);
            let is_in_flight = message.unwrap().is_in_flight(self.now_ms);
            let Act::Move { to } = act else {
                assert_eq!(*result, Ok(()));
                self.queues.get_mut(name).unwrap().discard(*sequence);
                continue;
            };
            match self.destination_of(name, *sequence, to) {
                Ok(target) if !is_in_flight => {
                    assert_eq!(*result, Ok(()));
                    self.move_away(name, *sequence, &target, &arrivals.next().unwrap().record);
                }
                _ => assert!(result.is_err()),
            }
        }
        assert!(arrivals.next().is_none());
    }
}

fn ended_status(written: &[Written]) -> Option<(TaskStatus, Option<String>)> {
    written.iter().find_map(|written| match &written.record {
        Record::TaskEnded { status, failure, .. } => Some((*status, failure.clone())),
        _ => None,
    })
}

impl TaskView {
    pub(in crate::tests) fn is_active(&self) -> bool {
        matches!(self.status, TaskStatus::Running | TaskStatus::Cancelling)
    }
}
