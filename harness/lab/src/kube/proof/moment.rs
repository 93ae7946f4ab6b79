//! When something is proven, for what fails then to say so: [`Moment`].

use crate::kube::KubeError;

/// When the data path is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before anything is measured.
    BeforeLoad,
    /// After all was measured: what changed meanwhile shows.
    AfterLoad,
}

impl Moment {
    /// The name of the pod that tries plaintext then.
    pub(super) fn probe(self) -> &'static str {
        match self {
            Self::BeforeLoad => "plaintext-probe",
            Self::AfterLoad => "plaintext-probe-after-load",
        }
    }

    /// For `map_err`: what failed, with when it did, unless that was before the load, where everything begins.
    pub(super) fn told(self) -> impl FnOnce(KubeError) -> KubeError {
        move |error| match self {
            Self::BeforeLoad => error,
            Self::AfterLoad => after_load(error),
        }
    }
}

fn after_load(error: KubeError) -> KubeError {
    let after = |doing: String| format!("{doing} after the load");
    match error {
        KubeError::DataPath(why) => KubeError::DataPath(format!("after the load, {why}")),
        KubeError::TimedOut { what, waited } => {
            KubeError::TimedOut { what: format!("after the load, {what}"), waited }
        }
        KubeError::Refused { doing, status } => KubeError::Refused { doing: after(doing), status },
        KubeError::Api { doing, source } => KubeError::Api { doing: after(doing), source },
        KubeError::ProxySilent { pod, doing, waited } => {
            KubeError::ProxySilent { pod, doing: after(doing), waited }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait::TimedOut;
    use rstest::rstest;

    fn bad_path() -> KubeError {
        KubeError::DataPath("the proxy of n/web is another".to_owned())
    }

    fn late() -> KubeError {
        let (limit, last_seen) = (Duration::from_secs(1), "its phase is Pending".to_owned());
        KubeError::timed_out("the probe has not ended")(TimedOut { limit, last_seen })
    }

    #[rstest]
    #[case::data_path(bad_path(), "is not proven: after the load, the proxy of n/web is another")]
    #[case::too_late(late(), "after the load, the probe has not ended: ")]
    fn the_same_words_say_when_it_was(#[case] error: KubeError, #[case] expected: &str) {
        let (before, was_invalid) = (error.to_string(), error.is_invalid());
        let after = Moment::AfterLoad.told()(error);
        assert!(after.to_string().contains(expected), "{after}");
        assert_eq!(after.to_string().replacen("after the load, ", "", 1), before);
        assert_eq!(after.is_invalid(), was_invalid);
    }

    #[test]
    fn before_the_load_nothing_is_added() {
        assert_eq!(Moment::BeforeLoad.told()(bad_path()).to_string(), bad_path().to_string());
        assert_ne!(Moment::BeforeLoad.probe(), Moment::AfterLoad.probe());
    }
}
