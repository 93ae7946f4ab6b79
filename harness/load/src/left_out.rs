//! Tells plans apart by what their recordings leave out, without keeping it: [`digest`].

use std::num::NonZeroU32;

use meshbench_core::load_plan::LoadPlanSettings;
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};

const DIGEST_BYTES: usize = 16;
/// Some 50 ms once a run: somebody who guesses at a password has to take as long for each guess.
const ROUNDS: NonZeroU32 = NonZeroU32::new(100_000).unwrap();

/// A digest of what [`LoadPlanSettings::without_secrets`] leaves out, in hexadecimal; none where it leaves out nothing.
///
/// PBKDF2 as RFC 8018 has it, salted with the instant at which the window opened: all shards of a plan share it, and no two
/// runs do.
pub(crate) fn digest(settings: &LoadPlanSettings, window_start_unix_ns: u64) -> Option<String> {
    let secrets = settings.secrets();
    if secrets.is_empty() {
        return None;
    }
    let salt = window_start_unix_ns.to_le_bytes();
    let mut digest = [0; DIGEST_BYTES];
    pbkdf2::derive(PBKDF2_HMAC_SHA256, ROUNDS, &salt, &secrets, &mut digest);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use meshbench_core::load_plan::{PlannedRequest, Protocol};

    use super::*;
    use crate::http2::fuzzing::settings;

    fn digest_of(body: &[u8], window_start_unix_ns: u64) -> Option<String> {
        let request = PlannedRequest { body: body.to_vec(), ..PlannedRequest::get("/".to_owned(), 1) };
        digest(&settings(Protocol::Http1, vec![request]), window_start_unix_ns)
    }

    #[test]
    fn digests_are_equal_where_what_is_left_out_is_and_not_from_run_to_run() {
        assert_eq!(digest_of(b"", 1), None);
        let digest = digest_of(b"pin=1234", 1);
        assert!(digest.as_ref().is_some_and(|digest| digest.len() == 2 * DIGEST_BYTES), "{digest:?}");
        assert_eq!(digest_of(b"pin=1234", 1), digest);
        assert_ne!(digest_of(b"pin=1235", 1), digest);
        assert_ne!(digest_of(b"pin=1234", 2), digest);
    }
}
