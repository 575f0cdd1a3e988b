//! What keeps a store from writing, told apart by what people do about it.

/// Why a store does not take what it is given: what is wrong, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Somebody else holds it.
    #[error("the database is locked by another program: end what holds it")]
    Busy,
    /// What is there can't be understood.
    #[error("the database is damaged: stop the server and restore a backup")]
    Corrupt,
    /// What was written last was taken away from it.
    #[error(
        "the database's log (muster.db-wal) was cut short from outside, and what was written last is lost: start the server \
         again to go on with what is left, or stop it and restore a backup"
    )]
    Cut,
    /// There is no room.
    #[error("the disk is full: make room where the database is")]
    Full,
    /// The disk does not do what it should.
    #[error("the disk fails: look at it and at the system's log")]
    Io,
    /// Its file may not grow any more.
    #[error(
        "the database's file may not grow beyond what this process is allowed: raise that limit (LimitFSIZE=, ulimit -f), \
         and start the server again"
    )]
    Limited,
    /// Its file was deleted, or another was put in its place.
    #[error(
        "the database's file is not where it was: put the same file back, or stop the server and restore a backup"
    )]
    Moved,
    /// Another server has written to it.
    #[error(
        "another server has used the database meanwhile, and this one writes no more: stop one of the two, and start the \
         other again"
    )]
    Overtaken,
    /// It can be read and not written.
    #[error(
        "the database is read-only: look whether its disk was mounted so, and whether the server may write there"
    )]
    ReadOnly,
    /// Another server has it.
    #[error(
        "another server has the database: stop one of the two. This one goes on if the other has not written; otherwise it \
         must be started again"
    )]
    Taken,
    /// The server of the database does not answer, or sends us away.
    #[error("the database can't be reached: look whether it runs and lets this server in")]
    Unreachable,
    /// None of these.
    #[error("the database does not take what is written: the log says why")]
    Other,
}
