//! Several MD5 digests at once. One digest is a chain of additions, each of which waits for the one before, and leaves
//! most of a core idle; several that have nothing to do with each other share it. A batch of ten bodies takes about as
//! long as two.
//!
//! The digest is that of RFC 1321. `wide` puts the words of all messages into vectors.

use wide::u32x8;

/// How many at once: two vectors with the instructions that every x86-64 has. They wait for each other's additions less than one
/// alone would for its own.
pub(super) const LANES: usize = 8;

const BLOCK_BYTES: usize = 64;
/// The bit after a message and its length in bits, which end the last block.
const TAIL_BYTES: usize = 1 + 8;
const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// One word of each message.
type Words = [u32; LANES];
type State = [Words; 4];

/// How many of these messages, the longest first, are to be hashed at once; at least one. All lanes go on for as long as the
/// longest message, so one that is longer than the others together is faster alone.
pub(super) fn worthwhile<'a>(messages: impl Iterator<Item = &'a [u8]>) -> usize {
    let mut blocks = messages.take(LANES).map(|message| message.len() / BLOCK_BYTES + 1);
    let longest = blocks.next().unwrap_or(0);
    let (others, blocks) = blocks.fold((0, 0), |(others, sum), blocks| (others + 1, sum + blocks));
    if blocks < longest { 1 } else { 1 + others }
}

/// The digests of up to [`LANES`] messages; those of the places without one mean nothing.
pub(super) fn digests(messages: &[&[u8]]) -> [[u8; 16]; LANES] {
    let mut lanes: [Lane<'_>; LANES] = std::array::from_fn(|_| Lane::new(&[]));
    for (lane, message) in lanes.iter_mut().zip(messages) {
        *lane = Lane::new(message);
    }
    let blocks = lanes.iter().map(|lane| lane.blocks).max().unwrap_or(0);
    let mut state = INITIAL.map(|word| [word; LANES]);
    for number in 0..blocks {
        let mut words = [[0; LANES]; 16];
        for (index, lane) in lanes.iter().enumerate() {
            let (block, _) = lane.block(number).as_chunks::<4>();
            for (word, bytes) in words.iter_mut().zip(block) {
                word[index] = u32::from_le_bytes(*bytes);
            }
        }
        let next = compress(&state, &words);
        for (old, new) in state.iter_mut().zip(next) {
            for (index, lane) in lanes.iter().enumerate() {
                // A message that is through keeps its digest while longer ones go on.
                old[index] = if number < lane.blocks { new[index] } else { old[index] };
            }
        }
    }
    std::array::from_fn(|index| {
        let mut digest = [0; 16];
        for (bytes, words) in digest.as_chunks_mut::<4>().0.iter_mut().zip(&state) {
            *bytes = words[index].to_le_bytes();
        }
        digest
    })
}

/// A message in blocks: those that it fills, and one or two with its end.
struct Lane<'a> {
    whole: &'a [[u8; BLOCK_BYTES]],
    end: [[u8; BLOCK_BYTES]; 2],
    blocks: usize,
}

impl<'a> Lane<'a> {
    fn new(message: &'a [u8]) -> Self {
        let (whole, rest) = message.as_chunks::<BLOCK_BYTES>();
        let end_blocks = (rest.len() + TAIL_BYTES).div_ceil(BLOCK_BYTES);
        let mut end = [[0; BLOCK_BYTES]; 2];
        let bytes = end.as_flattened_mut();
        bytes[..rest.len()].copy_from_slice(rest);
        bytes[rest.len()] = 0x80;
        let bits = (message.len() as u64).wrapping_mul(8);
        bytes[end_blocks * BLOCK_BYTES - 8..end_blocks * BLOCK_BYTES].copy_from_slice(&bits.to_le_bytes());
        Self { whole, end, blocks: whole.len() + end_blocks }
    }

    /// The last one again where there are no more.
    fn block(&self, number: usize) -> &[u8; BLOCK_BYTES] {
        self.whole.get(number).unwrap_or_else(|| &self.end[(number - self.whole.len()).min(1)])
    }
}

/// The integer parts of 2^32 times the sine of 1 to 64 radians.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

fn compress(state: &State, words: &[Words; 16]) -> State {
    let [mut a, mut b, mut c, mut d] = state.map(u32x8::new);
    macro_rules! round {
        ($from:expr, $mix:expr, $place:expr, $turns:expr) => {
            for four in ($from..$from + 16).step_by(4) {
                const TURNS: [u32; 4] = $turns;
                let add = |step: usize| u32x8::new(words[$place(step) % 16]) + u32x8::splat(SINES[step]);
                a = b + turn::<{ TURNS[0] }>(a + $mix(b, c, d) + add(four));
                d = a + turn::<{ TURNS[1] }>(d + $mix(a, b, c) + add(four + 1));
                c = d + turn::<{ TURNS[2] }>(c + $mix(d, a, b) + add(four + 2));
                b = c + turn::<{ TURNS[3] }>(b + $mix(c, d, a) + add(four + 3));
            }
        };
    }
    round!(0, |b, c, d| d ^ (b & (c ^ d)), |step: usize| step, [7, 12, 17, 22]);
    round!(16, |b, c, d| c ^ (d & (b ^ c)), |step: usize| 5 * step + 1, [5, 9, 14, 20]);
    round!(32, |b: u32x8, c, d| b ^ c ^ d, |step: usize| 3 * step + 5, [4, 11, 16, 23]);
    round!(48, |b: u32x8, c: u32x8, d: u32x8| c ^ (b | !d), |step: usize| 7 * step, [6, 10, 15, 21]);
    let [e, f, g, h] = state.map(u32x8::new);
    [a + e, b + f, c + g, d + h].map(u32x8::to_array)
}

/// Turns each word left.
fn turn<const BITS: u32>(words: u32x8) -> u32x8 {
    (words << BITS) | (words >> (32 - BITS))
}
