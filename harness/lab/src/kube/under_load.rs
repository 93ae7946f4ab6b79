//! Whose doing it is that a run cannot be finished after its load: [`blame`].

use super::error::KubeError;
use crate::error::{LabError, error_chain};

/// What the API server says in the place of a pod that it cannot reach, with any reason.
const UNREACHED: &str = "error trying to reach service";

/// What became of a data path that was proven before the load and cannot be confirmed after it: what happened under load,
/// where proxies in its way were restarted meanwhile, or cannot be reached any more or say nothing though the API server
/// answers. What else is late may be anybody's doing.
pub(super) fn blame(restarts: Vec<String>, error: KubeError) -> LabError {
    if !restarts.is_empty() {
        let result = error_chain(&error);
        return LabError::under_load(KubeError::ProxiesLost { restarts, result });
    }
    let is_gone = match &error {
        KubeError::ProxySilent { .. } => true,
        KubeError::Refused { status, .. } => status.message.contains(UNREACHED),
        _ => false,
    };
    if is_gone { LabError::under_load(error) } else { error.into() }
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
        let doing = "read the counters of mb-r-app-0/web-x".to_owned();
        KubeError::ProxySilent { pod: "mb-r-app-0/web-x".to_owned(), doing, waited: Duration::from_secs(20) }
    }

    fn late() -> KubeError {
        let waited = TimedOut { limit: Duration::from_secs(30), last_seen: "no answer".to_owned() };
        KubeError::TimedOut { what: "the data path is not confirmed".to_owned(), waited }
    }

    #[rstest]
    #[case::proxy_that_is_down(refused("error trying to reach service: connection refused"), true)]
    #[case::proxy_that_hangs(silent(), true)]
    #[case::somebody_who_is_late(late(), false)]
    #[case::api_server_that_is_overloaded(refused("the server is unable to handle the request"), false)]
    #[case::traffic_that_went_around(KubeError::DataPath("nothing crossed".to_owned()), false)]
    fn a_mesh_that_answers_no_more_did_not_outlive_the_load(
        #[case] error: KubeError,
        #[case] is_the_meshs: bool,
    ) {
        let blamed = blame(Vec::new(), error);
        assert_eq!(matches!(blamed, LabError::UnderLoad(_)), is_the_meshs, "{blamed}");
    }

    #[test]
    fn proxies_that_were_restarted_are_named() {
        let restarts = vec!["mb-r-app-0/web-x: proxy was restarted (OOMKilled, exit code 137)".to_owned()];
        let blamed = blame(restarts, KubeError::DataPath("only 3 crossed".to_owned()));
        assert!(matches!(blamed, LabError::UnderLoad(_)) && blamed.is_invalid(), "{blamed}");
        insta::assert_snapshot!(blamed, @"the mesh did not outlive the load: mb-r-app-0/web-x: proxy was restarted (OOMKilled, exit code 137); what came of it: the data path is not proven: only 3 crossed");
    }
}
