//! How far a text goes before something in it needs a closer look. Nearly all of a message's bytes are looked
//! at here, by whoever reads or writes it, so that this looks at many of them at a time.

/// The bytes of a word, and of a block: enough of them to make good use of vector registers.
const WORD: usize = size_of::<u64>();
const BLOCK: usize = 8 * WORD;

/// How much is read in words before blocks are tried: texts with much to escape have short stretches between,
/// and for those a block costs more than it saves.
const BEFORE_BLOCKS: usize = 8 * WORD;

const LOW_BITS: u64 = u64::from_ne_bytes([0x01; WORD]);
const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; WORD]);

/// The length of the stretch at the beginning of `bytes` that has neither control characters (below 0x20) nor
/// any of `specials`.
#[inline]
pub(crate) fn plain_length<const N: usize>(bytes: &[u8], specials: [u8; N]) -> usize {
    let mut at = 0;
    while let Some(word) = word_at(bytes, at) {
        let found = find(word, specials);
        if found != 0 {
            return at + first(found);
        }
        at += WORD;
        if at == BEFORE_BLOCKS {
            at += plain_blocks(bytes.get(at..).unwrap_or_default(), specials);
        }
    }
    // The last word overlaps the one before it, whose bytes are known to be plain.
    if let Some(start) = bytes.len().checked_sub(WORD)
        && let Some(word) = word_at(bytes, start)
    {
        let found = find(word, specials);
        return if found == 0 { bytes.len() } else { start + first(found) };
    }
    bytes.iter().position(|&byte| is_special(byte, specials)).unwrap_or(bytes.len())
}

#[inline]
fn is_special<const N: usize>(byte: u8, specials: [u8; N]) -> bool {
    specials.iter().fold(byte < 0x20, |found, &special| found | (byte == special))
}

/// The length of all the blocks before the first that has something special.
fn plain_blocks<const N: usize>(bytes: &[u8], specials: [u8; N]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    // Without an early end within a block the compiler turns this into a few vector instructions.
    let is_plain = |block: &&[u8; BLOCK]| {
        block.iter().fold(0, |found, &byte| found | u8::from(is_special(byte, specials))) == 0
    };
    blocks.iter().take_while(is_plain).count() * BLOCK
}

/// The word that starts there, its first byte the lowest.
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

/// The highest bit of the first special byte, if there is one, and maybe bits above that one: a subtraction
/// may borrow from the byte above, but only where there was something to find below.
fn find<const N: usize>(word: u64, specials: [u8; N]) -> u64 {
    let below = |word: u64, limit: u8| word.wrapping_sub(LOW_BITS * u64::from(limit)) & !word & HIGH_BITS;
    specials
        .iter()
        .fold(below(word, 0x20), |found, &special| found | below(word ^ (LOW_BITS * u64::from(special)), 1))
}

/// The number of the byte that has the lowest of these bits.
fn first(found: u64) -> usize {
    found.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::{is_special, plain_length};
    use proptest::collection::vec;
    use proptest::prelude::*;

    const SPECIALS: [u8; 3] = [b'"', b'\\', 0xEF];

    fn expected(bytes: &[u8]) -> usize {
        bytes.iter().position(|&byte| byte < 0x20 || SPECIALS.contains(&byte)).unwrap_or(bytes.len())
    }

    #[test]
    fn every_byte_is_found_at_every_place() {
        for length in 0..200 {
            let plain = vec![b'x'; length];
            assert_eq!(plain_length(&plain, SPECIALS), length);
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = plain.clone();
                    bytes[place] = byte;
                    let expected = if is_special(byte, SPECIALS) { place } else { length };
                    assert_eq!(plain_length(&bytes, SPECIALS), expected, "{byte} at {place} of {length}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_of_many_is_found(
            start in vec(prop::sample::select(b"! #[]\x7F\x80\xEE\xF0\xFF".to_vec()), 0..100),
            rest in vec(any::<u8>(), 0..40),
        ) {
            let bytes = [start, rest].concat();
            prop_assert_eq!(plain_length(&bytes, SPECIALS), expected(&bytes));
        }
    }
}
