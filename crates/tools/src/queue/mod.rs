//! `bongsu queue`: what people do with queues, from the command line.
//!
//! `session` asks the service and finds queues by name, URL or ARN; `attributes` has what both creating and showing know of a queue's
//! attributes, `message` how messages are shown. The others have a command each.

pub(crate) mod attributes;
mod browse;
mod create;
mod erase;
mod list;
mod message;
mod receive;
mod redrive;
mod send;
pub(crate) mod session;
mod show;
#[cfg(test)]
mod tests;
mod watch;

use crate::client::Target;
use crate::error::ToolError;
use clap::{Args, Subcommand};
use session::Session;

/// Queues, of this server or any other that speaks SQS: look at them, send, receive, move, remove
///
/// QUEUE is a name, a URL or an ARN.
#[derive(Args, Clone, Debug)]
pub struct QueueArguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: QueueCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum QueueCommand {
    List(list::List),
    Create(Box<create::Create>),
    Show(show::Show),
    Send(Box<send::Send>),
    Receive(receive::Receive),
    Browse(browse::Browse),
    Purge(erase::Purge),
    Delete(erase::Delete),
    Redrive(redrive::Redrive),
    Watch(watch::Watch),
}

impl QueueArguments {
    /// Does it.
    ///
    /// # Errors
    /// [`ToolError`].
    pub fn run(self) -> Result<(), ToolError> {
        let named = self.command.queues();
        let mut session = Session::open(self.target, &named)?;
        match self.command {
            QueueCommand::List(list) => list.run(&mut session),
            QueueCommand::Create(create) => create.run(&mut session),
            QueueCommand::Show(show) => show.run(&mut session),
            QueueCommand::Send(send) => send.run(&mut session),
            QueueCommand::Receive(receive) => receive.run(&mut session),
            QueueCommand::Browse(browse) => browse.run(&mut session),
            QueueCommand::Purge(purge) => purge.run(&mut session),
            QueueCommand::Delete(delete) => delete.run(&mut session),
            QueueCommand::Redrive(redrive) => redrive.run(&mut session),
            QueueCommand::Watch(watch) => watch.run(&mut session),
        }
    }
}

impl QueueCommand {
    /// The queues that it names: where no endpoint is named, their URLs say where to go.
    fn queues(&self) -> Vec<String> {
        match self {
            Self::List(_) => Vec::new(),
            Self::Create(create) => vec![create.name.clone()],
            Self::Show(show) => show.queues.clone(),
            Self::Send(send) => vec![send.queue.clone()],
            Self::Receive(receive) => vec![receive.queue.clone()],
            Self::Browse(browse) => vec![browse.queue.clone()],
            Self::Purge(purge) => purge.queues.clone(),
            Self::Delete(delete) => delete.queues.clone(),
            Self::Redrive(redrive) => vec![redrive.queue.clone()],
            Self::Watch(watch) => watch.queues.clone(),
        }
    }
}
