//! Tabs: real pages, one of which is this one.

/// A link to one of several pages that belong together.
pub(crate) struct Tab {
    pub(crate) url: String,
    pub(crate) label: &'static str,
    pub(crate) here: bool,
}

impl Tab {
    /// One tab a pair of path below `base` and label; `here` is the path of this page.
    pub(crate) fn row(base: &str, pages: &[(&str, &'static str)], here: &str) -> Vec<Self> {
        let tab = |(path, label): &(&str, &'static str)| Self {
            url: format!("{base}{path}"),
            label,
            here: *path == here,
        };
        pages.iter().map(tab).collect()
    }
}
