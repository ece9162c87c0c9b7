//! What is measured of Bongsu and peers alike: in each round each is started, sent to, received from, and ended.

use super::Options;
use super::contender::{Contender, Running, Speaks};
use super::load::{Figure, Load};
use super::page::Report;
use crate::measure::text::median;

/// Not all of what was sent is received: with the last few, receivers would wait for each other.
const SHARE_RECEIVED: f64 = 0.95;

/// What the rounds found of one contender.
pub(super) struct Session {
    pub(super) contender: &'static Contender,
    pub(super) version: String,
    start_up_ms: Vec<f64>,
    /// A figure a round.
    pub(super) singles: Vec<Figure>,
    pub(super) batches: Vec<Figure>,
    pub(super) receiving: Vec<Figure>,
}

/// How many connections send single messages, and do all else.
#[derive(Clone, Copy)]
pub(super) struct Connections {
    pub(super) singles: u64,
    pub(super) tens: u64,
}

impl Session {
    pub(super) fn start_up_ms(&self) -> f64 {
        median(self.start_up_ms.clone())
    }

    /// One round.
    fn round(
        &mut self,
        connections: Connections,
        options: &Options,
        report: &mut Report,
    ) -> Result<(), String> {
        let mut running = Running::start(self.contender, options, 0)?;
        self.start_up_ms.push(running.start_up.as_secs_f64() * 1e3);
        let seconds = options.seconds;
        let speaks = self.contender.speaks;
        let mut run = |load: Load, running: &mut Running| {
            let figure = load.run(running, options)?;
            report.command(load.shown(speaks));
            Ok::<_, String>(figure)
        };
        // What compiles as it runs gets the time to do so.
        for load in [singles(speaks, connections, seconds / 2.0), tens(speaks, connections, seconds / 2.0)] {
            load.run(&mut running, options)?;
        }
        let single = run(singles(speaks, connections, seconds), &mut running)?;
        let batch = run(tens(speaks, connections, seconds), &mut running)?;
        let sent = (single.messages + batch.messages) * SHARE_RECEIVED;
        let received = receiving(speaks, connections, sent as u64, seconds).run(&mut running, options)?;
        self.singles.push(single);
        self.batches.push(batch);
        self.receiving.push(received);
        // How many that are differs from round to round.
        let shown = receiving(speaks, connections, 0, seconds).shown(speaks);
        report.command(shown.replace("messages 0", "messages N"));
        Ok(())
    }
}

fn singles(speaks: Speaks, connections: Connections, seconds: f64) -> Load {
    let count = connections.singles;
    match speaks {
        Speaks::Sqs => {
            let arguments = format!("send --connections {count} --duration {seconds} --warmup 0");
            Load::new(arguments, "SendMessage")
        }
        Speaks::Other(_) => Load::new(format!("-mode send -connections {count} -duration {seconds}"), ""),
    }
}

fn tens(speaks: Speaks, connections: Connections, seconds: f64) -> Load {
    let count = connections.tens;
    match speaks {
        Speaks::Sqs => {
            let arguments = format!("send-batch --connections {count} --duration {seconds} --warmup 0");
            Load::new(arguments, "SendMessageBatch")
        }
        Speaks::Other(_) => {
            Load::new(format!("-mode send -batch 10 -connections {count} -duration {seconds}"), "")
        }
    }
}

fn receiving(speaks: Speaks, connections: Connections, messages: u64, seconds: f64) -> Load {
    let count = connections.tens;
    match speaks {
        Speaks::Sqs => Load::new(
            format!(
                "receive-delete --connections {count} --messages {messages} --duration {seconds} --warmup 0"
            ),
            "DeleteMessage(Batch)",
        ),
        Speaks::Other(_) => Load::new(
            format!("-mode receive -batch 10 -connections {count} -messages {messages} -duration {seconds}"),
            "",
        ),
    }
}

/// All rounds of all contenders; who can't be set up or fails is said in the report and left out from then on.
pub(super) fn run(
    contenders: &[&'static Contender],
    connections: Connections,
    options: &Options,
    report: &mut Report,
) -> Vec<Session> {
    let mut sessions = Vec::new();
    for contender in contenders.iter().copied() {
        match (contender.set_up)() {
            Ok(version) => sessions.push(Session {
                contender,
                version,
                start_up_ms: Vec::new(),
                singles: Vec::new(),
                batches: Vec::new(),
                receiving: Vec::new(),
            }),
            Err(error) => missing(report, contender, &format!("can't be set up here: {error}")),
        }
    }
    for round in 0..options.rounds {
        eprintln!("   round {} of {}", round + 1, options.rounds);
        sessions.retain_mut(|session| {
            eprintln!("   {} …", session.contender.title);
            let Err(error) = session.round(connections, options, report) else { return true };
            missing(report, session.contender, &format!("failed in round {}: {error}", round + 1));
            false
        });
    }
    sessions
}

fn missing(report: &mut Report, contender: &Contender, why: &str) {
    let why = why.replace('\n', " / ");
    eprintln!("   {}: {why}", contender.title);
    report.note(format!("**{} is missing**: {why}", contender.title));
}

#[cfg(test)]
mod tests {
    use super::{Connections, receiving, singles, tens};
    use crate::bench::contender::Speaks;

    const CONNECTIONS: Connections = Connections { singles: 64, tens: 16 };

    #[test]
    fn both_generators_are_asked_for_the_same() {
        let shown = |speaks| {
            [
                singles(speaks, CONNECTIONS, 4.0),
                tens(speaks, CONNECTIONS, 4.0),
                receiving(speaks, CONNECTIONS, 95, 4.0),
            ]
            .map(|load| load.shown(speaks))
        };
        assert_eq!(
            shown(Speaks::Sqs),
            [
                "bongsu bench send --connections 64 --duration 4 --warmup 0",
                "bongsu bench send-batch --connections 16 --duration 4 --warmup 0",
                "bongsu bench receive-delete --connections 16 --messages 95 --duration 4 --warmup 0",
            ]
        );
        assert_eq!(
            shown(Speaks::Other("redis")),
            [
                "driver -protocol redis -mode send -connections 64 -duration 4",
                "driver -protocol redis -mode send -batch 10 -connections 16 -duration 4",
                "driver -protocol redis -mode receive -batch 10 -connections 16 -messages 95 -duration 4",
            ]
        );
    }
}
