//! What of a plan must not be kept: [`LoadPlanSettings::without_secrets`].

use super::{LoadPlanSettings, PlannedRequest, RequestHeader};

/// What stands where a header's value was.
pub const LEFT_OUT: &str = "[left out]";

/// What names of headers hold whose values let somebody in or vouch for somebody, such as `Authorization`, `Cookie`,
/// `X-Api-Key`, `Private-Token` or `X-Forwarded-Client-Cert`. The help of `--header` and the README list them, too.
const NAMES_OF_SECRETS: [&str; 15] = [
    "assertion",
    "auth",
    "client-cert",
    "cookie",
    "credential",
    "csrf",
    "jwt",
    "key",
    "passwd",
    "password",
    "secret",
    "session",
    "signature",
    "token",
    "xsrf",
];

impl LoadPlanSettings {
    /// The same plan, fit to be kept and handed on: without bodies, and without the values of headers whose names say that they
    /// let somebody in. It is still a plan, though not one that can be run again as it was.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let mut settings = self.clone();
        for request in settings.targets.iter_mut().flat_map(|target| &mut target.requests) {
            request.body.clear();
            for header in request.headers.iter_mut().filter(|header| header.is_secret()) {
                LEFT_OUT.clone_into(&mut header.value);
            }
        }
        settings
    }

    /// What [`Self::without_secrets`] leaves out, each with its length (8 bytes, little-endian) before it, so that two plans
    /// with other secrets and nothing else differ here. Empty where nothing is left out.
    #[must_use]
    pub fn secrets(&self) -> Vec<u8> {
        let requests = || self.targets.iter().flat_map(|target| &target.requests);
        if !requests().any(PlannedRequest::has_secrets) {
            return Vec::new();
        }
        let parts = requests().flat_map(PlannedRequest::secrets);
        parts.flat_map(|part| [&(part.len() as u64).to_le_bytes(), part].concat()).collect()
    }
}

impl PlannedRequest {
    fn has_secrets(&self) -> bool {
        !self.body.is_empty() || self.headers.iter().any(RequestHeader::is_secret)
    }

    fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        let headers = self.headers.iter().filter(|header| header.is_secret());
        headers.map(|header| header.value.as_bytes()).chain([self.body.as_slice()])
    }
}

impl RequestHeader {
    fn is_secret(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        NAMES_OF_SECRETS.iter().any(|part| name.contains(part))
    }
}
