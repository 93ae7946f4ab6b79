//! The recordings of all shards of a plan become one: [`Merge`], without losing anything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Recording;
use crate::load_plan::{LoadPlan, LoadPlanError, LoadPlanSettings, ShardOfPlan};
use crate::validity::Validity;

/// Why recordings do not make one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants and their fields are")]
pub enum MergeError {
    #[error(
        "{file} differs from {first} in `{field}`: {found} instead of {expected}; only shards of one plan can be merged"
    )]
    Differs { file: String, first: String, field: String, found: String, expected: String },
    #[error(
        "{file} and {first} were made with other bodies or other values of headers, which recordings leave out; only shards of one plan can be merged"
    )]
    DiffersUnseen { file: String, first: String },
    #[error(
        "{file} and {first} are both shard {shard}: give each shard once, or its requests would count twice"
    )]
    Overlap { file: String, first: String, shard: ShardOfPlan },
    #[error("shard {missing} is not among the files: without it the load of the plan is not all there")]
    Missing { missing: ShardOfPlan },
    #[error("the shards make no plan that could have been run: was one of the files edited?")]
    Plan(#[source] LoadPlanError),
}

/// Shards put together one by one, so that any number of them takes the memory of two.
#[derive(Debug)]
pub struct Merge {
    total: Recording,
    first: String,
    /// The file of each shard, by its index.
    files: BTreeMap<u32, String>,
}

impl Merge {
    /// Begins with the recording that is in `file`.
    #[must_use]
    pub fn begin(file: &str, recording: Recording) -> Self {
        let files = BTreeMap::from([(recording.plan.shard.index(), file.to_owned())]);
        Self { total: recording, first: file.to_owned(), files }
    }

    /// Adds the recording that is in `file`.
    ///
    /// # Errors
    /// Where it is of another plan, window or generator, or of a shard that is there already. Nothing is added then.
    pub fn add(&mut self, file: &str, recording: &Recording) -> Result<(), MergeError> {
        self.compare(file, recording)?;
        let shard = recording.plan.shard;
        if let Some(first) = self.files.insert(shard.index(), file.to_owned()) {
            return Err(MergeError::Overlap { file: file.to_owned(), first, shard });
        }
        self.total.absorb(recording);
        Ok(())
    }

    /// The recording of the whole plan.
    ///
    /// # Errors
    /// Where a shard is missing, or what the recordings say of themselves cannot be.
    pub fn finish(self) -> Result<Recording, MergeError> {
        let mut total = self.total;
        let shards = total.plan.shard.count();
        let absent = (0..shards).find(|index| !self.files.contains_key(index));
        if let Some(missing) = absent.and_then(|index| ShardOfPlan::try_new(index + 1, shards)) {
            return Err(MergeError::Missing { missing });
        }
        // One generator with as many threads and connections would have sent the very same requests.
        let LoadPlanSettings { shard, threads, connections, max_connections, .. } = &mut total.plan;
        (*shard, *threads, *connections) = (ShardOfPlan::WHOLE, total.threads, total.connections);
        *max_connections = max_connections.map(|most| most.saturating_mul(shards));
        let plan = LoadPlan::try_new(total.plan.clone()).map_err(MergeError::Plan)?;
        total.offered_rate = super::offered_rate(&plan, total.window_ns);
        total.achieved_rate = super::per_second(total.answered_in_window, total.window_ns);
        total.validity = Validity::of(&total);
        Ok(total)
    }

    fn compare(&self, file: &str, recording: &Recording) -> Result<(), MergeError> {
        let (ours, theirs) = (what_must_agree(&self.total), what_must_agree(recording));
        let (file, first) = (file.to_owned(), self.first.clone());
        if let Some((field, expected, found)) = first_difference("", &ours, &theirs) {
            return Err(MergeError::Differs { file, first, field, found, expected });
        }
        if self.total.left_out_digest != recording.left_out_digest {
            return Err(MergeError::DiffersUnseen { file, first });
        }
        Ok(())
    }
}

/// What recordings of shards have in common, by field.
fn what_must_agree(recording: &Recording) -> Value {
    let &Recording { version, window_start_unix_ns, window_ns, warm_up_ns, .. } = recording;
    let mut plan = json!(recording.plan);
    plan["shard"] = json!(format!("of {}", recording.plan.shard.count()));
    let Recording { generator, .. } = recording;
    json!({
        "version": version,
        "generator": generator,
        "plan": plan,
        "window_start_unix_ns": window_start_unix_ns,
        "window_ns": window_ns,
        "warm_up_ns": warm_up_ns,
    })
}

/// The path of the first field that differs, with both values.
fn first_difference(path: &str, ours: &Value, theirs: &Value) -> Option<(String, String, String)> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) if ours.keys().eq(theirs.keys()) => {
            let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            ours.iter().find_map(|(key, value)| first_difference(&below(key), value, &theirs[key]))
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            ours.iter().zip(theirs).enumerate().find_map(|(index, (ours, theirs))| {
                first_difference(&format!("{path}[{index}]"), ours, theirs)
            })
        }
        _ => (ours != theirs).then(|| (path.to_owned(), ours.to_string(), theirs.to_string())),
    }
}

impl Recording {
    /// Adds counts and latencies of another shard. Rates and the plan are for the end.
    fn absorb(&mut self, other: &Self) {
        self.interrupted |= other.interrupted;
        self.requests += other.requests;
        self.successes += other.successes;
        for (kind, count) in &other.errors {
            *self.errors.entry(*kind).or_default() += count;
        }
        self.answered_in_window += other.answered_in_window;
        self.warm_up_successes += other.warm_up_successes;
        self.cpu_seconds += other.cpu_seconds;
        self.threads += other.threads;
        self.senders.extend_from_slice(&other.senders);
        self.connections += other.connections;
        self.reconnects += other.reconnects;
        self.opened_extra += other.opened_extra;
        self.max_queue_depth += other.max_queue_depth;
        self.latency_ns.merge(&other.latency_ns);
        self.service_ns.merge(&other.service_ns);
        self.send_lag_ns.merge(&other.send_lag_ns);
        self.error_latency_ns.merge(&other.error_latency_ns);
        for (target, more) in self.targets.iter_mut().zip(&other.targets) {
            target.requests += more.requests;
            target.successes += more.successes;
            target.errors += more.errors;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::ErrorKind;
    use crate::recording::tests::recording;

    /// Shard `number` of `count` with these latencies in nanoseconds.
    fn shard(number: u32, count: u32, latencies_ns: &[u64]) -> Recording {
        let mut shard = recording(latencies_ns, latencies_ns);
        shard.plan.start_at_unix_ns = Some(1);
        shard.plan.shard = ShardOfPlan::try_new(number, count).unwrap();
        shard
    }

    fn merged(shards: &[Recording]) -> Result<Recording, MergeError> {
        let mut merge = Merge::begin("1.json", shards[0].clone());
        for (index, shard) in shards.iter().enumerate().skip(1) {
            merge.add(&format!("{}.json", index + 1), shard)?;
        }
        merge.finish()
    }

    fn refused(change: impl FnOnce(&mut Recording)) -> String {
        let mut second = shard(2, 2, &[5]);
        change(&mut second);
        merged(&[shard(1, 2, &[5]), second]).unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_belong_together_is_refused_by_file_and_field() {
        insta::assert_snapshot!(refused(|other| other.plan.seed = 8), @"2.json differs from 1.json in `plan.seed`: 8 instead of 7; only shards of one plan can be merged");
        insta::assert_snapshot!(refused(|other| other.plan.targets[0].requests[0].path = "/b".to_owned()), @r#"2.json differs from 1.json in `plan.targets[0].requests[0].path`: "/b" instead of "/"; only shards of one plan can be merged"#);
        insta::assert_snapshot!(refused(|other| other.plan.targets.push(other.plan.targets[0].clone())), @r#"2.json differs from 1.json in `plan.targets`: [{"address":"127.0.0.1:8080","name":"web","requests":[{"path":"/","weight":1}]},{"address":"127.0.0.1:8080","name":"web","requests":[{"path":"/","weight":1}]}] instead of [{"address":"127.0.0.1:8080","name":"web","requests":[{"path":"/","weight":1}]}]; only shards of one plan can be merged"#);
        insta::assert_snapshot!(refused(|other| other.plan.threads = 2), @"2.json differs from 1.json in `plan.threads`: 2 instead of 1; only shards of one plan can be merged");
        insta::assert_snapshot!(refused(|other| other.plan.shard = "2/3".parse().unwrap()), @r#"2.json differs from 1.json in `plan.shard`: "of 3" instead of "of 2"; only shards of one plan can be merged"#);
        insta::assert_snapshot!(refused(|other| other.plan.shard = "1/2".parse().unwrap()), @"2.json and 1.json are both shard 1/2: give each shard once, or its requests would count twice");
        insta::assert_snapshot!(refused(|other| other.generator = "meshbench-load 9.9.9".to_owned()), @r#"2.json differs from 1.json in `generator`: "meshbench-load 9.9.9" instead of "meshbench-load 0.1.0"; only shards of one plan can be merged"#);
        insta::assert_snapshot!(refused(|other| other.version = 9), @"2.json differs from 1.json in `version`: 9 instead of 2; only shards of one plan can be merged");
        insta::assert_snapshot!(refused(|other| other.window_ns = 5), @"2.json differs from 1.json in `window_ns`: 5 instead of 1000000000; only shards of one plan can be merged");
        insta::assert_snapshot!(refused(|other| other.left_out_digest = Some("5a".to_owned())), @"2.json and 1.json were made with other bodies or other values of headers, which recordings leave out; only shards of one plan can be merged");
        insta::assert_snapshot!(merged(&[shard(1, 3, &[5]), shard(3, 3, &[5])]).unwrap_err(), @"shard 2/3 is not among the files: without it the load of the plan is not all there");
    }

    #[test]
    fn shards_that_make_no_plan_are_refused() {
        let mut shards = [shard(1, 2, &[5]), shard(2, 2, &[5])];
        shards.iter_mut().for_each(|shard| shard.connections = 0);
        let error = merged(&shards).unwrap_err();
        insta::assert_snapshot!(error, @"the shards make no plan that could have been run: was one of the files edited?");
        assert_eq!(error, MergeError::Plan(LoadPlanError::ZeroConnections));
    }

    #[test]
    fn all_counts_add_up() {
        let mut shards = [shard(1, 2, &[5; 50]), shard(2, 2, &[7; 50])];
        shards[0].errors = BTreeMap::from([(ErrorKind::Reset, 2)]);
        shards[1].errors = BTreeMap::from([(ErrorKind::Reset, 1), (ErrorKind::Timeout, 4)]);
        (shards[1].reconnects, shards[1].max_queue_depth, shards[1].interrupted) = (3, 9, true);
        let merged = merged(&shards).unwrap();
        assert_eq!((merged.requests, merged.successes), (100, 100));
        assert_eq!(merged.errors, BTreeMap::from([(ErrorKind::Reset, 3), (ErrorKind::Timeout, 4)]));
        assert_eq!((merged.threads, merged.connections, merged.senders.len()), (2, 8, 2));
        assert_eq!((merged.reconnects, merged.max_queue_depth, merged.interrupted), (3, 9, true));
        assert_eq!((merged.offered_rate, merged.achieved_rate), (Some(100.0), 100.0));
        assert_eq!((merged.targets[0].requests, merged.targets[0].successes), (100, 100));
        assert_eq!(
            (merged.plan.shard, merged.plan.threads, merged.plan.connections),
            (ShardOfPlan::WHOLE, 2, 8)
        );
        assert_eq!(merged.validity, Validity::of(&merged));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn merged_quantiles_are_those_of_the_union(parts in prop::collection::vec(prop::collection::vec(0_u64..10_000_000_000, 0..200), 1..6)) {
            let shards: Vec<_> = (1..).zip(&parts).map(|(number, latencies_ns)| shard(number, parts.len() as u32, latencies_ns)).collect();
            // Through JSON, as `meshbench merge` reads them.
            let shards: Vec<Recording> = shards.iter().map(|shard| serde_json::from_str(&serde_json::to_string(shard).unwrap()).unwrap()).collect();
            let merged = merged(&shards).unwrap();
            let union = recording(&parts.concat(), &parts.concat());
            prop_assert_eq!(merged.requests, union.requests);
            prop_assert_eq!(&merged.latency_ns, &union.latency_ns);
            prop_assert_eq!(&merged.service_ns, &union.service_ns);
            prop_assert_eq!(&merged.send_lag_ns, &union.send_lag_ns);
            for permille in 0..=1_000 {
                let quantile = f64::from(permille) / 1_000.0;
                prop_assert_eq!(merged.latency_ns.value_at_quantile(quantile), union.latency_ns.value_at_quantile(quantile));
            }
        }
    }
}
