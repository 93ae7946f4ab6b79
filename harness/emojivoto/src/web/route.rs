//! Which path is answered by what: [`Route`].

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Page,
    LeaderboardPage,
    Script,
    Asset,
    List,
    Vote,
    Leaderboard,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/api/list" => Self::List,
            "/api/vote" => Self::Vote,
            "/api/leaderboard" => Self::Leaderboard,
            "/leaderboard" => Self::LeaderboardPage,
            "/js" => Self::Script,
            "/img/favicon.ico" => Self::Asset,
            _ if path.starts_with("/dist/") => Self::Asset,
            // Upstream's routing falls back to the page: an unknown path is not a 404.
            _ => Self::Page,
        }
    }

    /// The path that stands for the route in metrics.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Page => "/",
            Self::LeaderboardPage => "/leaderboard",
            Self::Script => "/js",
            Self::Asset => "/dist",
            Self::List => "/api/list",
            Self::Vote => "/api/vote",
            Self::Leaderboard => "/api/leaderboard",
        }
    }
}
