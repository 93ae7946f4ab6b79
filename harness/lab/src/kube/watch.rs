//! Waiting for objects of a cluster to be as they should: told of each change, not asking over and over.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures_util::TryStreamExt;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::error_chain;
use crate::wait::TimedOut;

/// How long after a watch broke the objects are listed again.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Looks at the objects of a selector, by name, now and at each change, until `look` answers `Ok`; an `Err` says what was
/// seen instead. An API server that does not answer for a while is waited for, within the limit.
///
/// # Errors
/// [`TimedOut`] with the last `Err` when the limit runs out.
pub(super) async fn until<K, T>(
    api: &Api<K>,
    selector: &ListParams,
    limit: Duration,
    mut look: impl FnMut(&BTreeMap<String, K>) -> Result<T, String>,
) -> Result<T, TimedOut>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let deadline = Instant::now() + limit;
    let mut last_seen = "nothing yet".to_owned();
    loop {
        let followed = timeout_at(deadline, follow(api, selector, &mut look, &mut last_seen)).await;
        match followed {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(Broken::Ended)) => {}
            Ok(Err(Broken::Failed(error))) => last_seen = error_chain(&error),
            Err(_) => return Err(TimedOut { limit, last_seen }),
        }
        if timeout_at(deadline, sleep(RETRY_AFTER)).await.is_err() {
            return Err(TimedOut { limit, last_seen });
        }
    }
}

/// Why a watch gave no answer.
enum Broken {
    /// The server ended it, as it does now and then.
    Ended,
    /// The server could not be asked.
    Failed(kube::Error),
}

async fn follow<K, T>(
    api: &Api<K>,
    selector: &ListParams,
    look: &mut impl FnMut(&BTreeMap<String, K>) -> Result<T, String>,
    last_seen: &mut String,
) -> Result<T, Broken>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let listed = api.list(selector).await.map_err(Broken::Failed)?;
    let version = listed.metadata.resource_version.clone().unwrap_or_default();
    let key = |object: &K| match object.namespace() {
        Some(namespace) => format!("{namespace}/{}", object.name_any()),
        None => object.name_any(),
    };
    let mut objects: BTreeMap<_, _> = listed.items.into_iter().map(|object| (key(&object), object)).collect();
    match look(&objects) {
        Ok(found) => return Ok(found),
        Err(seen) => *last_seen = seen,
    }
    let parameters = WatchParams {
        label_selector: selector.label_selector.clone(),
        field_selector: selector.field_selector.clone(),
        ..WatchParams::default()
    };
    let events = api.watch(&parameters, &version).await.map_err(Broken::Failed)?;
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.try_next().await.map_err(Broken::Failed)? {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                objects.insert(key(&object), object);
            }
            WatchEvent::Deleted(object) => {
                objects.remove(&key(&object));
            }
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(_) => break,
        }
        match look(&objects) {
            Ok(found) => return Ok(found),
            Err(seen) => *last_seen = seen,
        }
    }
    Err(Broken::Ended)
}
