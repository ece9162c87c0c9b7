//! Bongsu beside message queues with other contracts.

use super::Options;
use super::brokers::{BEANSTALKD, NATS, POSTGRES, RABBITMQ, REDIS};
use super::contender::{BONGSU, Contender};
use super::install;
use super::load::{self, Figure};
use super::page::{Report, Table, time, whole};
use super::sessions::{self, Connections, Session};

/// The section.
pub(super) fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::new("Bongsu beside queues with other contracts");
    install::driver()?;
    let peers = [&REDIS, &POSTGRES, &BEANSTALKD, &RABBITMQ, &NATS];
    let mut contenders = vec![&BONGSU];
    contenders.extend(peers.into_iter().filter(|peer| options.wants(peer)));
    let connections = Connections { singles: 64, tens: 64 };
    let sessions = sessions::run(&contenders, connections, options, &mut report);
    show(&mut report, &sessions);
    targets(&mut report, &sessions);
    Ok(report)
}

fn show(report: &mut Report, sessions: &[Session]) {
    let head = [
        "",
        "version",
        "durable before the answer",
        "single sends/s",
        "CPU each",
        "p99",
        "batched sends/s",
        "received and acknowledged/s",
        "generator's core busy",
    ];
    let mut table = Table::new(&head);
    for session in sessions {
        let figures = [&session.singles, &session.batches, &session.receiving].map(|all| Figure::median(all));
        let shares = figures.map(|figure| format!("{:.0}", figure.load_share * 100.0));
        table.row(vec![
            session.contender.title.to_owned(),
            session.version.clone(),
            session.contender.durability.to_owned(),
            whole(figures[0].messages_per_s),
            time(figures[0].cpu_us_per_message),
            time(figures[0].p99_us),
            whole(figures[1].messages_per_s),
            whole(figures[2].messages_per_s),
            format!("{} %", shares.join(" / ")),
        ]);
    }
    report.table(&table);
    report.note(
        "All over 64 connections. The driver is `xtask/peers/driver`; Bongsu is loaded by `bongsu bench`. Batches are ten messages: a \
         request of Bongsu's and a statement of PostgreSQL's, pipelined elsewhere. Receiving takes ten at a time and acknowledges \
         them: XREADGROUP, then XACK and XDEL; a transaction that deletes what it took; reserve and delete; a push consumer that \
         acknowledges each ten; a pull consumer. RabbitMQ's and NATS's acknowledgements are not confirmed by the server. Where the \
         generator's core is busy (singles / batches / receiving), it may be what limits the rate.",
    );
}

fn targets(report: &mut Report, sessions: &[Session]) {
    let of = |contender: &Contender| sessions.iter().find(|session| session.contender.name == contender.name);
    let Some(bongsu) = of(&BONGSU) else { return };
    for peer in [&REDIS, &POSTGRES, &BEANSTALKD, &RABBITMQ] {
        let Some(peer) = of(peer) else { continue };
        let title = peer.contender.title;
        let singles = if peer.contender.name == REDIS.name { 0.85 } else { 1.0 };
        for (what, least, of, to) in [
            ("single sends", singles, &bongsu.singles, &peer.singles),
            ("batched sends", 1.0, &bongsu.batches, &peer.batches),
            ("received and acknowledged", 1.0, &bongsu.receiving, &peer.receiving),
        ] {
            if let Some(ratio) = load::ratio(of, to, |figure| figure.messages_per_s) {
                report.ratio(format!("{what}, times those of {title}"), least, ratio);
            }
        }
    }
}
