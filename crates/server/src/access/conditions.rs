//! The condition keys of a request, made when a policy asks for one.

use super::caller::Caller;
use crate::clock;
use bongsu_engine::StringMap;
use bongsu_policy::{Context, Value, Values};
use hyper::HeaderMap;

/// What a request shows to policies.
pub(crate) struct Conditions<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) headers: &'a HeaderMap,
    /// Whether the connection is encrypted.
    pub(crate) is_secure: bool,
    /// The account that the resource belongs to.
    pub(crate) resource_account: &'a str,
    /// The tags of what the request is about.
    pub(crate) resource_tags: Option<&'a StringMap>,
    /// The region that the request acts in: of the queue, if it names one.
    pub(crate) region: &'a str,
    /// Tags that the request sets.
    pub(crate) request_tags: Option<&'a StringMap>,
    /// Keys of tags that it removes.
    pub(crate) removed_tags: &'a [String],
}

impl Context for Conditions<'_> {
    fn values(&self, key: &str) -> Values<'_> {
        match key {
            "aws:sourceip" => Values::One(Value::Address(self.caller.address)),
            "aws:currenttime" => Values::One(Value::Instant { unix_ms: now_ms() }),
            "aws:epochtime" => Values::One(Value::Integer(now_ms() / 1000)),
            "aws:securetransport" => Values::One(Value::Bool(self.is_secure)),
            "aws:useragent" => self.header("user-agent"),
            "aws:referer" => self.header("referer"),
            "aws:requestedregion" => text(self.region),
            "aws:resourceaccount" => text(self.resource_account),
            "aws:viaawsservice" => Values::One(Value::Bool(false)),
            "aws:tagkeys" => self.tag_keys(),
            _ => self.tag(key),
        }
    }
}

impl Conditions<'_> {
    fn header(&self, name: &str) -> Values<'_> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map_or(Values::Absent, text)
    }

    fn tag_keys(&self) -> Values<'_> {
        let set = self.request_tags.into_iter().flat_map(StringMap::keys);
        let keys = set.chain(self.removed_tags);
        Values::Several(keys.map(|key| Value::from(key.as_str())).collect())
    }

    fn tag(&self, key: &str) -> Values<'_> {
        let (tags, name) = if let Some(name) = key.strip_prefix("aws:resourcetag/") {
            (self.resource_tags, name)
        } else if let Some(name) = key.strip_prefix("aws:requesttag/") {
            (self.request_tags, name)
        } else {
            return Values::Absent;
        };
        // To policies the keys of tags have no case, to queues they have: a tag beside another must not hide it.
        let same = tags.into_iter().flatten().filter(|(key, _)| key.to_lowercase() == name);
        let mut found: Vec<Value<'_>> = same.map(|(_, value)| Value::from(value.as_str())).collect();
        match found.pop() {
            None => Values::Absent,
            Some(only) if found.is_empty() => Values::One(only),
            Some(last) => {
                found.push(last);
                Values::Several(found)
            }
        }
    }
}

fn text(text: &str) -> Values<'_> {
    Values::One(Value::from(text))
}

fn now_ms() -> i64 {
    i64::try_from(clock::wall_ms()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
