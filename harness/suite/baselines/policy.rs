//! What may be written beside the scenarios, and when: [`Policy`].

/// What becomes of the baseline that a campaign proposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// Nothing is written.
    Never,
    /// It waits for somebody to accept it.
    Propose,
    /// One of a case without a baseline is accepted, any other waits.
    AcceptNew,
    /// It is accepted.
    Accept,
}

/// What an invocation may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// What becomes of proposed baselines.
    pub update: Update,
    /// Whether campaigns are added to the history.
    pub record: bool,
}

/// `INSTA_UPDATE` is none of the values `insta` knows.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("INSTA_UPDATE is {0:?}; expected auto, new, unseen, always, force or no")]
pub(crate) struct UnknownUpdate(String);

/// Whether campaigns are added to the history, overruling that CI does not.
const RECORD_VARIABLE: &str = "MESHBENCH_RECORD_HISTORY";

impl Policy {
    /// By the variables `CI`, `TF_BUILD`, `INSTA_UPDATE` and `MESHBENCH_RECORD_HISTORY`.
    ///
    /// # Errors
    /// [`UnknownUpdate`].
    pub(crate) fn from_environment() -> Result<Self, UnknownUpdate> {
        Self::of(|variable| std::env::var(variable).ok())
    }

    /// `insta`'s rules, but that nothing at all makes CI accept or propose anything: what a machine accepts, nobody has
    /// looked at.
    fn of(value: impl Fn(&str) -> Option<String>) -> Result<Self, UnknownUpdate> {
        // As `insta` tells that it runs in CI; `TF_BUILD` is Azure's.
        let is_ci = match value("CI").as_deref() {
            Some("" | "0" | "false") => false,
            Some(_) => true,
            None => value("TF_BUILD").is_some(),
        };
        let update = match value("INSTA_UPDATE").as_deref() {
            _ if is_ci => Update::Never,
            None | Some("" | "auto" | "new") => Update::Propose,
            Some("unseen") => Update::AcceptNew,
            Some("always" | "force" | "1") => Update::Accept,
            Some("no") => Update::Never,
            Some(other) => return Err(UnknownUpdate(other.to_owned())),
        };
        let asked = value(RECORD_VARIABLE).filter(|value| !value.is_empty());
        let record = asked.map_or(!is_ci, |value| crate::settings::is_yes(&value));
        Ok(Self { update, record })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::at_a_desk(&[], Update::Propose, true)]
    #[case::asked_to_accept(&[("INSTA_UPDATE", "always")], Update::Accept, true)]
    #[case::asked_to_accept_new_ones(&[("INSTA_UPDATE", "unseen")], Update::AcceptNew, true)]
    #[case::asked_to_leave_all_alone(&[("INSTA_UPDATE", "no")], Update::Never, true)]
    #[case::in_ci(&[("CI", "true")], Update::Never, false)]
    #[case::in_azure(&[("TF_BUILD", "True")], Update::Never, false)]
    #[case::asked_to_accept_in_ci(&[("CI", "true"), ("INSTA_UPDATE", "always")], Update::Never, false)]
    #[case::asked_to_record_in_ci(&[("CI", "1"), ("MESHBENCH_RECORD_HISTORY", "1")], Update::Never, true)]
    #[case::not_in_ci(&[("CI", "false"), ("MESHBENCH_RECORD_HISTORY", "")], Update::Propose, true)]
    #[case::asked_not_to_record(&[("MESHBENCH_RECORD_HISTORY", "no")], Update::Propose, false)]
    fn ci_writes_nothing_unless_it_is_history_and_asked_for(
        #[case] variables: &[(&str, &str)],
        #[case] update: Update,
        #[case] record: bool,
    ) {
        let value = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(Policy::of(value), Ok(Policy { update, record }));
    }

    #[test]
    fn an_unknown_update_is_refused() {
        let error = Policy::of(|name| (name == "INSTA_UPDATE").then(|| "alwasy".to_owned())).unwrap_err();
        insta::assert_snapshot!(error, @r#"INSTA_UPDATE is "alwasy"; expected auto, new, unseen, always, force or no"#);
    }
}
