//! Queues as the console lists them: what a survey of all queues says, for those that the visitor may see.

use super::messages::queue_of;
use super::{Desk, Refusal, Visit};
use crate::access::Who;
use crate::call::{Call, unexpected};
use crate::errors::About;
use crate::operations;
use crate::watch::{Consumer, Rates, Surveyed};
use bongsu_engine::attributes::{boolean, default_of};
use bongsu_engine::{Command, Description, QueueName, Reply};
use bongsu_wire::{
    GetQueueAttributesRequest, ListDeadLetterSourceQueuesRequest, ListMessageMoveTasksRequest,
    ListQueueTagsRequest, ListQueuesRequest, Operation, Output, ServiceError, StringMap, encode_json,
};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Names of queues that have this one as their dead-letter queue are shown up to so many.
const MAX_SOURCES: usize = 100;
/// Tasks of a queue that are shown; as many as SQS has.
const MAX_TASKS: i32 = 10;
/// Queues whose policies are looked up at a time.
const LOOKUPS: usize = 64;
/// What visitors may see is remembered for so many of them, until the next survey.
const REMEMBERED: usize = 64;

/// A queue in a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueRow {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its URL at the API.
    pub url: String,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// Messages that can be received.
    pub visible: u64,
    /// Messages that were received and come back unless they are deleted.
    pub in_flight: u64,
    /// Messages that can't be received yet.
    pub delayed: u64,
    /// How long ago the oldest message was sent, ms.
    pub oldest_age_ms: Option<u64>,
    /// CreatedTimestamp, wall ms.
    pub created_ms: u64,
    /// Tags, for those who may list them.
    pub tags: StringMap,
    /// The name of its own dead-letter queue.
    pub dead_letter_queue: Option<String>,
    /// How many queues name it as theirs, for those who may list them.
    pub sources: usize,
    /// `none`, `sqs` or `kms`.
    pub encryption: &'static str,
    /// The last minute's.
    pub rates: RatesRow,
    /// Its depth in the last half hour, one value a minute, the oldest first.
    pub spark: Vec<Option<f64>>,
}

/// What a queue's traffic is, a second.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RatesRow {
    /// Messages.
    pub sent: f64,
    /// Messages.
    pub received: f64,
    /// Messages.
    pub deleted: f64,
    /// Receives that got nothing.
    pub empty_receives: f64,
}

impl From<Rates> for RatesRow {
    fn from(rates: Rates) -> Self {
        let Rates { sent, received, deleted, empty_receives, .. } = rates;
        Self { sent, received, deleted, empty_receives }
    }
}

/// How a queue stands, in short, for rows that are on the screen.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// See [`QueueRow::visible`].
    pub visible: u64,
    /// See [`QueueRow::in_flight`].
    pub in_flight: u64,
    /// See [`QueueRow::delayed`].
    pub delayed: u64,
    /// See [`QueueRow::oldest_age_ms`].
    pub oldest_age_ms: Option<u64>,
    /// See [`QueueRow::rates`].
    pub rates: RatesRow,
}

/// Queues that are asked for, out of all.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// How many there are.
    pub total: usize,
    /// How many of them match.
    pub matching: usize,
    /// Those of the page.
    pub queues: Vec<QueueRow>,
}

/// Everything about one queue.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// As in a list.
    #[serde(flatten)]
    pub row: QueueRow,
    /// Whether it is a dead-letter queue, for those too who may not list its sources.
    #[serde(skip)]
    pub has_sources: bool,
    /// As GetQueueAttributes shows all of them.
    pub attributes: StringMap,
    /// Who received from it lately.
    pub consumers: Vec<ConsumerRow>,
    /// Queues that name it as their dead-letter queue.
    pub source_names: Vec<String>,
}

/// Somebody who receives from a queue.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerRow {
    /// Where from.
    pub address: IpAddr,
    /// What the client calls itself.
    pub user_agent: String,
    /// The caller's ARN.
    pub principal: String,
    /// Long polls that wait now.
    pub waiting: u32,
    /// Receives a second.
    pub receives_per_second: f64,
    /// The last receive, wall ms.
    pub last_seen_ms: u64,
}

impl From<Consumer> for ConsumerRow {
    fn from(consumer: Consumer) -> Self {
        let Consumer { address, user_agent, principal, waiting, receives_per_second, last_seen_ms } =
            consumer;
        Self { address, user_agent, principal, waiting, receives_per_second, last_seen_ms }
    }
}

/// An account and region in which there are queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeRow {
    /// Twelve digits.
    pub account: String,
    /// Region.
    pub region: String,
    /// How many queues.
    pub queues: usize,
}

/// Which queues to list, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of the name, in any case.
    pub search: Option<String>,
    /// A tag's key, or `KEY=VALUE`.
    pub tag: Option<String>,
    /// Only queues of this kind.
    pub kind: Option<Kind>,
    /// By what they are ordered.
    pub sort: Sort,
    /// The other way round.
    pub descending: bool,
    /// So many are passed over.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
}

/// Kinds of queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not FIFO.
    Standard,
    /// FIFO.
    Fifo,
    /// Other queues name it as their dead-letter queue.
    DeadLetter,
}

/// What queues can be ordered by. What is equal is in order of name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Name.
    #[default]
    Name,
    /// Messages that can be received.
    Visible,
    /// Messages in flight.
    InFlight,
    /// Delayed messages.
    Delayed,
    /// The oldest message's age.
    Oldest,
    /// Messages sent a second.
    Sent,
    /// Messages received a second.
    Received,
    /// When it was made.
    Created,
}

/// Queues of a survey that a visitor may see, in order of name.
#[derive(Clone)]
pub(super) struct Seen {
    survey: Arc<Vec<Surveyed>>,
    indexes: Arc<Vec<u32>>,
}

impl Seen {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Surveyed> {
        self.indexes.iter().filter_map(|index| self.survey.get(*index as usize))
    }

    fn find(&self, name: &QueueName) -> Option<&Surveyed> {
        let indexes = &self.indexes;
        let found = indexes.binary_search_by(|index| match self.survey.get(*index as usize) {
            Some(queue) => queue.name.cmp(name),
            None => Ordering::Greater,
        });
        self.survey.get(*indexes.get(found.ok()?)? as usize)
    }
}

/// What visitors may see of the last surveys. To work it out takes a decision for each queue.
#[derive(Clone, Default)]
pub(super) struct Remembered(Arc<Mutex<VecDeque<Sight>>>);

/// What one visitor may see: policies can ask for anything of these.
struct Sight {
    visit: Visit,
    seen: Seen,
}

impl Sight {
    fn is_of(&self, visit: &Visit, survey: &Arc<Vec<Surveyed>>) -> bool {
        let same_user = match (&self.visit.caller.who, &visit.caller.who) {
            (Who::User(one), Who::User(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        same_user
            && Arc::ptr_eq(&self.seen.survey, survey)
            && self.visit.caller.region == visit.caller.region
            && self.visit.caller.address == visit.caller.address
            && self.visit.is_secure == visit.is_secure
            && self.visit.headers == visit.headers
    }
}

impl Remembered {
    fn get(&self, visit: &Visit, survey: &Arc<Vec<Surveyed>>) -> Option<Seen> {
        let sights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sights.iter().find(|sight| sight.is_of(visit, survey)).map(|sight| sight.seen.clone())
    }

    fn put(&self, visit: &Visit, seen: &Seen) {
        let mut sights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A survey that is not the last one will not come again.
        sights.retain(|sight| Arc::ptr_eq(&sight.seen.survey, &seen.survey));
        sights.truncate(REMEMBERED - 1);
        sights.push_front(Sight { visit: visit.clone(), seen: seen.clone() });
    }
}

impl Desk {
    /// The queues that a visitor may see: of his account and region, if he may list them, those whose attributes he may read.
    pub(super) async fn seen(&self, call: &Call<'_>, visit: &Visit) -> Result<Seen, ServiceError> {
        self.permit(call, &listing()).await?;
        let survey = self.survey().await;
        let own = (visit.account(), visit.region());
        let from = survey.partition_point(|queue| scope(queue) < own);
        let to = survey.partition_point(|queue| scope(queue) <= own);
        let all = || (from..to).filter_map(|index| u32::try_from(index).ok());
        if !matches!(visit.caller.who, Who::User(_)) {
            return Ok(Seen { indexes: Arc::new(all().collect()), survey });
        }
        if let Some(seen) = self.remembered.get(visit, &survey) {
            return Ok(seen);
        }
        let queues = &survey;
        let judged = stream::iter(all()).map(|index| async move {
            let queue = queues.get(index as usize)?;
            call.permit(&reading(&queue.name.name)).await.ok().map(|()| index)
        });
        let indexes: Vec<u32> =
            judged.buffered(LOOKUPS).filter_map(|index| async move { index }).collect().await;
        let seen = Seen { indexes: Arc::new(indexes), survey };
        self.remembered.put(visit, &seen);
        Ok(seen)
    }

    /// Lists queues.
    ///
    /// # Errors
    /// As for ListQueues.
    pub async fn queues(&self, visit: &Visit, filter: &Filter) -> Result<Listing, Refusal> {
        let call = self.call(visit, false);
        let seen = self.seen(&call, visit).await?;
        let search = filter.search.as_ref().map(|text| text.to_lowercase());
        let found = seen.iter().filter(|queue| filter.takes(queue, search.as_deref())).collect();
        let mut matching: Vec<&Surveyed> = self.judged(&call, filter, found).await;
        self.sort(&mut matching, filter.sort);
        if filter.descending {
            matching.reverse();
        }
        let page = matching.iter().skip(filter.offset).take(filter.limit);
        let mut queues = Vec::with_capacity(page.len());
        for queue in page {
            queues.push(self.row(&call, queue).await);
        }
        Ok(Listing { total: seen.indexes.len(), matching: matching.len(), queues })
    }

    /// Out of queues that match, those about which the visitor may know what was asked for: otherwise the filter would tell him.
    async fn judged<'a>(
        &self,
        call: &Call<'_>,
        filter: &Filter,
        found: Vec<&'a Surveyed>,
    ) -> Vec<&'a Surveyed> {
        let (by_tag, by_sources) = (filter.tag.is_some(), filter.kind == Some(Kind::DeadLetter));
        if !matches!(call.caller.who, Who::User(_)) || !(by_tag || by_sources) {
            return found;
        }
        let queues = &found;
        let judged = stream::iter(0..found.len()).map(|index| async move {
            let name = &queues.get(index)?.name.name;
            let may = (!by_tag || self.may(call, &listing_tags(name)).await)
                && (!by_sources || self.may(call, &listing_sources(name)).await);
            may.then_some(index)
        });
        let indexes: Vec<usize> =
            judged.buffered(LOOKUPS).filter_map(|index| async move { index }).collect().await;
        indexes.into_iter().filter_map(|index| found.get(index).copied()).collect()
    }

    fn sort(&self, queues: &mut [&Surveyed], sort: Sort) {
        // The sort keeps what is equal in order of name.
        let by_rate = |queues: &mut [&Surveyed], rate: fn(Rates) -> f64| {
            queues.sort_by_cached_key(|queue| (rate(self.watch().rates(&queue.name)) * 1000.0) as u64);
        };
        match sort {
            Sort::Name => {}
            Sort::Visible => queues.sort_by_key(|queue| queue.visible),
            Sort::InFlight => queues.sort_by_key(|queue| queue.in_flight),
            Sort::Delayed => queues.sort_by_key(|queue| queue.delayed),
            Sort::Oldest => queues.sort_by_key(|queue| queue.oldest_age_ms),
            Sort::Created => queues.sort_by_key(|queue| queue.created_wall_ms),
            Sort::Sent => by_rate(queues, |rates| rates.sent),
            Sort::Received => by_rate(queues, |rates| rates.received),
        }
    }

    /// How the queues of these names stand; those that are not there, or not to be seen, are left out.
    ///
    /// # Errors
    /// As for ListQueues.
    pub async fn states(&self, visit: &Visit, names: &[String]) -> Result<Vec<QueueState>, Refusal> {
        let call = self.call(visit, false);
        let seen = self.seen(&call, visit).await?;
        let found = names.iter().filter_map(|name| {
            let queue = seen.find(&QueueName::new(visit.account(), visit.region(), name))?;
            Some(QueueState {
                name: name.clone(),
                visible: queue.visible,
                in_flight: queue.in_flight,
                delayed: queue.delayed,
                oldest_age_ms: queue.oldest_age_ms,
                rates: self.watch().rates(&queue.name).into(),
            })
        });
        Ok(found.collect())
    }

    /// Everything about one queue.
    ///
    /// # Errors
    /// As for GetQueueAttributes.
    pub async fn queue(&self, visit: &Visit, queue: &str) -> Result<Detail, Refusal> {
        let name = self.readable(visit, queue).await?;
        let call = self.call(visit, false);
        // Not counted as a request: pages ask again and again.
        let attributes = match operations::run(&call, reading(queue)).await? {
            Output::GetQueueAttributes(response) => response.attributes,
            _ => StringMap::new(),
        };
        let description = call.describe(name.clone()).await?;
        let sources = Command::ListSources { name: name.clone(), after: None, limit: MAX_SOURCES };
        let (mut sources, more) = match call.ask(sources, About::default()).await? {
            Reply::Names { names, more } => (names, more),
            other => return Err(unexpected(&other).into()),
        };
        let has_sources = !sources.is_empty();
        let count = match more {
            // The survey has counted them.
            true => {
                self.survey().await.iter().find(|queue| queue.name == name).map_or(0, |queue| queue.sources)
            }
            false => sources.len(),
        };
        let consumers = self.watch().consumers(&name).into_iter().map(ConsumerRow::from).collect();
        let count = count.max(sources.len());
        if has_sources && !self.may(&call, &listing_sources(queue)).await {
            sources.clear();
        }
        Ok(Detail {
            row: self.row(&call, &surveyed(name, description, count)).await,
            has_sources,
            attributes,
            consumers,
            source_names: sources.into_iter().map(|source| source.name).collect(),
        })
    }

    /// The last move tasks of a dead-letter queue, as ListMessageMoveTasks has them, in AWS JSON 1.0.
    ///
    /// # Errors
    /// As for ListMessageMoveTasks.
    pub async fn tasks(&self, visit: &Visit, queue: &str) -> Result<Vec<u8>, Refusal> {
        let request = ListMessageMoveTasksRequest {
            source_arn: queue_of(visit, queue)?.arn(),
            max_results: Some(MAX_TASKS),
        };
        let call = self.call(visit, false);
        let operation = Operation::ListMessageMoveTasks(request);
        self.permit(&call, &operation).await?;
        Ok(encode_json(&operations::run(&call, operation).await?))
    }

    /// The queue of this name, if the visitor may read its attributes.
    pub(super) async fn readable(&self, visit: &Visit, queue: &str) -> Result<QueueName, ServiceError> {
        let name = queue_of(visit, queue)?;
        self.permit(&self.call(visit, false), &reading(queue)).await?;
        Ok(name)
    }

    /// Accounts and regions with queues that a visitor may list.
    ///
    /// # Errors
    /// What the node says.
    pub async fn scopes(&self, visit: &Visit) -> Result<Vec<ScopeRow>, Refusal> {
        let survey = self.survey().await;
        let mut scopes: Vec<ScopeRow> = Vec::new();
        for queue in survey.iter() {
            let QueueName { account, region, .. } = &queue.name;
            match scopes.last_mut() {
                Some(last) if last.account == *account && last.region == *region => last.queues += 1,
                _ => scopes.push(ScopeRow { account: account.clone(), region: region.clone(), queues: 1 }),
            }
        }
        if !matches!(visit.caller.who, Who::Unchecked) {
            scopes.retain(|scope| scope.account == visit.account());
            let mut allowed = Vec::with_capacity(scopes.len());
            for scope in scopes {
                let mut there = visit.clone();
                there.caller.region.clone_from(&scope.region);
                if self.call(&there, false).permit(&listing()).await.is_ok() {
                    allowed.push(scope);
                }
            }
            scopes = allowed;
        }
        Ok(scopes)
    }

    pub(super) async fn row(&self, call: &Call<'_>, queue: &Surveyed) -> QueueRow {
        let name = &queue.name.name;
        let shows_tags = !queue.tags.is_empty() && self.may(call, &listing_tags(name)).await;
        let shows_sources = queue.sources > 0 && self.may(call, &listing_sources(name)).await;
        QueueRow {
            name: queue.name.name.clone(),
            arn: queue.name.arn(),
            url: call.queue_url(&queue.name),
            fifo: queue.fifo,
            visible: queue.visible,
            in_flight: queue.in_flight,
            delayed: queue.delayed,
            oldest_age_ms: queue.oldest_age_ms,
            created_ms: queue.created_wall_ms,
            tags: if shows_tags { queue.tags.clone() } else { StringMap::new() },
            dead_letter_queue: queue.dead_letter_target.as_ref().map(|target| target.name.clone()),
            sources: if shows_sources { queue.sources } else { 0 },
            encryption: encryption(queue.kms_key_id.as_deref(), queue.sse.as_deref()),
            rates: self.watch().rates(&queue.name).into(),
            spark: self.watch().sparkline(&queue.name),
        }
    }
}

impl Filter {
    fn takes(&self, queue: &Surveyed, search: Option<&str>) -> bool {
        let is_kind = match self.kind {
            None => true,
            Some(Kind::Standard) => !queue.fifo,
            Some(Kind::Fifo) => queue.fifo,
            Some(Kind::DeadLetter) => queue.sources > 0,
        };
        is_kind
            && search.is_none_or(|search| queue.name.name.to_lowercase().contains(search))
            && self.tag.as_deref().is_none_or(|tag| has_tag(&queue.tags, tag))
    }
}

/// Whether there is a tag of this key, or of this key and value. Keys can have `=` in them too.
fn has_tag(tags: &StringMap, wanted: &str) -> bool {
    tags.iter().any(|(key, value)| {
        let rest = wanted.strip_prefix(key.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('=') == Some(value))
    })
}

/// By the attributes as they were set.
fn encryption(kms_key_id: Option<&str>, sse: Option<&str>) -> &'static str {
    match kms_key_id.filter(|id| !id.is_empty()) {
        Some(_) => "kms",
        None => {
            let set = sse.map(str::to_owned).or_else(|| default_of("SqsManagedSseEnabled"));
            if set.as_deref().and_then(boolean).unwrap_or(false) { "sqs" } else { "none" }
        }
    }
}

/// One queue as it stands now, in the form of a survey.
fn surveyed(name: QueueName, description: Description, sources: usize) -> Surveyed {
    let attribute = |name: &str| description.attributes.get(name).cloned();
    let redrive = attribute("RedrivePolicy").and_then(|text| serde_json::from_str(&text).ok());
    let redrive: serde_json::Value = redrive.unwrap_or_default();
    Surveyed {
        name,
        id: description.id,
        fifo: description.fifo,
        visible: description.visible,
        in_flight: description.in_flight,
        delayed: description.delayed,
        oldest_age_ms: description.oldest_age_ms,
        created_wall_ms: description.created_wall_ms,
        dead_letter_target: redrive["deadLetterTargetArn"].as_str().and_then(QueueName::from_arn),
        sources,
        kms_key_id: attribute("KmsMasterKeyId"),
        sse: attribute("SqsManagedSseEnabled"),
        tags: description.tags,
    }
}

fn scope(queue: &Surveyed) -> (&str, &str) {
    (&queue.name.account, &queue.name.region)
}

fn listing() -> Operation {
    Operation::ListQueues(ListQueuesRequest { queue_name_prefix: None, max_results: None, next_token: None })
}

fn listing_tags(queue: &str) -> Operation {
    Operation::ListQueueTags(ListQueueTagsRequest { queue_url: queue.to_owned() })
}

fn listing_sources(queue: &str) -> Operation {
    let queue_url = queue.to_owned();
    let request = ListDeadLetterSourceQueuesRequest { queue_url, max_results: None, next_token: None };
    Operation::ListDeadLetterSourceQueues(request)
}

fn reading(queue: &str) -> Operation {
    let attribute_names = vec!["All".to_owned()];
    Operation::GetQueueAttributes(GetQueueAttributesRequest { queue_url: queue.to_owned(), attribute_names })
}

#[cfg(test)]
mod tests;
