use super::*;

fn settings() -> GateSettings {
    GateSettings {
        rate: "500rps".to_owned(),
        duration: "2s".to_owned(),
        warm_up: "1s".to_owned(),
        blocks: 6,
        seed: 7,
    }
}

/// A finished gate without any run, as one is whose machine could not carry out a single one.
fn finished(folder: &Path, change: KnownChange, number: u32, started_at: &str) {
    let gate = Gate { change, number, seed: 0 };
    let campaign = GateFolder::of(folder, &gate).campaign();
    fs::create_dir_all(&campaign).unwrap();
    let report = serde_json::json!({
        "version": 1, "campaign": "c", "started_at": started_at, "took_seconds": 1.0, "interrupted": false,
        "environment": {
            "meshbench_version": "0.1.0", "optimised": true, "cpu_model": "a CPU", "memory_bytes": 1,
            "kernel": "6", "generator_cores": [1], "measured_cores": [0]
        },
        "cases": [], "ignored": []
    });
    fs::write(campaign.join("report.json"), report.to_string()).unwrap();
}

#[test]
fn finished_gates_count_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(folder.path(), settings()).unwrap().is_none());
    finished(folder.path(), KnownChange::NoChange, 10, "2026-01-02T00:00:00Z");
    finished(folder.path(), KnownChange::NoChange, 2, "2026-01-01T00:00:00Z");
    finished(folder.path(), KnownChange::Errors, 1, "2026-01-03T00:00:00Z");
    fs::create_dir_all(folder.path().join("no-change/3/scenarios")).unwrap();

    let calibration = read(folder.path(), settings()).unwrap().unwrap();
    let gates: Vec<_> = calibration.gates.iter().map(|gate| (gate.change, gate.number)).collect();
    let expected = [(KnownChange::NoChange, 2), (KnownChange::NoChange, 10), (KnownChange::Errors, 1)];
    assert_eq!(gates, expected);
    assert_eq!(calibration.began_at, ["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]);
    assert_eq!(calibration.environments.len(), 1);
    assert!(calibration.gates.iter().all(|gate| gate.meshbench == Finding::Undecided));
    assert_eq!((calibration.pilot, calibration.recordings), (None, 0));
}

#[test]
fn a_damaged_report_is_named() {
    let folder = tempfile::tempdir().unwrap();
    finished(folder.path(), KnownChange::NoChange, 1, "2026-01-01T00:00:00Z");
    fs::write(folder.path().join("no-change/1/campaign/report.json"), "{").unwrap();
    let text = read(folder.path(), settings()).unwrap_err().to_string();
    assert!(text.contains("no-change/1/campaign/report.json is damaged"), "{text}");
}

#[test]
fn the_digest_is_that_of_all_recordings_in_the_order_of_their_paths() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("a/b", "2"), ("a-b", "1"), ("c", "3")] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join(RECORDING_FILE), text).unwrap();
        fs::write(folder.path().join(name).join("run.hlog"), "else").unwrap();
    }
    let digest = digest(folder.path()).unwrap();
    // Of "123", as sha256sum has it.
    assert_eq!(digest.sha256, "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3");
    assert_eq!(digest.count, 3);
}
