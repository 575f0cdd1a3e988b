//! The connection diary: what did not get in, and what to do about it.

use super::{Console, Page};
use crate::{Deadline, until};

impl Console {
    /// The page of an entry of the diary, as soon as there is one of this cause about this subject.
    pub async fn diary_entry(&self, cause: &str, subject: &str) -> Page {
        self.diary_entry_by(Deadline::usual(), cause, subject).await
    }

    /// The same, which must be before the deadline.
    pub async fn diary_entry_by(&self, deadline: Deadline, cause: &str, subject: &str) -> Page {
        let list = format!("/diary?cause={cause}");
        let url = until(&format!("{cause} about {subject} in the diary"), deadline, async || {
            let page = self.open(&list).await;
            let subjects = page.texts("#diary tbody td:nth-child(2)");
            let links = page.links("#diary tbody td:first-child a");
            let found = subjects.iter().zip(links).find(|(its, _)| *its == subject);
            found.map(|(_, (_, url))| url)
        })
        .await;
        self.open(&url).await
    }

    /// The page of an entry of this cause, about whomever, as soon as there is one.
    pub async fn diary_entry_of(&self, cause: &str) -> Page {
        let list = format!("/diary?cause={cause}");
        let url = until(&format!("{cause} in the diary"), Deadline::usual(), async || {
            let links = self.open(&list).await.links("#diary tbody td:first-child a");
            links.into_iter().next().map(|(_, url)| url)
        })
        .await;
        self.open(&url).await
    }

    /// Why somebody did not get in, as soon as there is an entry about them: the title of the first.
    pub async fn first_cause(&self, subject: &str) -> String {
        until(&format!("anything about {subject} in the diary"), Deadline::usual(), async || {
            let page = self.open("/diary").await;
            let subjects = page.texts("#diary tbody td:nth-child(2)");
            let titles = page.texts("#diary tbody td:first-child a");
            subjects.iter().zip(titles).find(|(its, _)| *its == subject).map(|(_, title)| title)
        })
        .await
    }

    /// Whether the diary has nothing of this cause.
    pub async fn has_no_entry_of(&self, cause: &str) -> bool {
        !self.open(&format!("/diary?cause={cause}")).await.has("#diary")
    }
}
