//! `bongsu policy`.

use super::target::Target;
use super::user::{items, show};
use super::{AdminError, print, text};
use bongsu_server::{PolicyOf, check_policy};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Policies of users, and what they come to. (Policies of queues are set with SetQueueAttributes.)
#[derive(Args, Clone, Debug)]
pub(crate) struct PolicyArguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum PolicyCommand {
    /// Give a user a policy, or replace the one of this name
    Put {
        #[command(flatten)]
        policy: OnePolicy,
        /// The policy's text in JSON; `-` is standard input
        file: PathBuf,
    },
    /// Print a policy of a user
    Get(OnePolicy),
    /// List the policies of a user
    List {
        #[arg(long, value_name = "NAME")]
        user: String,
    },
    /// Take a policy from a user
    Delete(OnePolicy),
    /// Say what would be decided about a request, and by which statement; exit code 1: it would be refused
    Test(Box<Test>),
    /// Check a policy's text without a server; exit code 2: it is none
    Check {
        /// `-` is standard input
        file: PathBuf,
        /// It is meant for a queue, not for a user
        #[arg(long)]
        queue: bool,
    },
}

#[derive(Args, Clone, Debug)]
struct OnePolicy {
    /// Whose
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Which
    #[arg(long = "name", value_name = "NAME")]
    name: String,
}

#[derive(Args, Clone, Debug)]
struct Test {
    /// Who asks; without it (and without --policy) the account's root
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Nobody in particular asks: somebody without credentials
    #[arg(long, conflicts_with_all = ["user", "policy"])]
    anonymous: bool,
    /// Such as sqs:SendMessage
    #[arg(long)]
    action: String,
    /// The queue's ARN; `*` for actions that are about none
    #[arg(long, value_name = "ARN")]
    resource: String,
    /// Where the request comes from
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<String>,
    /// When, such as 2026-11-21T10:30:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Another condition key, such as aws:SecureTransport=true; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    context: Vec<(String, String)>,
    /// Decide by this policy in place of the user's
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Decide by this policy in place of the queue's
    #[arg(long, value_name = "FILE")]
    queue_policy: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a condition key is given as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl PolicyArguments {
    /// Says whether a tested request would be allowed; of anything else, true.
    pub(super) fn run(self) -> Result<bool, AdminError> {
        let Self { target, command } = self;
        let as_json = target.server.json;
        if let PolicyCommand::Check { file, queue } = &command {
            return check(file, *queue).map(|()| true);
        }
        let mut client = target.client()?;
        match command {
            PolicyCommand::Put { policy: OnePolicy { user, name }, file } => {
                let document = read(&file)?;
                let input = json!({ "UserName": user, "PolicyName": name, "PolicyDocument": document });
                let answer = client.call("PutUserPolicy", input)?;
                show(as_json, &answer, || format!("the user {user} has the policy {name}\n"));
            }
            PolicyCommand::Get(policy) => {
                let answer = client.call("GetUserPolicy", policy.input())?;
                show(as_json, &answer, || format!("{}\n", text(&answer, "PolicyDocument").trim_end()));
            }
            PolicyCommand::List { user } => {
                let answer = client.call("ListUserPolicies", json!({ "UserName": user }))?;
                let names = items(&answer["PolicyNames"]).filter_map(Value::as_str);
                show(as_json, &answer, || names.map(|name| format!("{name}\n")).collect());
            }
            PolicyCommand::Delete(policy) => {
                let answer = client.call("DeleteUserPolicy", policy.input())?;
                show(as_json, &answer, || {
                    format!("the user {} had the policy {}\n", policy.user, policy.name)
                });
            }
            PolicyCommand::Test(test) => {
                let answer = client.call("SimulatePolicy", test.input()?)?;
                show(as_json, &answer, || decision(&answer));
                return Ok(answer["Allowed"] == json!(true));
            }
            PolicyCommand::Check { .. } => {}
        }
        Ok(true)
    }
}

impl OnePolicy {
    fn input(&self) -> Value {
        json!({ "UserName": self.user, "PolicyName": self.name })
    }
}

impl Test {
    fn input(&self) -> Result<Value, AdminError> {
        let mut context: Map<String, Value> = Map::new();
        let given = [("aws:SourceIp", &self.source_ip), ("aws:CurrentTime", &self.time)];
        context.extend(
            given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))),
        );
        for (key, value) in &self.context {
            // A key that is given several times has several values.
            let values = context.entry(key.as_str()).or_insert_with(|| json!([]));
            match values {
                Value::Array(values) => values.push(json!(value)),
                one => *one = json!([one.take(), value]),
            }
        }
        Ok(json!({
            "UserName": self.user,
            "Anonymous": self.anonymous,
            "Action": self.action,
            "Resource": self.resource,
            "Context": context,
            "PolicyDocument": self.policy.as_deref().map(read).transpose()?,
            "QueuePolicy": self.queue_policy.as_deref().map(read).transpose()?,
        }))
    }
}

fn decision(answer: &Value) -> String {
    let note = match text(answer, "Note") {
        "" => String::new(),
        note => format!("({note})\n"),
    };
    format!("{}\n{note}", text(answer, "Reason"))
}

fn read(path: &Path) -> Result<String, AdminError> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(|_| text),
        _ => std::fs::read_to_string(path),
    };
    read.map_err(|reason| AdminError::File { path: path.to_owned(), reason })
}

fn check(path: &Path, of_queue: bool) -> Result<(), AdminError> {
    let of = if of_queue { PolicyOf::Queue } else { PolicyOf::User };
    let statements = check_policy(&read(path)?, of);
    let statements = statements.map_err(|reason| AdminError::Policy { path: path.to_owned(), reason })?;
    print(&format!(
        "a policy of {statements} {}\n",
        if statements == 1 { "statement" } else { "statements" }
    ));
    Ok(())
}
