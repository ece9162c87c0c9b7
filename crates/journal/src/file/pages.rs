//! The memory that an append is put together in: whole pages, as a disk takes them without the help of the page cache.
//!
//! Entries begin anywhere in a page, but only whole pages can be written past the cache. So the page in which the log ends is
//! kept here, and each append writes it again, from its beginning, with the same bytes before the new ones. A power cut
//! leaves each sector as it was or as it was to become, and the sectors before the tail are the same either way. The page
//! cache writes no less: it knows whole pages only.

/// What is written as one: the size of a page, of a file system's block and of a disk's physical sector. A disk's logical
/// sector is never larger.
pub(super) const PAGE_BYTES: usize = 4096;

/// How large the memory may stay when nothing large is being written: most appends fit, and an idle journal takes little.
const KEEP_BYTES: usize = 256 << 10;

/// Memory that begins at a page's boundary, and is used again by each append.
pub(super) struct Pages {
    memory: Vec<u8>,
    /// How much of it lies before the first boundary.
    skip: usize,
    /// How many bytes of the first page are in the log already.
    head_len: usize,
    /// How many bytes behind them are to be written.
    frame_len: usize,
}

impl Pages {
    /// For a log whose last page begins with `head`.
    pub(super) fn new(head: &[u8]) -> Pages {
        let mut pages = Pages { memory: Vec::new(), skip: 0, head_len: 0, frame_len: 0 };
        pages.make_room(PAGE_BYTES);
        pages.fill(head, &[]);
        pages.accept(head.len());
        pages
    }

    /// Where in its page the log ends, in bytes.
    pub(super) fn head_len(&self) -> usize {
        self.head_len
    }

    /// Puts a frame behind what is in the log, in place of one that was put there before.
    pub(super) fn fill(&mut self, header: &[u8], payload: &[u8]) {
        self.frame_len = header.len() + payload.len();
        let whole = (self.head_len + self.frame_len).next_multiple_of(PAGE_BYTES);
        self.make_room(whole);
        let begin = self.skip + self.head_len;
        let (of_header, rest) = self.memory[begin..self.skip + whole].split_at_mut(header.len());
        let (of_payload, padding) = rest.split_at_mut(payload.len());
        of_header.copy_from_slice(header);
        of_payload.copy_from_slice(payload);
        // Over zeros that are there already, and over what an earlier append left in this memory.
        padding.fill(0);
    }

    /// The pages to be written: what is in the log already, the frame, and zeros up to the end of the last page. They begin
    /// at a page's boundary in memory, and where [`Pages::head_len`] is taken off the tail's offset in the file.
    pub(super) fn pages(&self) -> &[u8] {
        let whole = (self.head_len + self.frame_len).next_multiple_of(PAGE_BYTES);
        &self.memory[self.skip..self.skip + whole]
    }

    /// The frame alone.
    pub(super) fn frame(&self) -> &[u8] {
        &self.pages()[self.head_len..self.head_len + self.frame_len]
    }

    /// Told that the frame is in the log now, and that the next one begins `advance` bytes behind its beginning.
    pub(super) fn accept(&mut self, advance: usize) {
        let tail = self.head_len + advance;
        let last_page = tail / PAGE_BYTES * PAGE_BYTES;
        self.head_len = tail - last_page;
        self.frame_len = 0;
        let (from, to) = (self.skip + last_page, self.skip + tail);
        if self.memory.len() <= KEEP_BYTES + PAGE_BYTES {
            self.memory.copy_within(from..to, self.skip);
        } else {
            let large = std::mem::take(&mut self.memory);
            self.make_room(PAGE_BYTES);
            self.memory[self.skip..self.skip + self.head_len].copy_from_slice(&large[from..to]);
        }
    }

    /// Told that the log goes on at the beginning of a page.
    pub(super) fn turn(&mut self) {
        (self.head_len, self.frame_len) = (0, 0);
    }

    /// Sees to `whole` bytes behind the boundary; what is in the log stays.
    fn make_room(&mut self, whole: usize) {
        if self.memory.len() >= self.skip + whole && !self.memory.is_empty() {
            return;
        }
        // Small ones grow twofold, so that it soon has an end; a large one is given back after use.
        let room = if whole <= KEEP_BYTES { whole.next_power_of_two() } else { whole };
        let memory = vec![0; room + PAGE_BYTES];
        // An address that can't be aligned is possible in theory only; then the file is written through the cache.
        let skip = memory.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
        let old = std::mem::replace(&mut self.memory, memory);
        let head = old.get(self.skip..self.skip + self.head_len).unwrap_or_default();
        self.memory[skip..skip + head.len()].copy_from_slice(head);
        self.skip = skip;
    }
}

#[cfg(test)]
mod tests {
    use super::{KEEP_BYTES, PAGE_BYTES, Pages};

    /// Appends frames of all lengths, and compares what would be written with the whole log.
    #[test]
    fn what_is_written_is_the_log_in_whole_pages() {
        let mut log: Vec<u8> = (0..5_000_usize).map(|i| i as u8).collect();
        let head = log.len() / PAGE_BYTES * PAGE_BYTES;
        let mut pages = Pages::new(&log[head..]);
        let lengths = [1, 7, 4_000, 4_096, 0, 12_288, KEEP_BYTES, KEEP_BYTES + 1, 3 << 20, 5, 8_192, 100];
        for (number, len) in lengths.into_iter().chain(0..200).enumerate() {
            let payload = vec![number as u8 | 1; len];
            let start = log.len() - pages.head_len();
            assert!(start.is_multiple_of(PAGE_BYTES));
            // One that is refused leaves nothing behind.
            pages.fill(&[0xbb; 96], &[0xaa; 10_000]);
            pages.fill(&[0xcc; 96], &payload);
            let frame_len = 96 + len;
            log.extend([&[0xcc; 96][..], &payload].concat());
            assert_eq!(pages.frame(), &log[log.len() - frame_len..]);
            let written = pages.pages();
            assert!(written.len().is_multiple_of(PAGE_BYTES));
            assert!((written.as_ptr() as usize).is_multiple_of(PAGE_BYTES));
            let (of_log, padding) = written.split_at(log.len() - start);
            assert!(of_log == &log[start..] && padding.iter().all(|byte| *byte == 0), "{number}");
            assert!(padding.len() < PAGE_BYTES);
            let advance = frame_len.next_multiple_of(8);
            log.resize(log.len() + advance - frame_len, 0);
            pages.accept(advance);
            assert!(pages.memory.len() <= KEEP_BYTES + PAGE_BYTES, "large memory is given back");
        }
        pages.turn();
        pages.fill(&[1; 96], b"beacon");
        assert_eq!(pages.pages().len(), PAGE_BYTES);
        assert_eq!(&pages.pages()[..102], [&[1; 96][..], b"beacon"].concat());
    }

    #[test]
    fn memory_is_used_again() {
        let mut pages = Pages::new(&[]);
        pages.fill(&[1; 96], &[1; 100_000]);
        let (address, room) = (pages.memory.as_ptr(), pages.memory.len());
        for len in (0..120_000).step_by(977) {
            pages.fill(&[1; 96], &vec![1; len]);
            pages.accept((96 + len).next_multiple_of(8));
        }
        assert_eq!((address, room), (pages.memory.as_ptr(), pages.memory.len()));
    }
}
