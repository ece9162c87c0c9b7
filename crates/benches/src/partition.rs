//! A commit in the node, over the journal in memory: commands in, one entry appended, answers out.

use crate::{Case, Work, body, fed};
use bongsu_engine::{BodyRef, Command, Outgoing, QueueName, Receipt, Receive, Relocation, Reply, StringMap};
use bongsu_journal::{Journal, MemoryJournal, MemoryOptions, Position};
use bongsu_node::{Output, Partition, PartitionOptions, Reading, StepSizes, Token};

pub(crate) const CASES: &[Case] = &[
    Case { name: "partition/send", set_up: || send(1) },
    Case { name: "partition/send-64-callers", set_up: || send(64) },
    Case { name: "partition/receive-10", set_up: receive },
    Case { name: "partition/delete-10", set_up: delete },
];

const PENDING: usize = 1_000;
const NOW_MS: u64 = 1_700_000_000_000;
/// Far more than is written while instructions are counted; what is timed longer than that gets its log cleaned.
const CHECKPOINT_BYTES: u64 = 256 << 20;

/// Somebody who waits, and never goes away.
#[derive(Debug)]
struct Caller;

impl Token for Caller {
    fn is_abandoned(&self) -> bool {
        false
    }
}

/// A partition, and what a driver does for it.
struct House {
    partition: Partition<Caller>,
    journal: MemoryJournal,
    body: Vec<u8>,
    sent: u64,
    pending: usize,
    in_flight: Vec<Receipt>,
}

fn queue() -> QueueName {
    QueueName::new("000000000000", "us-east-1", "work")
}

/// Time stands still: nothing here depends on it.
const READING: Reading = Reading { monotonic_ms: NOW_MS, wall_ms: NOW_MS };

impl House {
    fn new() -> Self {
        let mut journal = MemoryJournal::new(MemoryOptions::default());
        let options = PartitionOptions {
            cooldowns: true,
            checkpoint_bytes: CHECKPOINT_BYTES,
            steps: StepSizes::default(),
            seed: 7,
            new_secret: [7; 32],
        };
        let Ok(partition) = Partition::open(&mut journal, &options, READING) else {
            panic!("a new partition can't be opened")
        };
        let body = body().into_bytes();
        let mut house = Self { partition, journal, body, sent: 0, pending: 0, in_flight: Vec::new() };
        let (attributes, tags) = (StringMap::new(), StringMap::new());
        house.commit(vec![Command::CreateQueue { name: queue(), attributes, tags }]);
        while house.pending < PENDING {
            let sending = house.sending();
            house.commit(vec![sending]);
        }
        house
    }

    fn sending(&mut self) -> Command {
        self.sent += 1;
        let message = Outgoing {
            message_id: u128::from(self.sent).to_be_bytes(),
            size_bytes: 1024,
            delay_ms: None,
            group: None,
            deduplication_id: None,
            content_hash: None,
            stored: self.body.clone(),
        };
        Command::Send { name: queue(), messages: vec![message] }
    }

    fn deleting(&mut self) -> Command {
        Command::Delete { name: queue(), receipts: std::mem::take(&mut self.in_flight) }
    }

    /// Hands all commands in, has them appended, and takes their answers.
    fn commit(&mut self, commands: Vec<Command>) {
        let mut unanswered = commands.len();
        for command in commands {
            self.partition.call(READING, Caller, command);
        }
        // The first flush sends the batch off; a later one, what the partition has to do of its own.
        loop {
            self.partition.flush(READING);
            let outputs = self.partition.take_outputs();
            if outputs.is_empty() {
                break;
            }
            for output in outputs {
                unanswered -= usize::from(matches!(output, Output::Reply(..)));
                self.act(output);
            }
        }
        assert_eq!(unanswered, 0);
    }

    fn act(&mut self, output: Output<Caller>) {
        match output {
            Output::Reply(Caller, reply) => match reply {
                Ok(reply) => self.take(&reply),
                Err(error) => panic!("a call was refused: {error}"),
            },
            Output::Append { expected, stamp, payload } => {
                let result = self.journal.append(expected, stamp, &payload);
                self.partition.appended(READING, result);
            }
            Output::DeleteSegment(base) => assert!(self.journal.delete_segment(base).is_ok()),
            Output::Roll { needed_bytes, kept_bytes } => {
                let result = self.journal.roll(needed_bytes, kept_bytes);
                self.partition.rolled(result);
            }
            Output::Encode(entity, frozen) => self.partition.encoded(entity, frozen.encode()),
            Output::Read(queue, bodies) => {
                let found = bodies
                    .into_iter()
                    .map(|(sequence, from)| Relocation { sequence, from, bytes: self.bytes(from) })
                    .collect();
                self.partition.copied(READING, queue, found);
            }
        }
    }

    fn bytes(&self, at: BodyRef) -> Vec<u8> {
        let position = Position(at.position);
        let bytes = self.journal.reader().pin(position).map(|pin| pin.read(position, at.len));
        let Some(Ok(bytes)) = bytes else { panic!("a message is gone") };
        bytes.to_vec()
    }

    fn take(&mut self, reply: &Reply) {
        match reply {
            Reply::Sent(results) => self.pending += results.iter().filter(|result| result.is_ok()).count(),
            Reply::Received(deliveries) => {
                assert_eq!(deliveries.len(), 10);
                self.in_flight.extend(deliveries.iter().map(|delivery| delivery.receipt));
            }
            Reply::Each(results) => {
                assert!(results.iter().all(Result::is_ok));
                self.pending -= results.len();
            }
            _ => {}
        }
    }

    fn send_ten(&mut self) {
        let commands = (0..10).map(|_| self.sending()).collect();
        self.commit(commands);
    }
}

fn receiving() -> Command {
    Command::Receive(Receive {
        name: queue(),
        max_messages: 10,
        visibility_timeout_ms: None,
        wait_ms: Some(0),
        attempt_id: None,
    })
}

fn send(callers: usize) -> Box<dyn Work> {
    let prepare = |house: &mut (House, usize)| {
        let (house, callers) = (&mut house.0, house.1);
        while house.pending > 2 * PENDING {
            house.commit(vec![receiving()]);
            let deleting = house.deleting();
            house.commit(vec![deleting]);
        }
        (0..callers).map(|_| house.sending()).collect()
    };
    fed((House::new(), callers), prepare, |(house, _), commands| house.commit(commands))
}

fn receive() -> Box<dyn Work> {
    let prepare = |house: &mut House| {
        let deleting = house.deleting();
        house.commit(vec![deleting]);
        house.send_ten();
        vec![receiving()]
    };
    fed(House::new(), prepare, House::commit)
}

fn delete() -> Box<dyn Work> {
    let prepare = |house: &mut House| {
        house.send_ten();
        house.commit(vec![receiving()]);
        vec![house.deleting()]
    };
    fed(House::new(), prepare, House::commit)
}
