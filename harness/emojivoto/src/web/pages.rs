//! What a browser sees.

use crate::reply::{self, Reply};

/// The page, the same for voting and for the leaderboard; the script tells them apart.
pub(crate) fn index() -> Reply {
    reply::page(include_str!("index.html"))
}

/// The script of the page.
pub(crate) fn script() -> Reply {
    reply::script(include_str!("index.js"))
}
