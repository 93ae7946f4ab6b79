//! What proves, mesh by mesh, that traffic crossed it and nothing else.

use meshbench_core::report::{CaseReport, Report};
use meshbench_core::run::DataPathProof;

use crate::format::counted;

/// One sentence per mesh, on the weakest proof that any of its runs has. Meshes without a run have none.
pub(crate) fn data_paths(report: &Report) -> Vec<String> {
    let mut meshes: Vec<(&str, DataPathProof)> = Vec::new();
    for (mesh, proof) in report.cases.iter().flat_map(proofs) {
        match meshes.iter_mut().find(|(known, _)| *known == mesh) {
            Some((_, weakest)) => *weakest = weaker(weakest, proof),
            None => meshes.push((mesh, proof.clone())),
        }
    }
    meshes.iter().map(|(mesh, proof)| format!("{mesh}: {}", sentence(proof))).collect()
}

fn proofs(case: &CaseReport) -> impl Iterator<Item = (&str, &DataPathProof)> {
    case.runs.iter().map(|run| (case.mesh.as_str(), &run.data_path))
}

fn weaker(left: &DataPathProof, right: &DataPathProof) -> DataPathProof {
    DataPathProof {
        sidecars: left.sidecars.min(right.sidecars),
        outbound_requests: left.outbound_requests.min(right.outbound_requests),
        inbound_requests: left.inbound_requests.min(right.inbound_requests),
        verified_identities: left.verified_identities.min(right.verified_identities),
        enforced_mutual_tls: left.enforced_mutual_tls.min(right.enforced_mutual_tls),
        refused_plaintext: left.refused_plaintext.min(right.refused_plaintext),
    }
}

fn sentence(proof: &DataPathProof) -> String {
    if proof.sidecars == 0 && proof.refused_plaintext > 0 {
        return "no sidecars: shared proxies crossed, plaintext refused".to_owned();
    }
    if proof.sidecars == 0 {
        return "no sidecars, requests went straight to the services".to_owned();
    }
    let refused = match (proof.enforced_mutual_tls, proof.verified_identities) {
        // More than that was not tried.
        (0, _) if proof.refused_plaintext > 0 => "plaintext refused".to_owned(),
        (0, _) => "plaintext not shown to be refused".to_owned(),
        (enforced, identities) if enforced >= identities => "plaintext and strangers refused".to_owned(),
        (enforced, identities) => format!("plaintext and strangers refused by {enforced} of {identities}"),
    };
    let identities = match proof.verified_identities {
        1 => "1 identity".to_owned(),
        several => format!("{several} identities"),
    };
    format!("{} crossed, {identities} verified, {refused}", counted(proof.sidecars.into(), "sidecar"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn plaintext_alone_is_said_to_be_refused_where_no_more_was_tried() {
        let proof =
            DataPathProof { sidecars: 6, verified_identities: 6, refused_plaintext: 6, ..Default::default() };
        assert_eq!(sentence(&proof), "6 sidecars crossed, 6 identities verified, plaintext refused");
    }

    #[rstest]
    #[case(0, 0, 0, "no sidecars, requests went straight to the services")]
    #[case(13, 12, 12, "13 sidecars crossed, 12 identities verified, plaintext and strangers refused")]
    #[case(
        13,
        12,
        10,
        "13 sidecars crossed, 12 identities verified, plaintext and strangers refused by 10 of 12"
    )]
    #[case(1, 1, 0, "1 sidecar crossed, 1 identity verified, plaintext not shown to be refused")]
    fn says_what_was_proven_and_no_more(
        #[case] sidecars: u32,
        #[case] verified_identities: u32,
        #[case] enforced_mutual_tls: u32,
        #[case] said: &str,
    ) {
        let proof =
            DataPathProof { sidecars, verified_identities, enforced_mutual_tls, ..DataPathProof::default() };
        assert_eq!(sentence(&proof), said);
    }
}
