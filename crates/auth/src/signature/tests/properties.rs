//! Whatever the second signer signs is good, and nothing that differs from it; whatever comes in is read without a panic.

use http::HeaderValue;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::signer::{Signer, canonical};
use super::{Claim, KEY_ID, NOW_S, Sent, authenticate, verifier};

const SIGNED: [&str; 5] = ["content-type", "host", "my-header", "x-amz-date", "x-amz-target"];

prop_compose! {
    fn requests()(
        method in "GET|POST",
        path in "(/([a-zA-Z0-9._~$%@!+é ]{0,8}|\\.\\.?)){1,5}/?",
        query in proptest::option::of("([a-c]{0,2}(=[a-zA-Z0-9%+._~/*é -]{0,6})?&?){0,5}"),
        kind in "[ -~]{0,20}",
        values in vec("[!-~é]{0,3}[ \t!-~]{0,12}", 1..4),
        body in vec(any::<u8>(), 0..200),
    ) -> Sent {
        let mut sent = Sent::new(&method, &path, "localhost:9324", &[("content-type", &kind)], &body);
        sent.query = query;
        sent.add("x-amz-target", "AmazonSQS.SendMessage");
        values.iter().for_each(|value| sent.add("my-header", value));
        sent
    }
}

/// One change somewhere in what is signed.
fn change(sent: &mut Sent, place: usize, index: Index, mask: u8) {
    let flip = |bytes: &mut [u8]| {
        if !bytes.is_empty() {
            let at = index.index(bytes.len());
            bytes[at] ^= mask;
        }
    };
    let flip_text = |text: &mut String| {
        let mut bytes = text.clone().into_bytes();
        flip(&mut bytes);
        // What is no text never gets here: the HTTP library refuses it.
        if let Ok(changed) = String::from_utf8(bytes) {
            *text = changed;
        }
    };
    match place {
        0 => flip(&mut sent.body),
        1 => flip_text(&mut sent.path),
        2 => sent.query.as_mut().into_iter().for_each(flip_text),
        3 => flip_text(&mut sent.method),
        _ => {
            let name = SIGNED[place % SIGNED.len()];
            let mut value = sent.headers[name].as_bytes().to_vec();
            flip(&mut value);
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                *sent.headers.get_mut(name).unwrap() = value;
            }
        }
    }
}

proptest! {
    #[test]
    fn what_the_second_signer_signs_is_good(mut sent in requests()) {
        Signer::new().sign(&mut sent, &SIGNED);
        prop_assert_eq!(authenticate(&verifier(), &sent, NOW_S), Ok(KEY_ID.to_owned()));
    }

    #[test]
    fn what_the_second_signer_presigns_is_good(mut sent in requests(), expires in 1_u32..604_801) {
        let signed: Vec<_> = SIGNED.into_iter().filter(|name| *name != "x-amz-date").collect();
        Signer::new().presign(&mut sent, &signed, &expires.to_string());
        prop_assert_eq!(authenticate(&verifier(), &sent, NOW_S), Ok(KEY_ID.to_owned()));
    }

    #[test]
    fn a_changed_byte_is_noticed(
        sent in requests(), place in 0_usize..14, index: Index, mask in 1_u8..=255,
    ) {
        let mut changed = sent.clone();
        Signer::new().sign(&mut changed, &SIGNED);
        let original = canonical(&changed, &SIGNED);
        change(&mut changed, place, index, mask);
        // Some changes mean nothing: a space more, another spelling of the same path.
        let is_same = canonical(&changed, &SIGNED) == original;
        prop_assert_eq!(authenticate(&verifier(), &changed, NOW_S).is_ok(), is_same);
    }

    #[test]
    fn a_changed_signature_is_noticed(mut sent in requests(), digit in 0_usize..64, by in 1_u8..16) {
        Signer::new().sign(&mut sent, &SIGNED);
        let mut header = sent.headers["authorization"].to_str().unwrap().to_owned().into_bytes();
        let at = header.len() - 64 + digit;
        let value = char::from(header[at]).to_digit(16).unwrap() as u8;
        header[at] = b"0123456789abcdef"[usize::from((value + by) % 16)];
        sent.set("authorization", std::str::from_utf8(&header).unwrap());
        prop_assert!(authenticate(&verifier(), &sent, NOW_S).is_err());
    }

    #[test]
    fn nothing_panics(
        authorization in "(AWS4-HMAC-SHA256 )?((Credential|SignedHeaders|Signature|x)?=?[a-zA-Z0-9/;_ é-]{0,20}[, ]{0,2}){0,5}",
        query in "((X-Amz-(Algorithm|Credential|Signature|SignedHeaders|Date|Expires))?=?[a-zA-Z0-9%;/+é-]{0,12}&?){0,8}",
        date in "[0-9TZ]{0,18}|\\PC{0,10}",
        path in "\\PC{0,20}",
        is_presigned: bool,
    ) {
        let mut sent = Sent::new("GET", &path, "localhost", &[], b"");
        sent.query = is_presigned.then_some(query);
        if !is_presigned {
            sent.add("authorization", &authorization);
        }
        if let Ok(date) = HeaderValue::from_str(&date) {
            sent.headers.append("x-amz-date", date);
        }
        let _ = authenticate(&verifier(), &sent, NOW_S);
    }

    #[test]
    fn any_well_formed_claim_is_read(
        parts in proptest::array::uniform5("[a-zA-Z0-9_:.-]{1,12}"), signature in "[0-9a-f]{64}",
    ) {
        let credential = parts.join("/");
        let header = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={signature}");
        let sent = Sent::new("GET", "/", "h", &[("authorization", &header), ("x-amz-date", "20150830T123600Z")], b"");
        let request = sent.request();
        let claim = Claim::parse(&request).unwrap().unwrap();
        let read = [claim.access_key_id, claim.date, claim.region, claim.service, claim.terminator];
        prop_assert_eq!(read.map(String::from), parts);
        prop_assert_eq!(&*claim.signature, signature);
    }
}
