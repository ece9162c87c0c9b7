//! What is remembered over time: names, and the numbers under which the history keeps them.

/// A line of a chart. The numbers are on disk: they never change, and none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Series {
    /// Messages that could be received.
    Visible = 0,
    /// Messages that were received and not deleted yet.
    InFlight = 1,
    /// Messages that can't be received yet.
    Delayed = 2,
    /// Milliseconds since the oldest message was sent.
    OldestAgeMs = 3,
    /// Messages sent a second.
    Sent = 4,
    /// Messages received a second.
    Received = 5,
    /// Messages deleted a second.
    Deleted = 6,
    /// Receives a second that got nothing.
    EmptyReceives = 7,
    /// Bytes sent a second.
    SentBytes = 8,
    /// Requests a second. This and all that follow are of the server only.
    Requests = 9,
    /// Requests a second that did not end as asked.
    Errors = 10,
    /// Half of the SendMessage requests took less, milliseconds.
    SendP50Ms = 11,
    /// 99 % of the SendMessage requests took less, milliseconds.
    SendP99Ms = 12,
    /// Half of the ReceiveMessage requests took less, milliseconds; waiting for messages aside.
    ReceiveP50Ms = 13,
    /// 99 % of the ReceiveMessage requests took less, milliseconds; waiting for messages aside.
    ReceiveP99Ms = 14,
    /// Half of the DeleteMessage requests took less, milliseconds.
    DeleteP50Ms = 15,
    /// 99 % of the DeleteMessage requests took less, milliseconds.
    DeleteP99Ms = 16,
    /// What the journal takes on disk, bytes.
    JournalBytes = 17,
    /// Memory of the process, bytes.
    ResidentBytes = 18,
}

impl Series {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 19] = [
        Self::Visible,
        Self::InFlight,
        Self::Delayed,
        Self::OldestAgeMs,
        Self::Sent,
        Self::Received,
        Self::Deleted,
        Self::EmptyReceives,
        Self::SentBytes,
        Self::Requests,
        Self::Errors,
        Self::SendP50Ms,
        Self::SendP99Ms,
        Self::ReceiveP50Ms,
        Self::ReceiveP99Ms,
        Self::DeleteP50Ms,
        Self::DeleteP99Ms,
        Self::JournalBytes,
        Self::ResidentBytes,
    ];
    /// How many of them a queue has: the first of [`Series::ALL`].
    pub const OF_QUEUE: usize = 9;

    /// As the console's API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::InFlight => "inFlight",
            Self::Delayed => "delayed",
            Self::OldestAgeMs => "oldestAgeMs",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Deleted => "deleted",
            Self::EmptyReceives => "emptyReceives",
            Self::SentBytes => "sentBytes",
            Self::Requests => "requests",
            Self::Errors => "errors",
            Self::SendP50Ms => "sendP50Ms",
            Self::SendP99Ms => "sendP99Ms",
            Self::ReceiveP50Ms => "receiveP50Ms",
            Self::ReceiveP99Ms => "receiveP99Ms",
            Self::DeleteP50Ms => "deleteP50Ms",
            Self::DeleteP99Ms => "deleteP99Ms",
            Self::JournalBytes => "journalBytes",
            Self::ResidentBytes => "residentBytes",
        }
    }

    /// The series of this name; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|series| series.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Series;

    #[test]
    fn names_and_numbers_lead_back() {
        for (number, series) in Series::ALL.into_iter().enumerate() {
            assert_eq!(series as usize, number);
            assert_eq!(Series::named(series.name()), Some(series));
        }
        assert_eq!(Series::ALL[Series::OF_QUEUE], Series::Requests);
        assert_eq!(Series::named("Visible"), None);
    }
}
