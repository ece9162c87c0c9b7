//! A new key for a root that has lost its own: on the store itself, as without a key nobody gets in.

use super::AdminError;
use crate::serve::{self, Store};
use bongsu_server::config::{Account, JournalKind, Overrides, Settings};
use bongsu_server::keys::master::MasterKeySource;
use bongsu_server::new_root_key;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Which store, and how it is opened. Without `--root` none of this matters, and nothing asks for it either: the server's own
/// environment, in which it may all be set, must not keep anybody from asking the server.
#[derive(Args, Clone, Debug)]
pub(super) struct Offline {
    /// Make a key for the root of the default account (or --account) without a server, on a store that nobody serves
    #[arg(long)]
    pub(super) root: bool,
    /// The store
    #[arg(long, env = "BONGSU_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// File with the store's master key [default: master.key in the data directory]
    #[arg(long, env = "BONGSU_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Command that prints the master key; the key itself may also be in BONGSU_MASTER_KEY
    #[arg(long, env = "BONGSU_MASTER_KEY_COMMAND", value_name = "COMMAND")]
    master_key_command: Option<String>,
    /// The server's configuration file, for all of these
    #[arg(long, env = "BONGSU_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Remove the keys that the root has: needed where it has two
    #[arg(long, requires = "root")]
    replace: bool,
}

impl Offline {
    /// Makes the key; the answer has the form of the server's.
    ///
    /// # Errors
    /// There is no such store, it is in use, or it was sealed with another master key.
    pub(super) fn run(&self, account: Option<&str>) -> Result<Value, AdminError> {
        let overrides = Overrides {
            data_dir: self.data_dir.clone(),
            journal: Some(JournalKind::File),
            master_key_file: self.master_key_file.clone(),
            master_key_command: self.master_key_command.clone(),
            master_key: std::env::var("BONGSU_MASTER_KEY").ok().map(Zeroizing::new),
            ..Overrides::default()
        };
        let mut settings =
            Settings::load(self.config.as_deref(), overrides).map_err(serve::ServeError::from)?;
        if !is_store(&settings.data_dir) {
            let dir = settings.data_dir.display();
            return Err(AdminError::Options(format!("there is no store in {dir}: name it with --data-dir")));
        }
        // A new master key would open nothing.
        if let MasterKeySource::OwnFile(path) = settings.master_key {
            settings.master_key = MasterKeySource::File(path);
        }
        let account = match account {
            None => settings.account.clone(),
            Some(account) => {
                Account::new(account).map_err(|reason| AdminError::Options(reason.to_owned()))?
            }
        };
        let (node, master) = serve::open(&settings, Store::default())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let made = runtime.block_on(new_root_key(&node, master, &account, self.replace));
        node.shutdown().map_err(serve::ServeError::Close)?;
        let key = made?;
        Ok(json!({ "AccessKey": {
            "UserName": format!("the root of account {account}"),
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret.reveal(),
            "Status": "Active",
        } }))
    }
}

/// Whether something is there: opening an empty directory would begin a new store.
fn is_store(dir: &Path) -> bool {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.path().extension().is_some_and(|extension| extension == "segment"))
}
