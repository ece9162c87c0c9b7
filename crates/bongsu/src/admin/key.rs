//! `bongsu key`.

use super::offline::Offline;
use super::table::table;
use super::target::Target;
use super::user::{items, show};
use super::{AdminError, text};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Access keys: of users, and of an account's root.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyArguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum KeyCommand {
    /// Make an access key, and print its secret, which is shown only then
    ///
    /// With --account the root of another account gets one, which is how further accounts come to be.
    Create {
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        offline: Offline,
    },
    /// List the access keys of a user, or of the account's root
    List {
        #[command(flatten)]
        owner: Owner,
    },
    /// Switch an access key off; from then on nobody gets in with it
    Disable(OneKey),
    /// Switch an access key on again
    Enable(OneKey),
    /// Remove an access key
    Delete(OneKey),
}

/// Whose keys.
#[derive(Args, Clone, Debug)]
struct Owner {
    /// Whose; without it those of whoever asks, or, with --account, of that account's root
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

#[derive(Args, Clone, Debug)]
struct OneKey {
    #[arg(value_name = "ACCESS_KEY_ID")]
    id: String,
    #[command(flatten)]
    owner: Owner,
}

impl KeyArguments {
    pub(super) fn run(self) -> Result<(), AdminError> {
        let as_json = self.target.server.json;
        if let KeyCommand::Create { owner, offline } = &self.command
            && offline.root
        {
            if owner.user.is_some() {
                return Err(AdminError::Options(
                    "--root is for the root's access key, not a user's".to_owned(),
                ));
            }
            let answer = offline.run(self.target.account.as_deref())?;
            show(as_json, &answer, || new_key(&answer));
            return Ok(());
        }
        let mut client = self.target.client()?;
        match self.command {
            KeyCommand::Create { owner, .. } => {
                let answer = client.call("CreateAccessKey", json!({ "UserName": owner.user }))?;
                show(as_json, &answer, || new_key(&answer));
            }
            KeyCommand::List { owner } => {
                let answer = client.call("ListAccessKeys", json!({ "UserName": owner.user }))?;
                show(as_json, &answer, || keys(&answer));
            }
            KeyCommand::Disable(key) => {
                let answer = client.call("UpdateAccessKey", key.with_status("Inactive"))?;
                show(as_json, &answer, || format!("{} is off\n", key.id));
            }
            KeyCommand::Enable(key) => {
                let answer = client.call("UpdateAccessKey", key.with_status("Active"))?;
                show(as_json, &answer, || format!("{} is on\n", key.id));
            }
            KeyCommand::Delete(key) => {
                let input = json!({ "AccessKeyId": key.id, "UserName": key.owner.user });
                let answer = client.call("DeleteAccessKey", input)?;
                show(as_json, &answer, || format!("removed {}\n", key.id));
            }
        }
        Ok(())
    }
}

impl OneKey {
    fn with_status(&self, status: &str) -> Value {
        json!({ "AccessKeyId": self.id, "UserName": self.owner.user, "Status": status })
    }
}

/// In the form that shells and environment files read.
fn new_key(answer: &Value) -> String {
    let key = &answer["AccessKey"];
    let (id, secret) = (text(key, "AccessKeyId"), text(key, "SecretAccessKey"));
    let owner = text(key, "UserName");
    format!(
        "# Access key of {owner}. The secret is shown only now.\nAWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}\n"
    )
}

fn keys(answer: &Value) -> String {
    let members = ["AccessKeyId", "UserName", "Status", "CreateDate"];
    let rows: Vec<_> = items(&answer["AccessKeyMetadata"])
        .map(|key| members.map(|member| text(key, member).to_owned()))
        .collect();
    table(["ID", "OWNER", "STATUS", "MADE"], &rows)
}
