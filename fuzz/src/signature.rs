//! Signed requests and sealed envelopes. Nobody can forge a signature, a fuzzer neither: what is accepted has the signature of a
//! seed, and then it is that seed's request.
use bongsu_auth::seal::{DataKey, KEY_BYTES, MasterKey};
use bongsu_auth::secrets::SecretKey;
use bongsu_auth::signature::{Request, Rules, Verifier};
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// When the seeds were signed: 20150830T123600Z.
const NOW_S: i64 = 1_440_938_160;

/// All that are signed well: AWS's published suite, and requests that botocore signed.
const SEEDS: [&[u8]; 5] = [
    include_bytes!("../seeds/signature/suite-header"),
    include_bytes!("../seeds/signature/suite-form"),
    include_bytes!("../seeds/signature/suite-query"),
    include_bytes!("../seeds/signature/json"),
    include_bytes!("../seeds/signature/presigned"),
];

/// A request as text: its first line, headers, an empty line, a body.
struct Parts<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: HeaderMap,
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let end = data.windows(2).position(|pair| pair == b"\n\n")?;
        let mut lines = std::str::from_utf8(&data[..end]).ok()?.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let mut headers = HeaderMap::new();
        for line in lines.take(100) {
            let (name, value) = line.split_once(':')?;
            headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
        }
        Some(Self { method, path, query, headers, body: &data[end + 2..] })
    }

    /// The signature of who is let in.
    fn authenticate(&self) -> Option<String> {
        let services = vec!["sqs".to_owned(), "service".to_owned()];
        let verifier = Verifier::new(Rules { services, region: None }, 1);
        let request = Request {
            method: self.method,
            path: self.path,
            query: self.query,
            authority: None,
            headers: &self.headers,
            body: self.body,
        };
        let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").expect("a secret");
        match verifier.authenticate(&request, NOW_S, &mut Vec::new(), |_| Some(secret)) {
            Ok(found) => found.map(|(claim, _)| claim.signature.into_owned()),
            Err(refusal) => {
                assert!(!refusal.to_string().is_empty());
                None
            }
        }
    }

    /// What can't have another form that means the same.
    fn essence(&self) -> (&str, Option<&HeaderValue>, &[u8]) {
        (self.method, self.headers.get("x-amz-target"), self.body)
    }
}

/// One run of the target.
pub fn run(data: &[u8]) {
    let master = MasterKey::new(&Zeroizing::new([1; KEY_BYTES]));
    assert!(master.open(b"", data).is_err() && DataKey::unwrap(&master, b"", data).is_err());
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = MasterKey::from_text(text);
    }
    let Some(parts) = Parts::read(data) else { return };
    let Some(signature) = parts.authenticate() else {
        assert!(!SEEDS.contains(&data), "a good signature was refused");
        return;
    };
    let is_seed = |seed: &&[u8]| {
        let seed = Parts::read(seed).expect("a request");
        seed.authenticate().expect("a signed request") == signature && seed.essence() == parts.essence()
    };
    assert!(SEEDS.iter().any(is_seed), "a request was accepted that nobody signed");
}
