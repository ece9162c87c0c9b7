//! What the edge does with a message beside reading and writing it: its stored form, and receipt handles.

use crate::{Case, Work, body, pure};
use bongsu_engine::{QueueId, Receipt};
use bongsu_server::measuring::{Handles, MessageKeys, Stored};
use std::hint::black_box;

pub(crate) const CASES: &[Case] = &[
    Case { name: "stored/encode", set_up: encode },
    Case { name: "stored/decode", set_up: decode },
    Case { name: "stored/seal", set_up: seal_message },
    Case { name: "stored/open", set_up: open_message },
    Case { name: "receipt/seal", set_up: seal },
    Case { name: "receipt/open", set_up: open },
];

const RECEIPT: Receipt = Receipt { queue: QueueId(7), sequence: 1 << 40, nonce: 0x7b82_5d40_e5c7_6726 };

fn encode() -> Box<dyn Work> {
    let message = Stored::new(body());
    pure(move || black_box(&message).encode())
}

fn decode() -> Box<dyn Work> {
    let bytes = Stored::new(body()).encode();
    assert!(Stored::decode(&bytes).is_some());
    pure(move || Stored::decode(black_box(&bytes)))
}

fn seal_message() -> Box<dyn Work> {
    let (message, keys) = (Stored::new(body()), MessageKeys::new());
    pure(move || black_box(&message).seal(&keys))
}

fn open_message() -> Box<dyn Work> {
    let keys = MessageKeys::new();
    let bytes = Stored::new(body()).seal(&keys).unwrap_or_default();
    assert!(Stored::open(&bytes, &keys).is_some());
    pure(move || Stored::open(black_box(&bytes), &keys))
}

fn seal() -> Box<dyn Work> {
    let handles = Handles::new(&[7; 32]);
    pure(move || handles.seal(black_box(&RECEIPT)))
}

fn open() -> Box<dyn Work> {
    let handles = Handles::new(&[7; 32]);
    let handle = handles.seal(&RECEIPT);
    assert_eq!(handles.open(&handle), Some(RECEIPT));
    pure(move || handles.open(black_box(&handle)))
}
