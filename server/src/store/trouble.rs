//! How the writer stands with its database: what went wrong is told apart, kept for those who ask, and told to the log
//! when it begins and when it has ended.

use std::{
    error::Error,
    io::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fleet::store::Trouble;
use migrations::{MigrateError, plain};
use sea_orm::{DbErr, RuntimeErr, sqlx};
use tokio::time::Instant;

use super::{
    OpenError,
    log::Astray,
    place::{Displaced, Place},
    postgres::PostgresError,
};
use crate::limit;

/// How the writer stands with its database.
#[derive(Debug, Default)]
pub(super) struct Standing {
    failing: Mutex<Option<Failing>>,
    /// Of a database that is a file.
    place: Option<Place>,
}

#[derive(Debug)]
struct Failing {
    trouble: Trouble,
    /// When it failed last.
    at: Instant,
    /// What the log was told, and when.
    told: (Trouble, Instant),
    /// When it was tried last whether there is room again.
    tried: Option<Instant>,
}

/// How long nothing must fail before what succeeds ends a trouble: on a disk that is nearly full, small writes do. As long lies
/// between two attempts to find room there, and between two lines in the log where one trouble follows another.
const CALM: Duration = Duration::from_secs(2);

/// How much room there must be before a disk is no longer full: SQLite fits small writes into what it has, as long as it has it.
const ROOM: usize = 1 << 20;

impl Standing {
    /// Of a database in that place, if it is a file.
    pub(super) fn new(place: Option<Place>) -> Self {
        Self { failing: Mutex::default(), place }
    }

    /// Whether the file that is open is the one that the next start finds, as it was written.
    pub(super) fn in_place(&self) -> Result<(), Displaced> {
        self.place.as_ref().map_or(Ok(()), Place::check)
    }

    /// What keeps it from writing.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.lock().as_ref().map(|failing| failing.trouble)
    }

    pub(super) fn failed(&self, error: &(dyn Error + 'static)) {
        let (trouble, now) = (trouble(error), Instant::now());
        let mut standing = self.lock();
        let (told, tried) =
            standing.as_ref().map_or((None, None), |before| (Some(before.told), before.tried));
        let told = told.filter(|(before, at)| *before == trouble || at.elapsed() < CALM);
        if told.is_none() {
            tracing::error!(
                error = plain(&error),
                "{trouble}; nothing is acknowledged until the store can write"
            );
        }
        *standing = Some(Failing { trouble, at: now, told: told.unwrap_or((trouble, now)), tried });
    }

    pub(super) fn worked(&self) {
        if self.may_have_ended() && self.lock().take().is_some() {
            tracing::info!("the store can write again");
        }
    }

    fn may_have_ended(&self) -> bool {
        match &mut *self.lock() {
            Some(failing) if failing.at.elapsed() < CALM => return false,
            Some(Failing { trouble: Trouble::Full, tried, .. }) => {
                if tried.is_some_and(|tried| tried.elapsed() < CALM) {
                    return false;
                }
                *tried = Some(Instant::now());
            }
            Some(_) => return true,
            None => return false,
        }
        // Without the lock: whoever asks how it stands does not wait for a disk.
        self.has_room()
    }

    fn has_room(&self) -> bool {
        let Some(place) = &self.place else { return true };
        let written = tempfile::tempfile_in(place.folder())
            .and_then(|mut file| file.write_all(&vec![0; ROOM]).and_then(|()| file.sync_all()));
        written.is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn trouble(error: &(dyn Error + 'static)) -> Trouble {
    if let Some(displaced) = error.downcast_ref() {
        return match displaced {
            Displaced::Moved(_) => Trouble::Moved,
            Displaced::Overwritten(_) => Trouble::Corrupt,
        };
    }
    if let Some(astray) = error.downcast_ref() {
        return match astray {
            Astray::Cut | Astray::Spoiled => Trouble::Cut,
            Astray::Gone => Trouble::Moved,
            Astray::Held => Trouble::Busy,
        };
    }
    if let Some(OpenError::Connect(error)) = error.downcast_ref() {
        return trouble(error);
    }
    if let Some(OpenError::Migrate(MigrateError::Database(error))) = error.downcast_ref() {
        return trouble(error);
    }
    if let Some(OpenError::Postgres(error)) = error.downcast_ref() {
        return match error {
            PostgresError::InUse { .. } => Trouble::Taken,
            PostgresError::Overtaken => Trouble::Overtaken,
            PostgresError::Silent { .. } | PostgresError::Unreachable { .. } => Trouble::Unreachable,
            _ => Trouble::Other,
        };
    }
    match error.downcast_ref() {
        Some(
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)),
        ) => of_sqlx(error),
        Some(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => Trouble::Unreachable,
        _ => Trouble::Other,
    }
}

fn of_sqlx(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                code.parse().map_or(Trouble::Other, of_sqlite)
            } else {
                of_postgres(&code)
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Trouble::Unreachable,
        _ => Trouble::Other,
    }
}

/// By SQLite's result codes (<https://sqlite.org/rescode.html>).
fn of_sqlite(code: i32) -> Trouble {
    /// The memory that connections share can't grow, for it is a file.
    const IOERR_SHMSIZE: i32 = 4_874;
    const IOERR_WRITE: i32 = 778;
    match (code, code & 0xff) {
        // EFBIG, in all likelihood: SQLite tells only ENOSPC from the rest.
        (IOERR_WRITE | IOERR_SHMSIZE, _) if limit::is_set() => Trouble::Limited,
        (IOERR_SHMSIZE, _) | (_, 13) => Trouble::Full,
        (_, 5 | 6) => Trouble::Busy,
        (_, 8) => Trouble::ReadOnly,
        // Also a file that can't be opened any more.
        (_, 10 | 14) => Trouble::Io,
        (_, 11 | 26) => Trouble::Corrupt,
        _ => Trouble::Other,
    }
}

/// By PostgreSQL's SQLSTATE (its documentation, appendix A).
fn of_postgres(state: &str) -> Trouble {
    match state {
        "53100" => Trouble::Full,
        "25006" => Trouble::ReadOnly,
        "55P03" | "40001" | "40P01" | "57014" => Trouble::Busy,
        "58030" => Trouble::Io,
        "XX001" | "XX002" => Trouble::Corrupt,
        // Connections, who may connect and to what, too many of them, and an administrator who ends them.
        state if ["08", "28", "3D", "53", "57"].iter().any(|class| state.starts_with(class)) => {
            Trouble::Unreachable
        }
        _ => Trouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_by_what_people_do_about_them() {
        for (code, trouble) in [
            (13, Trouble::Full),
            (4_874, Trouble::Full),
            (5, Trouble::Busy),
            (517, Trouble::Busy),
            (8, Trouble::ReadOnly),
            (1_032, Trouble::ReadOnly),
            (778, Trouble::Io),
            (14, Trouble::Io),
            (11, Trouble::Corrupt),
            (1, Trouble::Other),
        ] {
            assert_eq!(of_sqlite(code), trouble, "{code}");
        }
        for (state, trouble) in [
            ("53100", Trouble::Full),
            ("53300", Trouble::Unreachable),
            ("08006", Trouble::Unreachable),
            ("57P03", Trouble::Unreachable),
            ("57014", Trouble::Busy),
            ("25006", Trouble::ReadOnly),
            ("XX001", Trouble::Corrupt),
            ("42P01", Trouble::Other),
        ] {
            assert_eq!(of_postgres(state), trouble, "{state}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trouble_ends_when_something_succeeds_a_while_after_it() {
        let standing = Standing::default();
        standing.worked();
        assert_eq!(standing.trouble(), None);
        standing.failed(&DbErr::Custom("unknown".into()));
        standing.worked();
        assert_eq!(standing.trouble(), Some(Trouble::Other), "a small write on a disk that is nearly full");
        tokio::time::advance(CALM).await;
        assert_eq!(standing.trouble(), Some(Trouble::Other));
        standing.worked();
        assert_eq!(standing.trouble(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_is_full_until_there_is_room_whatever_small_writes_succeed() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        std::fs::create_dir(&gone).unwrap();
        std::fs::write(gone.join("muster.db"), "").unwrap();
        let standing = Standing::new(Some(Place::of(&gone.join("muster.db")).unwrap()));
        std::fs::remove_dir_all(&gone).unwrap();
        let now = Instant::now();
        *standing.lock() =
            Some(Failing { trouble: Trouble::Full, at: now, told: (Trouble::Full, now), tried: None });
        tokio::time::advance(CALM).await;
        standing.worked();
        assert_eq!(standing.trouble(), Some(Trouble::Full), "nothing can be written there");
        std::fs::create_dir(gone).unwrap();
        standing.worked();
        assert_eq!(standing.trouble(), Some(Trouble::Full), "it was looked a moment ago");
        tokio::time::advance(CALM).await;
        standing.worked();
        assert_eq!(standing.trouble(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trouble_that_follows_another_is_told_too_but_not_each_time_they_take_turns() {
        let standing = Standing::default();
        let told = || standing.lock().as_ref().map(|failing| failing.told.0);
        let away = PostgresError::Silent { place: "there".to_owned() };
        standing.failed(&OpenError::from(away));
        assert_eq!(told(), Some(Trouble::Unreachable));
        standing.failed(&OpenError::from(PostgresError::Overtaken));
        assert_eq!(standing.trouble(), Some(Trouble::Overtaken));
        assert_eq!(told(), Some(Trouble::Unreachable), "that was a moment ago");
        tokio::time::advance(CALM).await;
        standing.failed(&OpenError::from(PostgresError::Overtaken));
        assert_eq!(told(), Some(Trouble::Overtaken));
    }
}
