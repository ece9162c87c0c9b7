//! Lines in batches that SQS takes: ten messages at most, and no more bytes than a request may have.

use crate::error::ToolError;
use std::io::{self, BufRead, Read as _};

const MAX_MESSAGES: usize = 10;
/// A batch may have 1 MiB; a line that is longer goes alone, and is refused by the service in its own words.
const MAX_BYTES: usize = 1024 * 1024;
/// Nobody means a line of this length; without an end, memory would fill.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// Lines that go together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// Each with its number, the first is 1.
    pub(super) lines: Vec<(u64, String)>,
    /// How many bytes of the source are behind it.
    pub(super) end_bytes: u64,
}

/// Reads a source in batches.
pub(super) struct Batches {
    source: Box<dyn BufRead>,
    line: u64,
    bytes: u64,
    /// Read, but too much for the last batch.
    next: Option<(u64, String)>,
}

impl Batches {
    pub(super) fn new(source: Box<dyn BufRead>) -> Self {
        Self { source, line: 0, bytes: 0, next: None }
    }

    /// The next batch; each message has so many bytes besides its body.
    ///
    /// # Errors
    /// The source can't be read, or is not text.
    pub(super) fn next(&mut self, overhead: usize) -> Result<Option<Batch>, ToolError> {
        let (mut batch, mut filled) = (Batch::default(), 0);
        while batch.lines.len() < MAX_MESSAGES {
            let Some((line, body)) = self.read()? else { break };
            filled += body.len() + overhead;
            if filled > MAX_BYTES && !batch.lines.is_empty() {
                self.next = Some((line, body));
                break;
            }
            batch.lines.push((line, body));
        }
        batch.end_bytes = self.bytes;
        Ok((!batch.lines.is_empty()).then_some(batch))
    }

    /// The next line that is not empty: SQS has no empty messages.
    fn read(&mut self) -> Result<Option<(u64, String)>, ToolError> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        loop {
            let mut bytes = Vec::new();
            let read = self.source.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.bytes += read as u64;
            if bytes.len() as u64 == MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
                return Err(self.unusable("is longer than 64 MiB"));
            }
            let mut body = String::from_utf8(bytes).map_err(|_| self.unusable("is not UTF-8"))?;
            body.truncate(body.trim_end_matches(['\r', '\n']).len());
            if !body.is_empty() {
                return Ok(Some((self.line, body)));
            }
        }
    }

    fn unusable(&self, why: &str) -> ToolError {
        ToolError::System(io::Error::new(io::ErrorKind::InvalidData, format!("line {} {why}", self.line)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Batches, MAX_BYTES};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn batches(text: &str, overhead: usize) -> Vec<Vec<(u64, String)>> {
        let mut batches = Batches::new(Box::new(Cursor::new(text.to_owned())));
        std::iter::from_fn(|| batches.next(overhead).unwrap()).map(|batch| batch.lines).collect()
    }

    #[test]
    fn ten_lines_go_together() {
        let text = (1..=23).map(|n| format!("m{n}\n")).collect::<String>();
        let sizes: Vec<_> = batches(&text, 0).iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 3]);
    }

    #[test]
    fn lines_that_are_long_go_in_smaller_batches() {
        let long = "x".repeat(MAX_BYTES / 2 - 10);
        let text = format!("{long}\n{long}\n{long}\n{}\nshort\n", "y".repeat(MAX_BYTES + 5));
        let sizes: Vec<_> = batches(&text, 10).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1, 1, 1]);
    }

    #[test]
    fn what_is_no_text_is_named_by_its_line() {
        let mut batches = Batches::new(Box::new(Cursor::new(b"a\n\xff\n".to_vec())));
        assert!(batches.next(0).unwrap_err().to_string().contains("line 2"));
    }

    proptest! {
        #[test]
        fn every_line_goes_out_once_and_in_order(text in "[a-c봉\r\n]{0,200}", overhead in 0..300_000usize) {
            let sent: Vec<_> = batches(&text, overhead).into_iter().flatten().collect();
            let lines = text.split('\n').map(|line| line.trim_end_matches('\r')).enumerate();
            let expected: Vec<_> = lines
                .filter(|(_, line)| !line.is_empty())
                .map(|(index, line)| (index as u64 + 1, line.to_owned()))
                .collect();
            prop_assert_eq!(sent, expected);
        }
    }
}
