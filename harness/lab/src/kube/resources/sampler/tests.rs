use super::*;

fn round(moments: &[(&str, u64)]) -> Result<BTreeMap<ContainerKey, Counters>, String> {
    let counters = |&(pod, at): &(&str, u64)| {
        let (namespace, container) = ("n".to_owned(), "c".to_owned());
        let key = ContainerKey { namespace, pod: pod.to_owned(), container };
        let (started_unix_ns, cpu_ns, working_set_bytes, rss_bytes) = (0, at, 1, 1);
        (key, Counters { started_unix_ns, at_unix_ns: at, cpu_ns, working_set_bytes, rss_bytes })
    };
    Ok(moments.iter().map(counters).collect())
}

#[test]
fn the_window_is_covered_when_every_container_that_is_there_was_read_after_it() {
    let mut collected = Collected::default();
    assert_eq!(collected.covers(100).unwrap_err(), "no kubelet has answered");
    collected.add(round(&[("a", 90), ("b", 101)]));
    let missing = "1 of 2 containers have no counters from after it, n/a/c for one";
    assert_eq!(collected.covers(100).unwrap_err(), missing);
    collected.add(Err("node-1 is away".to_owned()));
    assert_eq!(collected.covers(100).unwrap_err(), "node-1 is away");
    // One that has vanished will have none.
    collected.add(round(&[("b", 101)]));
    collected.covers(100).unwrap();
    assert_eq!(collected.readings.len(), 2);
}

#[test]
fn counters_that_have_not_moved_are_one_reading() {
    let mut collected = Collected::default();
    collected.add(round(&[("a", 90)]));
    collected.add(round(&[("a", 90)]));
    assert_eq!(collected.readings.len(), 1);
}
