//! Stored messages as the simulation makes them: each says which it is, three times over, and carries a checksum, as
//! the server's do. So a damaged one is noticed and can still be told from others.

use crate::random::Dice;

/// The number of a message: drawn by the workload, never used twice in a seed.
pub(crate) type Number = u64;

/// The shortest that a stored message can be, in bytes.
pub(crate) const LEAST_BYTES: usize = 28;

/// What was found where a stored message should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A whole message of that length.
    Intact(Number, usize),
    /// Not what was written, but two of three say that it was this message.
    Damaged(Option<Number>),
}

/// The bytes of a message.
pub(crate) fn stored(number: Number, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len.max(LEAST_BYTES));
    (0..3).for_each(|_| bytes.extend_from_slice(&number.to_le_bytes()));
    bytes.extend_from_slice(&[0; 4]);
    let mut filler = Dice::new(number);
    while bytes.len() < len {
        bytes.extend_from_slice(&filler.next().to_le_bytes());
    }
    bytes.truncate(len.max(LEAST_BYTES));
    let crc = checksum(&bytes);
    bytes[24..28].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What these bytes are.
pub(crate) fn read(bytes: &[u8]) -> Content {
    if bytes.len() < LEAST_BYTES {
        return Content::Damaged(None);
    }
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let numbers = [word(0), word(8), word(16)];
    if bytes[24..28] == checksum(bytes).to_le_bytes() {
        return Content::Intact(numbers[0], bytes.len());
    }
    let [a, b, c] = numbers;
    Content::Damaged(if a == b || a == c {
        Some(a)
    } else if b == c {
        Some(b)
    } else {
        None
    })
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..24]), &bytes[28..])
}

/// The message id that goes with a number.
pub(crate) fn id(number: Number) -> [u8; 16] {
    let mut id = [0xa5; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    id
}

/// The number that goes with a message id that [`id`] made.
pub(crate) fn number(id: &[u8; 16]) -> Number {
    let mut number = [0; 8];
    number.copy_from_slice(&id[..8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is_and_the_message_is_still_known() {
        for len in [28, 29, 100] {
            let whole = stored(77, len);
            assert_eq!(read(&whole), Content::Intact(77, len));
            for bit in 0..len * 8 {
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(read(&bytes), Content::Damaged(Some(77)), "bit {bit}");
            }
        }
        assert_eq!(number(&id(9)), 9);
    }
}
