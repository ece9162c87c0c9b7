//! The command line of `bongsu bench`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// One SendMessage after the other on every connection
    Send(Box<LoadArguments>),
    /// SendMessageBatch, ten messages at a time unless --batch says otherwise
    SendBatch(Box<LoadArguments>),
    /// ReceiveMessage, then DeleteMessageBatch of what came
    ReceiveDelete(Box<LoadArguments>),
    /// Half of the connections send, the others receive; measures from a send's begin to the message's arrival
    EndToEnd(Box<LoadArguments>),
    /// Half of the connections send in batches, the others receive and delete
    Mixed(Box<LoadArguments>),
    /// Sends --messages as fast as it can, in batches
    Fill(Box<LoadArguments>),
    /// Receives and does not delete; on an empty queue with --wait-seconds 20: long polls
    Hold(Box<LoadArguments>),
    /// A server that does only what any durable queue must: HTTP, JSON, MD5, one sync for all who wait
    Null(NullArguments),
}

/// Whom to load, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArguments {
    /// Where the service is; plain HTTP [default: AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, the profile's endpoint_url,
    /// http://127.0.0.1:9324]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The queue; made if it is missing
    #[arg(long, default_value = "bench", value_name = "NAME")]
    pub(crate) queue: String,
    /// Spread the load over so many queues, called NAME-0, NAME-1 and so on
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) queues: u64,
    /// The queue is a FIFO queue (also said by a name that ends in .fifo)
    #[arg(long)]
    pub(crate) fifo: bool,
    /// An attribute to make the queue with; may be given several times
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) attributes: Vec<(String, String)>,
    /// Connections, each with one request under way
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) connections: u64,
    /// Threads that share the connections
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: u64,
    /// CPUs to run the threads on, in turn
    #[arg(long, value_name = "CPU,…", value_delimiter = ',')]
    pub(crate) cpus: Vec<usize>,
    /// Size of a message's body
    #[arg(long, default_value_t = 1024, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub(crate) message_bytes: u64,
    /// Messages in a batch, at most
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10))]
    pub(crate) batch: u64,
    /// Message groups (on a standard queue: tenants) to spread messages over; 0: none on a standard queue, one on FIFO
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) groups: u64,
    /// What the groups' names begin with
    #[arg(long, default_value = "group", value_name = "TEXT")]
    pub(crate) group_prefix: String,
    /// Delay each message by a random time of up to so many seconds
    #[arg(long, default_value_t = 0, value_name = "S", value_parser = clap::value_parser!(u64).range(..=900))]
    pub(crate) max_delay_seconds: u64,
    /// ReceiveMessage's WaitTimeSeconds
    #[arg(long, default_value_t = 1, value_name = "S", value_parser = clap::value_parser!(u64).range(..=20))]
    pub(crate) wait_seconds: u64,
    /// ReceiveMessage's VisibilityTimeout; else the queue's own
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..=43_200))]
    pub(crate) visibility_timeout_seconds: Option<u64>,
    /// Send so many messages before the measurement
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) fill: u64,
    /// Begin so many messages a second, whether earlier ones are answered or not (open loop); else as fast as answers
    /// come (closed loop)
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// How long to measure [default: 10, if --messages is not given]
    #[arg(long = "duration", value_name = "S", value_parser = positive)]
    pub(crate) duration_seconds: Option<f64>,
    /// How many messages to send, or to receive
    #[arg(long, value_name = "N")]
    pub(crate) messages: Option<u64>,
    /// Load without measuring first [default: 1 with --duration, 0 with --messages]
    #[arg(long = "warmup", value_name = "S", value_parser = not_negative)]
    pub(crate) warmup_seconds: Option<f64>,
    /// End when nothing was received for so long
    #[arg(long, default_value_t = 10.0, value_name = "S", value_parser = positive)]
    pub(crate) patience_seconds: f64,
    /// Leave requests unsigned
    #[arg(long)]
    pub(crate) no_sign: bool,
    /// Region in signatures [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Profile of ~/.aws/config and ~/.aws/credentials
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Whose requests these are [default: AWS_ACCESS_KEY_ID and so on, the profile's, bench]
    #[arg(long, value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
    #[arg(long, hide = true, requires = "access_key_id")]
    pub(crate) secret_access_key: Option<String>,
    /// The server's process, whose CPU time and memory are shown beside
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the null server works.
#[derive(Args, Clone, Debug)]
pub(crate) struct NullArguments {
    /// Host and port to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:9325", value_name = "HOST:PORT")]
    pub(crate) listen: String,
    /// Where its file lies [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Threads that serve HTTP
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: u64,
    /// Write, but do not sync
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Make each sync take so much longer
    #[arg(long, default_value_t = 0.0, value_name = "MS", value_parser = not_negative)]
    pub(crate) sync_delay_ms: f64,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("an attribute is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "a number is wanted")?;
    // As seconds it must also fit what a clock can add.
    (number.is_finite() && (0.0..=1e9).contains(&number))
        .then_some(number)
        .ok_or_else(|| "a number from 0 to a billion is wanted".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    not_negative(text).and_then(|number| (number > 0.0).then_some(number).ok_or("must not be 0".to_owned()))
}
