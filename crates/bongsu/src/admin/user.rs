//! `bongsu user`.

use super::table::table;
use super::target::{Client, Target};
use super::{AdminError, print, print_json, text};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Users: who they are, and what belongs to them.
#[derive(Args, Clone, Debug)]
pub(crate) struct UserArguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum UserCommand {
    /// Make a user; it can do nothing until it has a policy (or a queue's policy names it), and an access key
    Create {
        name: String,
        /// May be given several times
        #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = pair)]
        tags: Vec<(String, String)>,
    },
    /// List an account's users
    List,
    /// Show a user, with its access keys and policies
    Show { name: String },
    /// Remove a user and its policies; its access keys have to be gone
    Delete { name: String },
    /// Give a user tags, or take them from it
    Tag {
        name: String,
        #[arg(value_name = "KEY=VALUE", value_parser = pair, required_unless_present = "remove")]
        tags: Vec<(String, String)>,
        /// May be given several times
        #[arg(long, value_name = "KEY")]
        remove: Vec<String>,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a tag is given as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

impl UserArguments {
    pub(super) fn run(self) -> Result<(), AdminError> {
        let (mut client, as_json) = (self.target.client()?, self.target.server.json);
        match self.command {
            UserCommand::Create { name, tags: given } => {
                let answer = client.call("CreateUser", json!({ "UserName": name, "Tags": tags(&given) }))?;
                show(as_json, &answer, || format!("made {}\n", text(&answer["User"], "Arn")));
            }
            UserCommand::List => {
                let answer = list(&mut client)?;
                show(as_json, &answer, || users(&answer));
            }
            UserCommand::Show { name } => {
                let answer = whole(&mut client, &name)?;
                show(as_json, &answer, || user(&answer));
            }
            UserCommand::Delete { name } => {
                let answer = client.call("DeleteUser", json!({ "UserName": name }))?;
                show(as_json, &answer, || format!("removed the user {name}\n"));
            }
            UserCommand::Tag { name, tags: given, remove } => {
                if !remove.is_empty() {
                    client.call("UntagUser", json!({ "UserName": name, "TagKeys": remove }))?;
                }
                if !given.is_empty() {
                    client.call("TagUser", json!({ "UserName": name, "Tags": tags(&given) }))?;
                }
                let answer = client.call("ListUserTags", json!({ "UserName": name }))?;
                show(as_json, &answer, || shown_tags(&answer["Tags"], "\n") + "\n");
            }
        }
        Ok(())
    }
}

/// Prints an answer as it came, or in words.
pub(super) fn show(as_json: bool, answer: &Value, in_words: impl FnOnce() -> String) {
    if as_json {
        print_json(answer);
    } else {
        print(&in_words());
    }
}

/// All pages of an account's users as one.
fn list(client: &mut Client) -> Result<Value, AdminError> {
    let (mut users, mut marker) = (Vec::new(), Value::Null);
    loop {
        let mut page = client.call("ListUsers", json!({ "Marker": marker, "MaxItems": 1000 }))?;
        if let Value::Array(found) = page["Users"].take() {
            users.extend(found);
        }
        if page["IsTruncated"] != json!(true) {
            return Ok(json!({ "Users": users }));
        }
        marker = page["Marker"].take();
    }
}

/// A user with its access keys and policies.
fn whole(client: &mut Client, name: &str) -> Result<Value, AdminError> {
    let named = || json!({ "UserName": name });
    let mut answer = client.call("GetUser", named())?;
    let mut keys = client.call("ListAccessKeys", named())?;
    answer["AccessKeys"] = keys["AccessKeyMetadata"].take();
    let mut policies = client.call("ListUserPolicies", named())?;
    answer["Policies"] = policies["PolicyNames"].take();
    Ok(answer)
}

fn users(answer: &Value) -> String {
    let rows: Vec<_> = items(&answer["Users"])
        .map(|user| ["UserName", "UserId", "CreateDate"].map(|name| text(user, name).to_owned()))
        .zip(items(&answer["Users"]))
        .map(|([name, id, made], user)| [name, id, made, shown_tags(&user["Tags"], " ")])
        .collect();
    table(["NAME", "ID", "MADE", "TAGS"], &rows)
}

fn user(answer: &Value) -> String {
    let user = &answer["User"];
    let mut shown = format!(
        "{}\n  id        {}\n  made      {}\n",
        text(user, "Arn"),
        text(user, "UserId"),
        text(user, "CreateDate")
    );
    for (label, line) in [
        ("tags", shown_tags(&user["Tags"], " ")),
        ("policies", items(&answer["Policies"]).filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        ("keys", items(&answer["AccessKeys"]).map(key).collect::<Vec<_>>().join(" ")),
    ] {
        let line = if line.is_empty() { "-" } else { &line };
        shown.push_str(&format!("  {label:8}  {line}\n"));
    }
    shown
}

fn key(key: &Value) -> String {
    let (id, status) = (text(key, "AccessKeyId"), text(key, "Status"));
    format!("{id} ({})", status.to_lowercase())
}

/// The items of a list.
pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn shown_tags(tags: &Value, between: &str) -> String {
    let tags = items(tags).map(|tag| format!("{}={}", text(tag, "Key"), text(tag, "Value")));
    tags.collect::<Vec<_>>().join(between)
}
