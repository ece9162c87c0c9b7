//! What a request says about the trace that it is part of: W3C's `traceparent`, or AWS's `X-Amzn-Trace-Id`, which is also how
//! messages carry it (the system attribute `AWSTraceHeader`).

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) trace_id: [u8; 16],
    /// The span that it comes from, if it says so.
    pub(super) span_id: Option<[u8; 8]>,
    /// Whether the trace is recorded. Whoever doesn't say leaves it to us.
    pub(super) is_sampled: bool,
}

impl Context {
    /// `00-TRACE-SPAN-FLAGS` (W3C Trace Context, section 3.2); `None` for what is not valid, as if it weren't there.
    pub(super) fn from_w3c(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = bytes::<1>(version)?;
        // Later versions may have more parts; this one doesn't.
        if version == 0xff || version == 0 && parts.next().is_some() {
            return None;
        }
        let (trace_id, span_id, [flags]) = (bytes(trace)?, bytes(span)?, bytes::<1>(flags)?);
        if trace_id == [0; 16] || span_id == [0; 8] {
            return None;
        }
        Some(Self { trace_id, span_id: Some(span_id), is_sampled: flags & 1 == 1 })
    }

    /// `Root=1-SECONDS-REST;Parent=SPAN;Sampled=1`, in any order (X-Ray's tracing header); `None` without a valid root.
    pub(super) fn from_aws(text: &str) -> Option<Self> {
        let (mut trace_id, mut span_id, mut is_sampled) = (None, None, true);
        for part in text.split(';') {
            match part.trim().split_once('=')? {
                ("Root", root) => trace_id = root_id(root),
                ("Parent", parent) => span_id = bytes(parent),
                ("Sampled", sampled) => is_sampled = sampled != "0",
                // `Self`, `Lineage`, and whatever callers add.
                _ => {}
            }
        }
        trace_id.map(|trace_id| Self { trace_id, span_id, is_sampled })
    }
}

/// X-Ray writes the sixteen bytes as a version, the first four and the other twelve.
fn root_id(text: &str) -> Option<[u8; 16]> {
    let mut parts = text.split('-');
    let (version, seconds, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if version != "1" || parts.next().is_some() {
        return None;
    }
    let (seconds, rest) = (bytes::<4>(seconds)?, bytes::<12>(rest)?);
    let mut id = [0; 16];
    id[..4].copy_from_slice(&seconds);
    id[4..].copy_from_slice(&rest);
    Some(id)
}

/// So many bytes in hexadecimal, and nothing else.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut found = [0; N];
    for (index, byte) in found.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Context;

    const TRACE: [u8; 16] =
        [0x5f, 0x84, 0xc7, 0xa1, 0xe7, 0xd1, 0x85, 0x2d, 0xb8, 0xc4, 0xfd, 0x35, 0xd8, 0x8b, 0xf4, 0x9a];
    const SPAN: [u8; 8] = [0x53, 0x99, 0x5c, 0x3f, 0x42, 0xcd, 0x8a, 0xd8];

    #[test]
    fn both_forms_say_the_same() {
        let expected = Context { trace_id: TRACE, span_id: Some(SPAN), is_sampled: true };
        let w3c = "00-5f84c7a1e7d1852db8c4fd35d88bf49a-53995c3f42cd8ad8-01";
        let aws = "Root=1-5f84c7a1-e7d1852db8c4fd35d88bf49a;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!(Context::from_w3c(w3c), Some(expected));
        assert_eq!(Context::from_aws(aws), Some(expected));
        let other_order =
            "Sampled=1; Parent=53995c3f42cd8ad8;Self=1-x; Root=1-5f84c7a1-e7d1852db8c4fd35d88bf49a";
        assert_eq!(Context::from_aws(other_order), Some(expected));
        assert!(
            !Context::from_w3c("00-5f84c7a1e7d1852db8c4fd35d88bf49a-53995c3f42cd8ad8-00").unwrap().is_sampled
        );
        let root = Context::from_aws("Root=1-5f84c7a1-e7d1852db8c4fd35d88bf49a").unwrap();
        assert_eq!(root, Context { span_id: None, ..expected });
        assert!(!Context::from_aws("Root=1-5f84c7a1-e7d1852db8c4fd35d88bf49a;Sampled=0").unwrap().is_sampled);
    }

    #[test]
    fn what_is_not_valid_is_not_there() {
        for text in [
            "",
            "00",
            "00-5f84c7a1e7d1852db8c4fd35d88bf49a-53995c3f42cd8ad8",
            "00-00000000000000000000000000000000-53995c3f42cd8ad8-01",
            "00-5f84c7a1e7d1852db8c4fd35d88bf49a-0000000000000000-01",
            "00-5f84c7a1e7d1852db8c4fd35d88bf49a-53995c3f42cd8ad8-01-more",
            "ff-5f84c7a1e7d1852db8c4fd35d88bf49a-53995c3f42cd8ad8-01",
            "00-5f84c7a1e7d1852db8c4fd35d88bf49\u{e9}-53995c3f42cd8ad8-01",
            "00-+f84c7a1e7d1852db8c4fd35d88bf49a-53995c3f42cd8ad8-01",
        ] {
            assert_eq!(Context::from_w3c(text), None, "{text}");
        }
        for text in [
            "",
            "Root",
            "Root=1",
            "Root=2-5f84c7a1-e7d1852db8c4fd35d88bf49a",
            "Parent=53995c3f42cd8ad8",
            "Root=1-5f84c7a1-e7d1852db8c4fd35d88bf49a-1",
        ] {
            assert_eq!(Context::from_aws(text), None, "{text}");
        }
        let later = "01-5f84c7a1e7d1852db8c4fd35d88bf49a-53995c3f42cd8ad8-01-more";
        assert!(Context::from_w3c(later).is_some());
    }
}
