//! Commands of the AWS CLI, as far as they make queues.

use super::follow::{Field, Shell};
use super::shorthand;
use crate::import::declared::take_redrive_policy;
use crate::import::plan::{Place, Planned};
use std::collections::BTreeMap;

const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_ACCOUNT: &str = "000000000000";

/// Commands that run others; what they are given before `aws` is theirs.
const WRAPPERS: [&str; 10] =
    ["docker", "docker-compose", "podman", "kubectl", "sudo", "time", "env", "exec", "command", "retry"];
/// The AWS CLI by the names that it goes by.
const NAMES: [&str; 4] = ["aws", "awslocal", "aws2", "awslocal2"];
/// Options of the AWS CLI itself that have a value.
const GLOBAL: [&str; 12] = [
    "endpoint-url",
    "endpoint",
    "region",
    "profile",
    "output",
    "query",
    "color",
    "ca-bundle",
    "cli-read-timeout",
    "cli-connect-timeout",
    "cli-binary-format",
    "cli-auto-prompt",
];

/// A command of the AWS CLI.
pub(super) struct Aws {
    pub(super) service: String,
    pub(super) action: String,
    /// Values by option, without the dashes.
    pub(super) options: BTreeMap<String, Vec<Field>>,
}

/// Reads a command; `None`: it is another one.
pub(super) fn read(fields: &[Field]) -> Option<Aws> {
    let base = |field: &Field| field.text.rsplit('/').next().unwrap_or_default().to_owned();
    let is_wrapped = WRAPPERS.contains(&base(fields.first()?).as_str());
    let at = fields.iter().position(|field| NAMES.contains(&base(field).as_str()))?;
    if at > 0 && !is_wrapped {
        return None;
    }
    let (mut options, mut words) = (BTreeMap::new(), Vec::new());
    let mut last: Option<(String, bool)> = None;
    for field in &fields[at + 1..] {
        if let Some(option) = field.text.strip_prefix("--").filter(|option| !option.is_empty()) {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(Field { text: value.to_owned(), ..field.clone() })),
                None => (option, None),
            };
            let is_done = value.is_some();
            options.entry(name.to_owned()).or_insert_with(Vec::new).extend(value);
            // After the action every option of the command may have several values.
            last = (!is_done && (words.len() >= 2 || GLOBAL.contains(&name)))
                .then(|| (name.to_owned(), words.len() < 2));
            continue;
        }
        match last.take() {
            Some((name, is_single)) => {
                options.entry(name.clone()).or_insert_with(Vec::new).push(field.clone());
                last = (!is_single).then_some((name, false));
            }
            None => words.push(field.text.clone()),
        }
    }
    let mut words = words.into_iter();
    Some(Aws { service: words.next()?, action: words.next().unwrap_or_default(), options })
}

/// Does what the command would do, in the plan; what it would say.
pub(super) fn act(
    shell: &mut Shell<'_>,
    line: u32,
    service: &str,
    action: &str,
    options: &BTreeMap<String, Vec<Field>>,
) -> Option<Field> {
    let place = shell.place(line);
    if service != "sqs" {
        if !["configure", "sts", "help"].contains(&service) {
            shell.plan.lose(&place, format!("{service} {action}: only queues are taken over"));
        }
        return None;
    }
    let mut command = Command { shell, place, action, options };
    match action {
        "create-queue" => command.create(),
        "get-queue-url" => command.name("queue-name").map(|name| url(&name)),
        "get-queue-attributes" => {
            let name = command.named_by_url()?;
            let region = command.region().unwrap_or_else(|| DEFAULT_REGION.to_owned());
            // It is asked for to be put into a redrive policy.
            Some(known(format!("arn:aws:sqs:{region}:{DEFAULT_ACCOUNT}:{name}")))
        }
        "set-queue-attributes" => {
            command.change(|queue, attributes| queue.attributes.extend(attributes), "attributes")
        }
        "tag-queue" => command.change(|queue, tags| queue.tags.extend(tags), "tags"),
        "list-queues" | "wait" | "list-queue-tags" | "help" => None,
        _ => {
            let text = format!("sqs {action}: queues are made, and nothing is done with them");
            command.shell.plan.lose(&command.place, text);
            None
        }
    }
}

fn known(text: String) -> Field {
    Field { text, unknown: None }
}

/// What URLs look like is of no account: their last part is what is looked at.
fn url(name: &str) -> Field {
    known(format!("http://localhost:4566/{DEFAULT_ACCOUNT}/{name}"))
}

struct Command<'s, 'a, 'c> {
    shell: &'s mut Shell<'a>,
    place: Place,
    action: &'c str,
    options: &'c BTreeMap<String, Vec<Field>>,
}

impl Command<'_, '_, '_> {
    fn lose(&mut self, text: &str) {
        let text = format!("sqs {}: {text}", self.action);
        self.shell.plan.lose(&self.place, text);
    }

    /// The values of an option as one text.
    fn option(&mut self, name: &str) -> Option<String> {
        let fields = self.options.get(name)?;
        if let Some(unknown) = fields.iter().find_map(|field| field.unknown.as_ref()) {
            let text = format!("--{name}: {unknown} has no value here");
            self.lose(&text);
            return None;
        }
        let texts: Vec<_> = fields.iter().map(|field| field.text.as_str()).collect();
        Some(texts.join(" "))
    }

    fn name(&mut self, option: &str) -> Option<String> {
        let has_option = self.options.contains_key(option);
        let name = self.option(option);
        if !has_option {
            self.lose(&format!("--{option} is missing"));
        }
        name.filter(|name| !name.is_empty())
    }

    fn named_by_url(&mut self) -> Option<String> {
        let url = self.name("queue-url")?;
        Some(url.trim_end_matches('/').rsplit('/').next().unwrap_or(&url).to_owned())
    }

    fn region(&mut self) -> Option<String> {
        self.options.get("region").and_then(|fields| fields.first()).map(|field| field.text.clone())
    }

    /// The text of an option's value, which may be in a file.
    fn content(&mut self, option: &str) -> Option<String> {
        let text = self.option(option)?;
        let Some(path) = text.strip_prefix("file://") else { return Some(text) };
        let content = (self.shell.outside.read)(path);
        if content.is_none() {
            self.lose(&format!("--{option}: there is no file {path}"));
        }
        content
    }

    fn map(&mut self, option: &str) -> BTreeMap<String, String> {
        if !self.options.contains_key(option) {
            return BTreeMap::new();
        }
        let Some(text) = self.content(option) else { return BTreeMap::new() };
        // Words apart from each other are pairs too.
        let parts: Vec<_> = match self.options.get(option) {
            Some(fields) if fields.len() > 1 && !text.starts_with('{') => {
                fields.iter().map(|field| field.text.as_str()).collect()
            }
            _ => vec![text.as_str()],
        };
        let read = parts.iter().map(|part| shorthand::map(part)).collect::<Result<Vec<_>, _>>();
        let read = read.map(|maps| maps.into_iter().flatten().collect());
        read.unwrap_or_else(|reason| {
            self.lose(&format!("--{option}: {reason}"));
            BTreeMap::new()
        })
    }

    fn create(&mut self) -> Option<Field> {
        let input: serde_json::Value = match self.options.contains_key("cli-input-json") {
            true => serde_json::from_str(&self.content("cli-input-json")?).unwrap_or_default(),
            false => serde_json::Value::Null,
        };
        let name = match input["QueueName"].as_str() {
            Some(name) if !self.options.contains_key("queue-name") => name.to_owned(),
            _ => self.name("queue-name")?,
        };
        let mut queue = Planned::new(&name, self.place.clone());
        queue.attributes.extend(shorthand::of_json(&input["Attributes"]));
        queue.attributes.extend(self.map("attributes"));
        queue.tags.extend(shorthand::of_json(&input["tags"]));
        queue.tags.extend(self.map("tags"));
        take_redrive_policy(&mut queue, &mut self.shell.plan);
        let region = self.region();
        match (&self.shell.plan.region, region) {
            (None, region) => self.shell.plan.region = region,
            (Some(known), Some(other)) if *known != other => {
                let text = format!("{name}: --region {other}: it is made where the others are");
                self.lose(&text);
            }
            _ => {}
        }
        self.shell.plan.add(queue);
        Some(url(&name))
    }

    /// Changes a queue of the plan by an option's map.
    fn change(
        &mut self,
        apply: impl FnOnce(&mut Planned, BTreeMap<String, String>),
        option: &str,
    ) -> Option<Field> {
        let name = self.named_by_url()?;
        let map = self.map(option);
        match self.shell.plan.find(&name).cloned() {
            None => self.lose(&format!("{name} is not made in this script")),
            Some(mut queue) => {
                apply(&mut queue, map);
                if queue.attributes.contains_key("RedrivePolicy") {
                    take_redrive_policy(&mut queue, &mut self.shell.plan);
                }
                if let Some(known) = self.shell.plan.find(&name) {
                    *known = queue;
                }
            }
        }
        None
    }
}
