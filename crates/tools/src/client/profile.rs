//! The AWS CLI's files: `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;

/// The sections of a file, by name as it stands between the brackets, spaces evened out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini(BTreeMap<String, Section>);

/// Settings by name, in lower case. A setting whose value is on indented lines of its own has them as `name.inner`.
pub type Section = BTreeMap<String, String>;

impl Ini {
    /// Reads a file; lines that say nothing are passed over, as the AWS CLI's own readers do not agree on them.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        let mut section = None;
        let mut outer = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let name = section_name(name.0);
                sections.entry(name.clone()).or_default();
                (section, outer) = (Some(name), None);
                continue;
            }
            let Some(settings) = section.as_ref().and_then(|name| sections.get_mut(name)) else { continue };
            let Some((name, value)) = trimmed.split_once('=') else { continue };
            let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
            match &outer {
                Some(outer) if line.starts_with([' ', '\t']) => {
                    settings.insert(format!("{outer}.{name}"), value);
                }
                _ => {
                    outer = value.is_empty().then(|| name.clone());
                    settings.insert(name, value);
                }
            }
        }
        Self(sections)
    }

    /// A section.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.0.get(name)
    }

    /// The names of all profiles: sections as `config` (where all but the default one say `profile`) or `credentials` has them.
    pub fn profiles(&self) -> impl Iterator<Item = &str> {
        let others = ["services ", "sso-session ", "plugins", "preview"];
        let names = self.0.keys().filter(move |name| !others.iter().any(|other| name.starts_with(other)));
        names.map(|name| name.strip_prefix("profile ").unwrap_or(name))
    }
}

/// `profile  "a b"` is the profile `a b`.
fn section_name(text: &str) -> String {
    let text = text.trim();
    match text.split_once([' ', '\t']) {
        Some((kind, name)) => format!("{kind} {}", name.trim().trim_matches(['"', '\''])),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Ini;
    use proptest::prelude::*;

    const CONFIG: &str = "# mine\n[default]\nregion = eu-west-1\n\n[profile  \"far away\"]\nRegion=us-west-2\n\
        services = local\ns3 =\n  max_concurrent_requests = 20\nendpoint_url = http://h:1/a=b\n\
        [services local]\nsqs =\n    endpoint_url = http://h:2\n  ; none\n\tretries=3\ns3 = \n  endpoint_url = http://h:3\n";

    #[test]
    fn sections_settings_and_what_is_nested_in_them() {
        let ini = Ini::parse(CONFIG);
        assert_eq!(ini.section("default").unwrap()["region"], "eu-west-1");
        let far = ini.section("profile far away").unwrap();
        assert_eq!(far["region"], "us-west-2");
        assert_eq!(far["endpoint_url"], "http://h:1/a=b");
        assert_eq!(far["s3.max_concurrent_requests"], "20");
        let services = ini.section("services local").unwrap();
        assert_eq!(services["sqs.endpoint_url"], "http://h:2");
        assert_eq!(services["sqs.retries"], "3");
        assert_eq!(services["s3.endpoint_url"], "http://h:3");
        assert_eq!(ini.profiles().collect::<Vec<_>>(), ["default", "far away"]);
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(text in "[\\[\\]=a-c \\t\\n#\"]{0,80}|\\PC{0,80}") {
            let _ = Ini::parse(&text);
        }
    }
}
