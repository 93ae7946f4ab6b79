//! Whose doing it is that a run cannot be finished after its load: [`blame`].

use super::error::KubeError;
use crate::error::{LabError, error_chain};

/// What the API server says in the place of a pod that it cannot reach, with any reason.
const UNREACHED: &str = "error trying to reach service";

/// What became of a data path that was proven before the load and cannot be confirmed after it: what happened under load,
/// where proxies in its way were restarted meanwhile, or do not answer any more though the API server does.
pub(super) fn blame(restarts: Vec<String>, api_server_answers: bool, error: KubeError) -> LabError {
    if !restarts.is_empty() {
        let result = error_chain(&error);
        return LabError::under_load(KubeError::ProxiesLost { restarts, result });
    }
    let is_silent = match &error {
        KubeError::Refused { status, .. } => status.message.contains(UNREACHED),
        KubeError::TimedOut { .. } => api_server_answers,
        _ => false,
    };
    if is_silent { LabError::under_load(error) } else { error.into() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::core::Status;
    use rstest::rstest;

    use super::*;
    use crate::wait::TimedOut;

    fn refused(message: &str) -> KubeError {
        let status = Status::failure(message, "reason").with_code(503).boxed();
        KubeError::Refused { doing: "read the counters of mb-r-app-0/web-x".to_owned(), status }
    }

    fn silent() -> KubeError {
        let waited = TimedOut { limit: Duration::from_secs(30), last_seen: "no answer".to_owned() };
        KubeError::TimedOut { what: "the data path is not confirmed".to_owned(), waited }
    }

    #[rstest]
    #[case::proxy_that_is_down(refused("error trying to reach service: connection refused"), true, true)]
    #[case::proxy_that_hangs(silent(), true, true)]
    #[case::api_server_that_hangs(silent(), false, false)]
    #[case::api_server_that_is_overloaded(refused("the server is unable to handle the request"), true, false)]
    #[case::traffic_that_went_around(KubeError::DataPath("nothing crossed".to_owned()), true, false)]
    fn a_mesh_that_answers_no_more_did_not_outlive_the_load(
        #[case] error: KubeError,
        #[case] api_server_answers: bool,
        #[case] is_the_meshs: bool,
    ) {
        let blamed = blame(Vec::new(), api_server_answers, error);
        assert_eq!(matches!(blamed, LabError::UnderLoad(_)), is_the_meshs, "{blamed}");
    }

    #[test]
    fn proxies_that_were_restarted_are_named() {
        let restarts = vec!["mb-r-app-0/web-x: proxy was restarted (OOMKilled, exit code 137)".to_owned()];
        let blamed = blame(restarts, true, KubeError::DataPath("only 3 crossed".to_owned()));
        assert!(matches!(blamed, LabError::UnderLoad(_)) && blamed.is_invalid(), "{blamed}");
        insta::assert_snapshot!(blamed, @"the mesh did not outlive the load: mb-r-app-0/web-x: proxy was restarted (OOMKilled, exit code 137); what came of it: the data path is not proven: only 3 crossed");
    }
}
