//! A cluster as one campaign sees it: [`Cluster`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::version::Info;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiCapabilities, Scope, pinned_kind};
use kube::{Client, Config};
use serde_json::Value;
use tokio::time::timeout;

use super::error::KubeError;
use super::labels;
use crate::error::error_chain;
use crate::wait;

/// After this long without a byte a connection is dead: longer than the quiet of a watch, which a server ends by itself.
const SILENCE: Duration = Duration::from_secs(330);
/// How long an API server that is there takes to say its version.
const ANSWER: Duration = Duration::from_secs(5);
/// How long one may take that is asked for the first time.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who changes objects, to the API server.
pub(super) const FIELD_MANAGER: &str = "meshbench";

/// A cluster, with the id of the campaign that everything made in it is marked with.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    context: String,
    campaign: String,
    kinds: Arc<Mutex<BTreeMap<String, (ApiResource, Scope)>>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { context, campaign, .. } = self;
        formatter.debug_struct("Cluster").field("context", context).field("campaign", campaign).finish()
    }
}

impl Cluster {
    /// The cluster of a kubeconfig context, or of the current one. Asks the API server nothing yet.
    ///
    /// # Errors
    /// [`KubeError::Unreachable`] when the kubeconfig or the context is not there or cannot be read.
    pub async fn connect(context: Option<&str>, campaign: &str) -> Result<Self, KubeError> {
        Self::connect_by(Kubeconfig::read, context, campaign).await
    }

    /// The cluster of a context of this kubeconfig, whatever `KUBECONFIG` names. Asks the API server nothing yet.
    ///
    /// # Errors
    /// As [`Cluster::connect`].
    pub async fn connect_with(kubeconfig: &Path, context: &str, campaign: &str) -> Result<Self, KubeError> {
        Self::connect_by(|| Kubeconfig::read_from(kubeconfig), Some(context), campaign).await
    }

    async fn connect_by(
        read: impl FnOnce() -> Result<Kubeconfig, KubeconfigError>,
        context: Option<&str>,
        campaign: &str,
    ) -> Result<Self, KubeError> {
        let named =
            context.map_or_else(|| "the current context".to_owned(), |name| format!("context {name}"));
        let unreachable = |error: &dyn std::error::Error| KubeError::Unreachable {
            context: named.clone(),
            why: error_chain(error),
        };
        let options =
            KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let kubeconfig = read().map_err(|error| unreachable(&error))?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|error| unreachable(&error))?;
        config.read_timeout = Some(SILENCE);
        let client = Client::try_from(config).map_err(|error| unreachable(&error))?;
        let context = context.unwrap_or("current").to_owned();
        Ok(Self { client, context, campaign: campaign.to_owned(), kinds: Arc::default() })
    }

    /// Waits for an API server that is away.
    ///
    /// # Errors
    /// [`KubeError::TimedOut`] with what it said last.
    pub(super) async fn await_answer(&self, limit: Duration) -> Result<(), KubeError> {
        let answered = wait::until(limit, || async {
            match timeout(ANSWER, self.client.apiserver_version()).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error_chain(&error)),
                Err(_) => Err("nothing".to_owned()),
            }
        });
        answered.await.map_err(KubeError::timed_out("the API server does not answer"))
    }

    /// Asks the API server for Kubernetes' version, and so whether it is there at all.
    ///
    /// # Errors
    /// [`KubeError::Api`]; [`KubeError::Unfit`] when it accepts the question and says nothing.
    pub(super) async fn version(&self) -> Result<Info, KubeError> {
        let Ok(answered) = timeout(PATIENCE, self.client.apiserver_version()).await else {
            return Err(KubeError::Unfit(format!(
                "the API server of context {} has not said its version for {}: is it overloaded, or another thing than an API \
                 server?",
                self.context,
                humantime::format_duration(PATIENCE)
            )));
        };
        answered.map_err(KubeError::api("ask the API server for its version"))
    }

    /// For what has no method here.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The context, as results and messages name the cluster.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The id that everything made is marked with.
    #[must_use]
    pub fn campaign(&self) -> &str {
        &self.campaign
    }

    /// Makes an object, or makes it like this, by server-side apply, and marks it as the campaign's: the object itself,
    /// and not the pods of a template, which end with it.
    ///
    /// # Errors
    /// [`KubeError::Manifest`], [`KubeError::Api`].
    pub(super) async fn apply(&self, object: &Value) -> Result<DynamicObject, KubeError> {
        let mut object = as_object(object)?;
        let labels = object.metadata.labels.get_or_insert_default();
        labels.insert(labels::CAMPAIGN.to_owned(), self.campaign.clone());
        let name = object.metadata.name.clone().unwrap_or_default();
        let doing = format!("apply {}", shown(&object));
        let api = self.api_for(&object).await?;
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        api.patch(&name, &parameters, &Patch::Apply(&object)).await.map_err(KubeError::api(doing))
    }

    /// The API of an object's kind, in its namespace where the kind has any.
    ///
    /// # Errors
    /// [`KubeError::Api`] when the cluster does not know the kind.
    pub(super) async fn api_for(&self, object: &DynamicObject) -> Result<Api<DynamicObject>, KubeError> {
        let types = object.types.clone().unwrap_or_default();
        let (resource, scope) = self.kind(&types.api_version, &types.kind).await?;
        Ok(match (scope, &object.metadata.namespace) {
            (Scope::Cluster, _) => Api::all_with(self.client.clone(), &resource),
            (Scope::Namespaced, Some(namespace)) => {
                Api::namespaced_with(self.client.clone(), namespace, &resource)
            }
            (Scope::Namespaced, None) => Api::default_namespaced_with(self.client.clone(), &resource),
        })
    }

    /// What the cluster calls a kind; asked once.
    ///
    /// # Errors
    /// [`KubeError::Api`] when the cluster does not know it.
    pub(super) async fn kind(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<(ApiResource, Scope), KubeError> {
        let key = format!("{api_version}/{kind}");
        if let Some(known) = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let kind = GroupVersionKind::gvk(group, version, kind);
        let asked = pinned_kind(&self.client, &kind).await;
        let (resource, ApiCapabilities { scope, .. }) =
            asked.map_err(KubeError::api(format!("find the kind {key} in the cluster")))?;
        let known = (resource, scope);
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(key, known.clone());
        Ok(known)
    }
}

/// An object of any kind that can be told to an API server.
///
/// # Errors
/// [`KubeError::Manifest`] without kind or name.
pub(super) fn as_object(value: &Value) -> Result<DynamicObject, KubeError> {
    let told = value.to_string();
    let beginning: String = told.chars().take(80).collect();
    let wrong = |why: String| KubeError::Manifest { origin: format!("{beginning}…"), why };
    let object: DynamicObject =
        serde_json::from_value(value.clone()).map_err(|error| wrong(error.to_string()))?;
    if object.types.is_none() {
        return Err(wrong("it has no apiVersion and kind".to_owned()));
    }
    if object.metadata.name.is_none() {
        return Err(wrong("it has no metadata.name".to_owned()));
    }
    Ok(object)
}

/// `Deployment app-0/web`, or `ClusterRole web`.
pub(super) fn shown(object: &DynamicObject) -> String {
    let kind = object.types.as_ref().map_or("object", |types| types.kind.as_str());
    let name = object.metadata.name.as_deref().unwrap_or("without a name");
    match &object.metadata.namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}
