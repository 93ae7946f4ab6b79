//! [`ClusterSource`]: which clusters a scenario runs on.

/// Which clusters a scenario runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterSource {
    /// Those of these kubeconfig contexts, all at once; whoever runs the scenario says which, where there are none.
    Contexts(Vec<String>),
    /// One that is made for the campaign and removed with it.
    Made(ClusterRecipe),
}

/// How a cluster is made for one campaign, and removed.
///
/// Texts may hold [`ClusterRecipe::NAME`] in place of the name that the campaign gives the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterRecipe {
    /// Program and arguments that make it, and write how it is reached into the file that `KUBECONFIG` names.
    pub create: Vec<String>,
    /// Program and arguments that remove it, in whatever state it is.
    pub delete: Vec<String>,
    /// The context that `create` writes.
    pub context: String,
}

impl ClusterRecipe {
    /// Stands for the name of the cluster.
    pub const NAME: &str = "{name}";

    /// The recipe for a cluster of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        let named = |text: &String| text.replace(Self::NAME, name);
        Self {
            create: self.create.iter().map(named).collect(),
            delete: self.delete.iter().map(named).collect(),
            context: named(&self.context),
        }
    }
}
