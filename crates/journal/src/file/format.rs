//! The bytes of format version 1, as `docs/journal-format.md` draws them. All numbers are little-endian.

use sha2::{Digest, Sha256};

use crate::{Layout, Position, Stamp};

/// The version that this code writes, and the only one that it reads.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The size of a segment's header: a block of its own, so that writing frames never touches the sector it lies in.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 4096;

/// The size of a frame's header.
pub(super) const FRAME_HEADER_BYTES: usize = 96;

/// The size of the seal at the end of a complete segment: a frame without payload.
pub(super) const SEAL_BYTES: u64 = FRAME_HEADER_BYTES as u64;

/// Frames begin at multiples of this.
pub(super) const ALIGN_BYTES: usize = 8;

/// How the file journal fills the address space.
pub(super) const LAYOUT: Layout = Layout::new(FRAME_HEADER_BYTES as u64, ALIGN_BYTES as u64);

const SEGMENT_MAGIC: [u8; 8] = *b"BONGSUSG";
const FRAME_MAGIC: [u8; 4] = *b"BGFR";
const SEGMENT_SUFFIX: &str = ".segment";
const FORMAT_TITLE: &str = "bongsu journal";

const SEGMENT_HAS_STAMP: u64 = 1;
const FRAME_IS_SEAL: u32 = 1;

const _: () = assert!(FRAME_HEADER_BYTES.is_multiple_of(ALIGN_BYTES));
const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(ALIGN_BYTES as u64));

/// The hash chain's value after an entry: it stands for that entry and all before it.
pub(super) type Chain = [u8; 16];

/// Which journal this is. It goes into all checksums and the chain's start, so that neither a segment of another
/// journal nor bytes that a client chose can pass for a frame.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct LogId(pub(super) [u8; 16]);

impl LogId {
    /// Where checksums start from.
    fn seed(self) -> u32 {
        crc32c::crc32c(&self.0)
    }

    /// The chain's value before the first entry.
    pub(super) fn first_chain(self) -> Chain {
        truncated(Sha256::new_with_prefix(self.0))
    }

    /// The checksum of a payload.
    pub(super) fn payload_crc(self, payload: &[u8]) -> u32 {
        crc32c::crc32c_append(self.seed(), payload)
    }

    fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn from_hex(text: &str) -> Option<LogId> {
        // Parsing as a number would accept a sign.
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| LogId(number.to_be_bytes()))
    }
}

fn truncated(hasher: Sha256) -> Chain {
    let digest = hasher.finalize();
    let mut chain = Chain::default();
    chain.copy_from_slice(&digest[..16]);
    chain
}

/// The file name of the segment that begins at `base`.
pub(super) fn segment_name(base: u64) -> String {
    format!("{base:016x}{SEGMENT_SUFFIX}")
}

/// The base of the segment with this file name; `None` when it is not the name of one.
pub(super) fn segment_base(name: &str) -> Option<u64> {
    let base = u64::from_str_radix(name.strip_suffix(SEGMENT_SUFFIX)?, 16).ok()?;
    (segment_name(base) == name).then_some(base)
}

/// The text of the file `FORMAT`.
pub(super) fn format_text(id: LogId) -> String {
    format!("{FORMAT_TITLE}\nversion {FORMAT_VERSION}\nid {}\n", id.to_hex())
}

/// Reads the text of the file `FORMAT`; the error says what is not understood.
pub(super) fn parse_format_text(text: &str) -> Result<LogId, String> {
    let mut lines = text.lines();
    if lines.next() != Some(FORMAT_TITLE) {
        return Err("it does not describe a journal".to_owned());
    }
    let version = lines.next().and_then(|line| line.strip_prefix("version ")).unwrap_or("none");
    if version != FORMAT_VERSION.to_string() {
        return Err(format!(
            "the journal has format version {version:?}, this program knows {FORMAT_VERSION}"
        ));
    }
    let id = lines.next().and_then(|line| line.strip_prefix("id ")).and_then(LogId::from_hex);
    id.ok_or_else(|| "the journal's id is missing".to_owned())
}

/// Reads numbers from fixed places of a header whose length is known at compile time.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.0[at..at + N]);
        out
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }
}

/// What the header of a segment says.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) id: LogId,
    pub(super) base: u64,
    /// The opening that made the segment.
    pub(super) epoch: u64,
    /// Everything before this was durable when the segment was made.
    pub(super) durable: u64,
    /// The stamp of the entry before the segment, if there ever was one.
    pub(super) last_stamp: Option<Stamp>,
    /// The chain's value at `base`.
    pub(super) chain: Chain,
}

/// Why the first block of a file is no segment header that can be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Damaged(&'static str),
    Format(String),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; SEGMENT_HEADER_BYTES as usize];
        let stamp = self.last_stamp.unwrap_or_default();
        let flags = if self.last_stamp.is_some() { SEGMENT_HAS_STAMP } else { 0 };
        out[0..8].copy_from_slice(&SEGMENT_MAGIC);
        out[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[16..32].copy_from_slice(&self.id.0);
        out[32..40].copy_from_slice(&self.base.to_le_bytes());
        out[40..48].copy_from_slice(&self.epoch.to_le_bytes());
        out[48..56].copy_from_slice(&self.durable.to_le_bytes());
        out[56..64].copy_from_slice(&flags.to_le_bytes());
        out[64..72].copy_from_slice(&stamp.time_ms.to_le_bytes());
        out[72..80].copy_from_slice(&stamp.mark.to_le_bytes());
        out[80..96].copy_from_slice(&self.chain);
        let crc = Self::crc(&out);
        out[12..16].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `block` is the first [`SEGMENT_HEADER_BYTES`] of the file.
    pub(super) fn decode(block: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        let fields = Fields(block);
        if fields.bytes(0) != SEGMENT_MAGIC {
            return Err(HeaderFault::Damaged("it does not begin like a segment"));
        }
        // Every version keeps magic, version and checksum where they are, so that a newer version is told from damage.
        if fields.u32(12) != Self::crc(block) {
            return Err(HeaderFault::Damaged("the checksum of the segment's header is wrong"));
        }
        let version = fields.u32(8);
        let flags = fields.u64(56);
        if version != FORMAT_VERSION {
            let why =
                format!("the segment has format version {version}, this program knows {FORMAT_VERSION}");
            return Err(HeaderFault::Format(why));
        }
        if flags & !SEGMENT_HAS_STAMP != 0 {
            return Err(HeaderFault::Format(format!("the segment has unknown flags {flags:#x}")));
        }
        let stamp = Stamp { time_ms: fields.u64(64), mark: fields.u64(72) };
        Ok(SegmentHeader {
            id: LogId(fields.bytes(16)),
            base: fields.u64(32),
            epoch: fields.u64(40),
            durable: fields.u64(48),
            last_stamp: (flags & SEGMENT_HAS_STAMP != 0).then_some(stamp),
            chain: fields.bytes(80),
        })
    }

    fn crc(block: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&block[..12]), &block[16..])
    }
}

/// What the header of a frame says.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) payload_len: u32,
    pub(super) payload_crc: u32,
    pub(super) position: u64,
    pub(super) epoch: u64,
    pub(super) stamp: Stamp,
    /// Everything before this was durable when the frame was written.
    pub(super) durable: u64,
    pub(super) kind: FrameKind,
    /// For an entry the chain's value after it, for a seal its value at that position.
    pub(super) chain: Chain,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Entry,
    /// Ends a complete segment, and takes no room in the address space.
    Seal,
    /// Written by a later version of this program.
    Unknown(u32),
}

/// What a new entry's header is made of, its place in the chain aside.
pub(super) struct NewFrame<'a> {
    pub(super) position: Position,
    pub(super) epoch: u64,
    pub(super) stamp: Stamp,
    pub(super) durable: Position,
    pub(super) payload: &'a [u8],
    /// The length of `payload`, which is known to fit.
    pub(super) payload_len: u32,
}

impl FrameHeader {
    /// The header of an entry that follows upon `previous`.
    pub(super) fn entry(id: LogId, frame: &NewFrame<'_>, previous: &Chain) -> FrameHeader {
        let mut header = FrameHeader {
            payload_len: frame.payload_len,
            payload_crc: id.payload_crc(frame.payload),
            position: frame.position.0,
            epoch: frame.epoch,
            stamp: frame.stamp,
            durable: frame.durable.0,
            kind: FrameKind::Entry,
            chain: Chain::default(),
        };
        header.chain = header.chain_after(previous);
        header
    }

    /// The seal of a segment that ends at `end`, where the chain has the value `chain`.
    pub(super) fn seal(id: LogId, end: Position, epoch: u64, stamp: Stamp, chain: Chain) -> FrameHeader {
        FrameHeader {
            payload_len: 0,
            payload_crc: id.payload_crc(&[]),
            position: end.0,
            epoch,
            stamp,
            durable: end.0,
            kind: FrameKind::Seal,
            chain,
        }
    }

    /// The chain's value after this entry, when it was `previous` before.
    pub(super) fn chain_after(&self, previous: &Chain) -> Chain {
        let fields = self.fields();
        let mut hasher = Sha256::new_with_prefix(previous);
        hasher.update(&fields[8..64]);
        hasher.update(&fields[80..]);
        truncated(hasher)
    }

    pub(super) fn encode(&self, id: LogId) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = self.fields();
        let crc = crc32c::crc32c_append(id.seed(), &out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    fn fields(&self) -> [u8; FRAME_HEADER_BYTES] {
        let flags = match self.kind {
            FrameKind::Entry => 0,
            FrameKind::Seal => FRAME_IS_SEAL,
            FrameKind::Unknown(flags) => flags,
        };
        let mut out = [0; FRAME_HEADER_BYTES];
        out[0..4].copy_from_slice(&FRAME_MAGIC);
        out[8..12].copy_from_slice(&self.payload_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.payload_crc.to_le_bytes());
        out[16..24].copy_from_slice(&self.position.to_le_bytes());
        out[24..32].copy_from_slice(&self.epoch.to_le_bytes());
        out[32..40].copy_from_slice(&self.stamp.time_ms.to_le_bytes());
        out[40..48].copy_from_slice(&self.stamp.mark.to_le_bytes());
        out[48..56].copy_from_slice(&self.durable.to_le_bytes());
        out[56..60].copy_from_slice(&flags.to_le_bytes());
        out[64..80].copy_from_slice(&self.chain);
        out
    }

    /// Whether `bytes` begin like a frame; cheap, to be asked before [`FrameHeader::decode`] in a search.
    pub(super) fn may_begin(bytes: &[u8]) -> bool {
        bytes.starts_with(&FRAME_MAGIC)
    }

    /// `bytes` are [`FRAME_HEADER_BYTES`]. `None` when they are not the header of a frame of this journal.
    pub(super) fn decode(id: LogId, bytes: &[u8]) -> Option<FrameHeader> {
        let fields = Fields(bytes);
        if fields.bytes(0) != FRAME_MAGIC || fields.u32(4) != crc32c::crc32c_append(id.seed(), &bytes[8..]) {
            return None;
        }
        let reserved = fields.u32(60) != 0 || fields.bytes(80) != [0; 16];
        let kind = match fields.u32(56) {
            0 if !reserved => FrameKind::Entry,
            FRAME_IS_SEAL if !reserved => FrameKind::Seal,
            flags => FrameKind::Unknown(flags),
        };
        Some(FrameHeader {
            payload_len: fields.u32(8),
            payload_crc: fields.u32(12),
            position: fields.u64(16),
            epoch: fields.u64(24),
            stamp: Stamp { time_ms: fields.u64(32), mark: fields.u64(40) },
            durable: fields.u64(48),
            kind,
            chain: fields.bytes(64),
        })
    }
}
